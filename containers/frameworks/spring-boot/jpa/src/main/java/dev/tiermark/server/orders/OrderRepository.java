package dev.tiermark.server.orders;

import java.util.List;
import java.util.Optional;

import jakarta.persistence.LockModeType;
import org.springframework.data.domain.Limit;
import org.springframework.data.jpa.repository.EntityGraph;
import org.springframework.data.jpa.repository.Lock;
import org.springframework.data.jpa.repository.Modifying;
import org.springframework.data.jpa.repository.Query;
import org.springframework.data.repository.Repository;
import org.springframework.transaction.annotation.Propagation;
import org.springframework.transaction.annotation.Transactional;

public interface OrderRepository extends Repository<CustomerOrder, Long> {

    CustomerOrder save(CustomerOrder order);

    /** With the lines, by one statement, which needs no transaction of its own. */
    @EntityGraph(attributePaths = "lines")
    @Transactional(propagation = Propagation.SUPPORTS, readOnly = true)
    Optional<CustomerOrder> findById(Long id);

    List<CustomerOrder> findByCustomerOrderByIdDesc(int customer, Limit limit);

    /** Locks the order, so that of two requests that replace its lines one waits for the other. */
    @Lock(LockModeType.PESSIMISTIC_WRITE)
    @Query("select o from CustomerOrder o where o.id = :id")
    Optional<CustomerOrder> findForUpdate(Long id);

    @Modifying
    @Query("delete from CustomerOrder o where o.id = :id")
    int deleteById(Long id);
}
