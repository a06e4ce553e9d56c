package dev.tiermark.server.orders;

import java.util.List;
import java.util.Optional;

import org.springframework.stereotype.Service;
import org.springframework.transaction.annotation.Transactional;

@Service
class JdbcOrderService implements OrderService {

    private final OrderRepository orders;

    JdbcOrderService(OrderRepository orders) {
        this.orders = orders;
    }

    @Override
    @Transactional
    public OrderResponse create(OrderRequest request) {
        return orders.insert(request.customerId(), request.total(), request.orderLines());
    }

    @Override
    public Optional<OrderResponse> find(long id) {
        return orders.find(id);
    }

    @Override
    public List<OrderResponse> findByCustomer(int customer, int limit) {
        return orders.findByCustomer(customer, limit);
    }

    @Override
    @Transactional
    public Optional<OrderResponse> replace(long id, OrderRequest request) {
        return orders.replace(id, request.customerId(), request.total(), request.orderLines());
    }

    @Override
    public boolean delete(long id) {
        return orders.delete(id);
    }
}
