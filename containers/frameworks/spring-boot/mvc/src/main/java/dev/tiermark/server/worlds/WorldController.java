package dev.tiermark.server.worlds;

import java.util.List;

import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

@RestController
class WorldController {

    private final WorldService worlds;

    WorldController(WorldService worlds) {
        this.worlds = worlds;
    }

    @GetMapping("/db")
    WorldResponse db() {
        return worlds.find(RandomNumbers.next());
    }

    @GetMapping("/queries")
    List<WorldResponse> queries(@RequestParam(name = "queries", defaultValue = "1") RowCount count) {
        return RandomNumbers.stream(count.value()).mapToObj(worlds::find).toList();
    }

    @GetMapping("/updates")
    List<WorldResponse> updates(@RequestParam(name = "queries", defaultValue = "1") RowCount count) {
        return worlds.update(RandomNumbers.distinctSorted(count.value()));
    }

    @GetMapping("/cached-queries")
    List<WorldResponse> cachedQueries(@RequestParam(defaultValue = "1") RowCount count) {
        return RandomNumbers.stream(count.value()).mapToObj(worlds::findCached).toList();
    }
}
