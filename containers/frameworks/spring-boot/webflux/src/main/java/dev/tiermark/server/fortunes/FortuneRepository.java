package dev.tiermark.server.fortunes;

import org.springframework.data.repository.Repository;
import org.springframework.transaction.annotation.Propagation;
import org.springframework.transaction.annotation.Transactional;

import reactor.core.publisher.Flux;

/** One statement needs no transaction of its own. */
@Transactional(propagation = Propagation.SUPPORTS)
interface FortuneRepository extends Repository<FortuneEntity, Integer> {

    Flux<FortuneEntity> findAll();
}
