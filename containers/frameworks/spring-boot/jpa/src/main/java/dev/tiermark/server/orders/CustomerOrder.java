package dev.tiermark.server.orders;

import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;

import jakarta.persistence.CollectionTable;
import jakarta.persistence.Column;
import jakarta.persistence.ElementCollection;
import jakarta.persistence.Embeddable;
import jakarta.persistence.Entity;
import jakarta.persistence.GeneratedValue;
import jakarta.persistence.GenerationType;
import jakarta.persistence.Id;
import jakarta.persistence.JoinColumn;
import jakarta.persistence.OrderColumn;
import jakarta.persistence.Table;
import org.hibernate.annotations.BatchSize;
import org.hibernate.annotations.OnDelete;
import org.hibernate.annotations.OnDeleteAction;

/**
 * An order. Its lines are values without an identity of their own, so they are a collection of embeddables; unlike entities with a
 * generated id, Hibernate can insert them in a batch.
 */
@Entity
@Table(name = "orders")
public class CustomerOrder {

    @Id
    @GeneratedValue(strategy = GenerationType.IDENTITY)
    private Long id;

    private int customer;

    private long total;

    @Column(name = "created_at", updatable = false)
    private Instant created;

    /** The lines of all orders of a list, at most 100, are read by one statement. */
    @ElementCollection
    @CollectionTable(name = "order_lines", joinColumns = @JoinColumn(name = "order_id"))
    @OrderColumn(name = "position")
    @BatchSize(size = 100)
    @OnDelete(action = OnDeleteAction.CASCADE)
    private List<Line> lines;

    protected CustomerOrder() {
    }

    CustomerOrder(OrderRequest request) {
        // What PostgreSQL keeps of it, so that the answer now and later is the same.
        created = Instant.now().truncatedTo(ChronoUnit.MICROS);
        replace(request);
    }

    /** A new list, so that Hibernate removes the old lines by one statement without reading them. */
    final void replace(OrderRequest request) {
        customer = request.customerId();
        total = request.total();
        lines = new ArrayList<>(request.orderLines().stream().map(Line::new).toList());
    }

    OrderResponse toResponse() {
        return new OrderResponse(id, customer, total, created, lines.stream().map(Line::toOrderLine).toList());
    }

    @Embeddable
    record Line(String sku, int quantity, int price) {

        Line(OrderLine line) {
            this(line.sku(), line.quantity(), line.price());
        }

        OrderLine toOrderLine() {
            return new OrderLine(sku, quantity, price);
        }
    }
}
