package dev.tiermark.server.worlds;

import java.util.List;

import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

@RestController
class WorldController {

    private final WorldService worlds;

    WorldController(WorldService worlds) {
        this.worlds = worlds;
    }

    @GetMapping("/db")
    Mono<WorldResponse> db() {
        return worlds.find(RandomNumbers.next());
    }

    @GetMapping("/queries")
    Mono<List<WorldResponse>> queries(@RequestParam(name = "queries", defaultValue = "1") RowCount count) {
        return random(count).concatMap(worlds::find).collectList();
    }

    @GetMapping("/updates")
    Mono<List<WorldResponse>> updates(@RequestParam(name = "queries", defaultValue = "1") RowCount count) {
        return worlds.update(RandomNumbers.distinctSorted(count.value()));
    }

    @GetMapping("/cached-queries")
    Mono<List<WorldResponse>> cachedQueries(@RequestParam(defaultValue = "1") RowCount count) {
        return random(count).concatMap(worlds::findCached).collectList();
    }

    private static Flux<Integer> random(RowCount count) {
        return Flux.fromStream(RandomNumbers.stream(count.value()).boxed());
    }
}
