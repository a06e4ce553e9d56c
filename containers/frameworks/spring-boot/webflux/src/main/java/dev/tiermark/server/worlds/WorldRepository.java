package dev.tiermark.server.worlds;

import org.springframework.data.repository.Repository;
import org.springframework.transaction.annotation.Propagation;
import org.springframework.transaction.annotation.Transactional;

import reactor.core.publisher.Mono;

/** One statement needs no transaction of its own, which would be two round trips more; within one it takes part. */
@Transactional(propagation = Propagation.SUPPORTS)
interface WorldRepository extends Repository<World, Integer> {

    Mono<World> findById(Integer id);

    Mono<World> save(World world);
}
