package dev.tiermark.server.upstream;

import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.http.HttpStatus;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.client.RestClient;
import org.springframework.web.client.RestClientException;
import org.springframework.web.server.ResponseStatusException;

@RestController
class UpstreamController {

    private final RestClient upstream;
    private final boolean configured;

    UpstreamController(RestClient.Builder builder, @Value("${tiermark.upstream-url:}") String url) {
        upstream = builder.baseUrl(url).build();
        configured = !url.isEmpty();
    }

    @GetMapping("/upstream")
    UpstreamAnswer upstream(@RequestParam @Min(0) @Max(UpstreamAnswer.MOST_MS) int ms) {
        if (!configured) {
            throw new ResponseStatusException(HttpStatus.SERVICE_UNAVAILABLE, "no UPSTREAM_URL is set");
        }
        try {
            return upstream.get().uri("/delay?ms={ms}", ms).retrieve().body(UpstreamAnswer.class);
        } catch (RestClientException fault) {
            throw new ResponseStatusException(HttpStatus.BAD_GATEWAY, "the service did not answer", fault);
        }
    }
}
