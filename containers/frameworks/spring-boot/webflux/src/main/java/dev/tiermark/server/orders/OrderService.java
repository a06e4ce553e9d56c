package dev.tiermark.server.orders;

import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

import org.springframework.data.domain.Limit;
import org.springframework.stereotype.Service;
import org.springframework.transaction.annotation.Transactional;

import reactor.core.publisher.Mono;

@Service
class OrderService {

    private final OrderRepository orders;
    private final LineRepository lines;

    OrderService(OrderRepository orders, LineRepository lines) {
        this.orders = orders;
        this.lines = lines;
    }

    @Transactional
    public Mono<OrderResponse> create(OrderRequest request) {
        return orders.save(OrderEntity.of(request)).flatMap(order -> insertLines(order, request.orderLines()));
    }

    Mono<OrderResponse> find(long id) {
        return orders.findById(id).flatMap(order -> withLines(List.of(order))).map(List::getFirst);
    }

    /** The customer's orders, the newest first. */
    Mono<List<OrderResponse>> findByCustomer(int customer, int limit) {
        return orders.findByCustomerOrderByIdDesc(customer, Limit.of(limit)).collectList().flatMap(this::withLines);
    }

    /** Replaces customer and lines; empty where there is no such order. */
    @Transactional
    public Mono<OrderResponse> replace(long id, OrderRequest request) {
        return orders.replace(id, request.customerId(), request.total())
            .flatMap(order -> lines.removeByOrder(id).then(insertLines(order, request.orderLines())));
    }

    /** Whether there was such an order. */
    Mono<Boolean> delete(long id) {
        return orders.remove(id).map(removed -> removed > 0);
    }

    private Mono<OrderResponse> insertLines(OrderEntity order, List<OrderLine> newLines) {
        return lines.saveAll(LineEntity.of(order.id(), newLines)).then(Mono.fromSupplier(() -> order.toResponse(newLines)));
    }

    /** The lines of all orders are read by one statement. */
    private Mono<List<OrderResponse>> withLines(List<OrderEntity> found) {
        if (found.isEmpty()) {
            return Mono.just(List.of());
        }
        return lines.findByOrders(found.stream().map(OrderEntity::id).toArray(Long[]::new))
            .collect(Collectors.groupingBy(LineEntity::order, Collectors.mapping(LineEntity::toOrderLine, Collectors.toList())))
            .map(byOrder -> responses(found, byOrder));
    }

    private static List<OrderResponse> responses(List<OrderEntity> found, Map<Long, List<OrderLine>> lines) {
        return found.stream().map(order -> order.toResponse(lines.getOrDefault(order.id(), List.of()))).toList();
    }
}
