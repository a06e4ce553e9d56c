package dev.tiermark.server.worlds;

import java.util.Optional;

import org.springframework.data.repository.Repository;
import org.springframework.transaction.annotation.Propagation;
import org.springframework.transaction.annotation.Transactional;

/** As {@link WorldRepository}: single reads without a transaction. */
@Transactional(propagation = Propagation.SUPPORTS, readOnly = true)
public interface CachedWorldRepository extends Repository<CachedWorld, Integer> {

    Optional<CachedWorld> findById(Integer id);
}
