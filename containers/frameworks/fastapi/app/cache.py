"""The rows of `cachedworld`, in this process."""

from cachetools import LRUCache

from app.data import WORLD_ROWS, Database, World


class WorldCache:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._rows: LRUCache[int, World] = LRUCache(maxsize=WORLD_ROWS)

    async def worlds(self, ids: list[int]) -> list[World]:
        missing = {id for id in ids if id not in self._rows}
        if missing:
            async with self._database.reading() as repository:
                for id in missing:
                    self._rows[id] = await repository.cached_world(id)
        return [self._rows[id] for id in ids]
