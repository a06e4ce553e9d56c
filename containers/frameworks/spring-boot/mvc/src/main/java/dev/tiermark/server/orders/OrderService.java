package dev.tiermark.server.orders;

import java.util.List;
import java.util.Optional;

/** Orders with their lines, which live and die with them. */
public interface OrderService {

    OrderResponse create(OrderRequest request);

    Optional<OrderResponse> find(long id);

    /** The customer's orders, the newest first. */
    List<OrderResponse> findByCustomer(int customer, int limit);

    /** Replaces customer and lines; empty where there is no such order. */
    Optional<OrderResponse> replace(long id, OrderRequest request);

    /** Whether there was such an order. */
    boolean delete(long id);
}
