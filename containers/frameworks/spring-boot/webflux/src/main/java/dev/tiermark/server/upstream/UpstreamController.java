package dev.tiermark.server.upstream;

import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.core.codec.CodecException;
import org.springframework.http.HttpStatus;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.reactive.function.client.WebClient;
import org.springframework.web.reactive.function.client.WebClientException;
import org.springframework.web.server.ResponseStatusException;

import reactor.core.publisher.Mono;

@RestController
class UpstreamController {

    private final WebClient upstream;
    private final boolean configured;

    UpstreamController(WebClient.Builder builder, @Value("${tiermark.upstream-url:}") String url) {
        upstream = builder.baseUrl(url).build();
        configured = !url.isEmpty();
    }

    @GetMapping("/upstream")
    Mono<UpstreamAnswer> upstream(@RequestParam @Min(0) @Max(UpstreamAnswer.MOST_MS) int ms) {
        if (!configured) {
            return Mono.error(new ResponseStatusException(HttpStatus.SERVICE_UNAVAILABLE, "no UPSTREAM_URL is set"));
        }
        return upstream.get().uri("/delay?ms={ms}", ms).retrieve().bodyToMono(UpstreamAnswer.class)
            .onErrorMap(fault -> fault instanceof WebClientException || fault instanceof CodecException,
                fault -> new ResponseStatusException(HttpStatus.BAD_GATEWAY, "the service did not answer", fault));
    }
}
