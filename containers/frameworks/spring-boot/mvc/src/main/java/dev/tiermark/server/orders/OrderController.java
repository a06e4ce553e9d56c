package dev.tiermark.server.orders;

import java.net.URI;

import jakarta.validation.Valid;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.PutMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;

@RestController
@RequestMapping("/orders")
class OrderController {

    private final OrderService orders;

    OrderController(OrderService orders) {
        this.orders = orders;
    }

    @PostMapping
    ResponseEntity<OrderResponse> create(@Valid @RequestBody OrderRequest request) {
        OrderResponse order = orders.create(request);
        return ResponseEntity.created(URI.create("/orders/" + order.id())).body(order);
    }

    @GetMapping("/{id}")
    ResponseEntity<OrderResponse> find(@PathVariable long id) {
        return ResponseEntity.of(orders.find(id));
    }

    @GetMapping
    OrderListResponse list(@Valid OrderSearch search) {
        return new OrderListResponse(orders.findByCustomer(search.customerId(), search.limitOrDefault()));
    }

    @PutMapping("/{id}")
    ResponseEntity<OrderResponse> replace(@PathVariable long id, @Valid @RequestBody OrderRequest request) {
        return ResponseEntity.of(orders.replace(id, request));
    }

    @DeleteMapping("/{id}")
    ResponseEntity<Void> delete(@PathVariable long id) {
        return orders.delete(id) ? ResponseEntity.noContent().build() : ResponseEntity.notFound().build();
    }
}
