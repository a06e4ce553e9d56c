package dev.tiermark.server.worlds;

import java.util.Collection;
import java.util.List;

/** Rows of {@code world} and {@code cachedworld}. */
public interface WorldService {

    WorldResponse find(int id);

    /** A row of {@code cachedworld}, out of the cache where it has been asked for before. */
    WorldResponse findCached(int id);

    /** Reads each row, gives it a new random number and writes all of them back in one transaction. */
    List<WorldResponse> update(Collection<Integer> ids);
}
