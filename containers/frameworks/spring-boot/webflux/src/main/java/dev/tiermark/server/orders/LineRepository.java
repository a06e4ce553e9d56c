package dev.tiermark.server.orders;

import java.util.List;

import org.springframework.data.r2dbc.repository.Modifying;
import org.springframework.data.r2dbc.repository.Query;
import org.springframework.data.repository.Repository;
import org.springframework.transaction.annotation.Propagation;
import org.springframework.transaction.annotation.Transactional;

import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** As {@link OrderRepository}. */
@Transactional(propagation = Propagation.SUPPORTS)
interface LineRepository extends Repository<LineEntity, Long> {

    Flux<LineEntity> saveAll(List<LineEntity> lines);

    /** The lines of several orders by one statement, whose text does not depend on their number. */
    @Query("select * from order_lines where order_id = any(:orders) order by order_id, position")
    Flux<LineEntity> findByOrders(Long[] orders);

    @Modifying
    @Query("delete from order_lines where order_id = :order")
    Mono<Integer> removeByOrder(long order);
}
