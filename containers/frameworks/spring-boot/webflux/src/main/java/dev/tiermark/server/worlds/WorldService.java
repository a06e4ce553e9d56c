package dev.tiermark.server.worlds;

import java.util.Collection;
import java.util.List;

import org.springframework.cache.annotation.Cacheable;
import org.springframework.stereotype.Service;
import org.springframework.transaction.annotation.Transactional;

import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

@Service
class WorldService {

    private final WorldRepository worlds;
    private final CachedWorldRepository cachedWorlds;

    WorldService(WorldRepository worlds, CachedWorldRepository cachedWorlds) {
        this.worlds = worlds;
        this.cachedWorlds = cachedWorlds;
    }

    Mono<WorldResponse> find(int id) {
        return worlds.findById(id).map(World::toResponse).single();
    }

    @Cacheable("worlds")
    public Mono<WorldResponse> findCached(int id) {
        return cachedWorlds.findById(id).map(CachedWorld::toResponse).single();
    }

    /** Reads each row, gives it a new random number and writes all of them back in one transaction. */
    @Transactional
    public Mono<List<WorldResponse>> update(Collection<Integer> ids) {
        return Flux.fromIterable(ids)
            .concatMap(worlds::findById)
            .map(row -> new World(row.id(), RandomNumbers.next()))
            .collectList()
            .flatMapMany(Flux::fromIterable)
            .concatMap(worlds::save)
            .map(World::toResponse)
            .collectList();
    }
}
