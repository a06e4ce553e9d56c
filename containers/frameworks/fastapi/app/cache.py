"""The rows of `cachedworld`, in this process."""

from asyncio import Lock

from cachetools import LRUCache

from app.data import WORLD_ROWS, Database, World


class WorldCache:
    """Filled as a whole by the first request; a row that has left it is no error, but fills it again."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._rows: LRUCache[int, World] = LRUCache(maxsize=WORLD_ROWS)
        self._filling = Lock()

    async def worlds(self, ids: list[int]) -> list[World]:
        try:
            return [self._rows[id] for id in ids]
        except KeyError:
            await self._fill(ids)
            return [self._rows[id] for id in ids]

    async def _fill(self, ids: list[int]) -> None:
        async with self._filling:
            # Another request may have filled it meanwhile.
            if all(id in self._rows for id in ids):
                return
            async with self._database.reading() as repository:
                self._rows.update((world.id, world) for world in await repository.cached_worlds())
