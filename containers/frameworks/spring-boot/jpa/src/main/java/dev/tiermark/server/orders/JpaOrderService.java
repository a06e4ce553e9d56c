package dev.tiermark.server.orders;

import java.util.List;
import java.util.Optional;

import org.springframework.data.domain.Limit;
import org.springframework.stereotype.Service;
import org.springframework.transaction.annotation.Transactional;

@Service
class JpaOrderService implements OrderService {

    private final OrderRepository orders;

    JpaOrderService(OrderRepository orders) {
        this.orders = orders;
    }

    @Override
    @Transactional
    public OrderResponse create(OrderRequest request) {
        return orders.save(new CustomerOrder(request)).toResponse();
    }

    @Override
    public Optional<OrderResponse> find(long id) {
        return orders.findById(id).map(CustomerOrder::toResponse);
    }

    @Override
    @Transactional(readOnly = true)
    public List<OrderResponse> findByCustomer(int customer, int limit) {
        return orders.findByCustomerOrderByIdDesc(customer, Limit.of(limit)).stream().map(CustomerOrder::toResponse).toList();
    }

    @Override
    @Transactional
    public Optional<OrderResponse> replace(long id, OrderRequest request) {
        return orders.findForUpdate(id).map(order -> {
            order.replace(request);
            return order.toResponse();
        });
    }

    @Override
    @Transactional
    public boolean delete(long id) {
        return orders.deleteById(id) > 0;
    }
}
