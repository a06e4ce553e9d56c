package dev.tiermark.server.worlds;

import org.springframework.data.repository.Repository;
import org.springframework.transaction.annotation.Propagation;
import org.springframework.transaction.annotation.Transactional;

import reactor.core.publisher.Mono;

/** As {@link WorldRepository}: single statements without a transaction. */
@Transactional(propagation = Propagation.SUPPORTS)
interface CachedWorldRepository extends Repository<CachedWorld, Integer> {

    Mono<CachedWorld> findById(Integer id);
}
