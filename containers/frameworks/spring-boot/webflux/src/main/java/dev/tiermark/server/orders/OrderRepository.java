package dev.tiermark.server.orders;

import org.springframework.data.domain.Limit;
import org.springframework.data.r2dbc.repository.Modifying;
import org.springframework.data.r2dbc.repository.Query;
import org.springframework.data.repository.Repository;
import org.springframework.transaction.annotation.Propagation;
import org.springframework.transaction.annotation.Transactional;

import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** Single statements without a transaction of their own; the service has the transactions. */
@Transactional(propagation = Propagation.SUPPORTS)
interface OrderRepository extends Repository<OrderEntity, Long> {

    Mono<OrderEntity> save(OrderEntity order);

    Mono<OrderEntity> findById(Long id);

    Flux<OrderEntity> findByCustomerOrderByIdDesc(int customer, Limit limit);

    /** Locks the order, so that of two requests that replace its lines one waits for the other. */
    @Query("update orders set customer = :customer, total = :total where id = :id returning *")
    Mono<OrderEntity> replace(long id, int customer, long total);

    /** The lines go with the order, as the foreign key says. */
    @Modifying
    @Query("delete from orders where id = :id")
    Mono<Integer> remove(long id);
}
