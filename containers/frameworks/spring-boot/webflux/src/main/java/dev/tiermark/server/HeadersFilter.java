package dev.tiermark.server;

import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.http.HttpHeaders;
import org.springframework.stereotype.Component;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.WebFilter;
import org.springframework.web.server.WebFilterChain;

import reactor.core.publisher.Mono;

/** Reactor Netty sends neither of these headers by itself. */
@Component
@Order(Ordered.HIGHEST_PRECEDENCE)
class HeadersFilter implements WebFilter {

    @Override
    public Mono<Void> filter(ServerWebExchange exchange, WebFilterChain chain) {
        HttpHeaders headers = exchange.getResponse().getHeaders();
        headers.set(HttpHeaders.SERVER, "Reactor Netty");
        headers.setDate(System.currentTimeMillis());
        return chain.filter(exchange);
    }
}
