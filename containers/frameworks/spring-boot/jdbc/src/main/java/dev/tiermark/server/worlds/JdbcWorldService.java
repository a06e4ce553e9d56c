package dev.tiermark.server.worlds;

import java.util.Collection;
import java.util.List;

import org.springframework.cache.annotation.Cacheable;
import org.springframework.stereotype.Service;
import org.springframework.transaction.annotation.Transactional;

@Service
class JdbcWorldService implements WorldService {

    private final WorldRepository worlds;

    JdbcWorldService(WorldRepository worlds) {
        this.worlds = worlds;
    }

    @Override
    public WorldResponse find(int id) {
        return worlds.find(id);
    }

    @Override
    @Cacheable("worlds")
    public WorldResponse findCached(int id) {
        return worlds.findCached(id);
    }

    @Override
    @Transactional
    public List<WorldResponse> update(Collection<Integer> ids) {
        List<WorldResponse> rows = ids.stream()
            .map(worlds::find)
            .map(row -> new WorldResponse(row.id(), RandomNumbers.next()))
            .toList();
        worlds.update(rows);
        return rows;
    }
}
