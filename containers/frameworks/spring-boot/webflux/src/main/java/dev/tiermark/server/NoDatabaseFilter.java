package dev.tiermark.server;

import java.util.List;

import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.http.HttpStatus;
import org.springframework.http.server.PathContainer;
import org.springframework.stereotype.Component;
import org.springframework.web.server.ResponseStatusException;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.WebFilter;
import org.springframework.web.server.WebFilterChain;
import org.springframework.web.util.pattern.PathPattern;
import org.springframework.web.util.pattern.PathPatternParser;

import reactor.core.publisher.Mono;

/** Without a database the routes that need one answer 503, before anything of them is looked at. */
@Component
@ConditionalOnProperty(name = "tiermark.database.configured", havingValue = "false")
class NoDatabaseFilter implements WebFilter {

    private static final List<PathPattern> ROUTES = List.of("/db", "/queries", "/updates", "/cached-queries", "/fortunes", "/orders/**")
        .stream().map(PathPatternParser.defaultInstance::parse).toList();

    @Override
    public Mono<Void> filter(ServerWebExchange exchange, WebFilterChain chain) {
        PathContainer path = exchange.getRequest().getPath().pathWithinApplication();
        if (ROUTES.stream().anyMatch(route -> route.matches(path))) {
            return Mono.error(new ResponseStatusException(HttpStatus.SERVICE_UNAVAILABLE, "no DATABASE_URL is set"));
        }
        return chain.filter(exchange);
    }
}
