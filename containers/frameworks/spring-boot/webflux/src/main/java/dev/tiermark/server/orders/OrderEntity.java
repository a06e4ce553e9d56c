package dev.tiermark.server.orders;

import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;

import org.springframework.data.annotation.Id;
import org.springframework.data.relational.core.mapping.Column;
import org.springframework.data.relational.core.mapping.Table;

@Table("orders")
record OrderEntity(@Id Long id, int customer, long total, @Column("created_at") Instant created) {

    /** A new order; the time is what PostgreSQL keeps of it, so that the answer now and later is the same. */
    static OrderEntity of(OrderRequest request) {
        return new OrderEntity(null, request.customerId(), request.total(), Instant.now().truncatedTo(ChronoUnit.MICROS));
    }

    OrderResponse toResponse(List<OrderLine> lines) {
        return new OrderResponse(id, customer, total, created, lines);
    }
}
