package dev.tiermark.server.worlds;

import java.util.Optional;

import org.springframework.data.repository.Repository;
import org.springframework.transaction.annotation.Propagation;
import org.springframework.transaction.annotation.Transactional;

/** One statement needs no transaction of its own, which would be a round trip more; within one it takes part. */
@Transactional(propagation = Propagation.SUPPORTS, readOnly = true)
public interface WorldRepository extends Repository<World, Integer> {

    Optional<World> findById(Integer id);
}
