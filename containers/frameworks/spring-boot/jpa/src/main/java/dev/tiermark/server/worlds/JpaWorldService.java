package dev.tiermark.server.worlds;

import java.util.Collection;
import java.util.List;

import org.springframework.cache.annotation.Cacheable;
import org.springframework.stereotype.Service;
import org.springframework.transaction.annotation.Transactional;

@Service
class JpaWorldService implements WorldService {

    private final WorldRepository worlds;
    private final CachedWorldRepository cachedWorlds;

    JpaWorldService(WorldRepository worlds, CachedWorldRepository cachedWorlds) {
        this.worlds = worlds;
        this.cachedWorlds = cachedWorlds;
    }

    @Override
    public WorldResponse find(int id) {
        return worlds.findById(id).orElseThrow().toResponse();
    }

    @Override
    @Cacheable("worlds")
    public WorldResponse findCached(int id) {
        return cachedWorlds.findById(id).orElseThrow().toResponse();
    }

    @Override
    @Transactional
    public List<WorldResponse> update(Collection<Integer> ids) {
        List<World> rows = ids.stream().map(id -> worlds.findById(id).orElseThrow()).toList();
        // Hibernate finds out at the commit what has changed and writes it in batches.
        rows.forEach(row -> row.setRandomNumber(RandomNumbers.otherThan(row.getRandomNumber())));
        return rows.stream().map(World::toResponse).toList();
    }
}
