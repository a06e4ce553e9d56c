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

import reactor.core.publisher.Mono;

@RestController
@RequestMapping("/orders")
class OrderController {

    private final OrderService orders;

    OrderController(OrderService orders) {
        this.orders = orders;
    }

    @PostMapping
    Mono<ResponseEntity<OrderResponse>> create(@Valid @RequestBody Mono<OrderRequest> request) {
        return request.flatMap(orders::create)
            .map(order -> ResponseEntity.created(URI.create("/orders/" + order.id())).body(order));
    }

    @GetMapping("/{id}")
    Mono<ResponseEntity<OrderResponse>> find(@PathVariable long id) {
        return orders.find(id).map(ResponseEntity::ok).defaultIfEmpty(ResponseEntity.notFound().build());
    }

    @GetMapping
    Mono<OrderListResponse> list(@Valid OrderSearch search) {
        return orders.findByCustomer(search.customerId(), search.limitOrDefault()).map(OrderListResponse::new);
    }

    @PutMapping("/{id}")
    Mono<ResponseEntity<OrderResponse>> replace(@PathVariable long id, @Valid @RequestBody Mono<OrderRequest> request) {
        return request.flatMap(body -> orders.replace(id, body))
            .map(ResponseEntity::ok)
            .defaultIfEmpty(ResponseEntity.notFound().build());
    }

    @DeleteMapping("/{id}")
    Mono<ResponseEntity<Void>> delete(@PathVariable long id) {
        return orders.delete(id).map(found -> found ? ResponseEntity.noContent().build() : ResponseEntity.notFound().build());
    }
}
