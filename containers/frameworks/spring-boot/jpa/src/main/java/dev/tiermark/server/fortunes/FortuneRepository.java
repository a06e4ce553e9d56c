package dev.tiermark.server.fortunes;

import java.util.List;

import org.springframework.data.repository.Repository;
import org.springframework.transaction.annotation.Propagation;
import org.springframework.transaction.annotation.Transactional;

/** One statement needs no transaction of its own. */
@Transactional(propagation = Propagation.SUPPORTS, readOnly = true)
public interface FortuneRepository extends Repository<FortuneEntity, Integer> {

    List<FortuneEntity> findAll();
}
