"""The data layer: SQLAlchemy's ORM, or asyncpg alone in the variant `sql`. Both answer to the same two protocols."""

from collections.abc import Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol

from app.schemas import OrderIn
from app.settings import Settings

WORLD_ROWS = 10_000
# Seconds to open a connection; asyncpg would wait for a minute.
CONNECT_WITHIN = 5


class World(Protocol):
    id: int
    random_number: int


class Fortune(Protocol):
    id: int
    message: str


class OrderLine(Protocol):
    sku: str
    quantity: int
    price: int


class Order(Protocol):
    id: int
    customer: int
    total: int
    created: datetime
    lines: Sequence[OrderLine]


class Repository(Protocol):
    """What a request asks of the database, on one session or connection."""

    async def world(self, id: int) -> World: ...

    async def worlds(self, ids: Iterable[int]) -> Sequence[World]:
        """Each row by a statement of its own, one after the other."""
        ...

    async def cached_worlds(self) -> Sequence[World]:
        """All rows of the table that the cache holds."""
        ...

    async def renumber_worlds(self, numbers: dict[int, int]) -> Sequence[World]:
        """Reads each row, gives it its new number and commits all of them."""
        ...

    async def fortunes(self) -> list[Fortune]:
        """All rows, and the one that exists in the answer alone."""
        ...

    async def order(self, id: int) -> Order | None: ...

    async def orders(self, customer: int, limit: int) -> Sequence[Order]: ...

    async def add_order(self, order: OrderIn) -> Order: ...

    async def replace_order(self, id: int, order: OrderIn) -> Order | None: ...

    async def delete_order(self, id: int) -> bool: ...


class Database(Protocol):
    def reading(self) -> AbstractAsyncContextManager[Repository]:
        """A repository for reads: each statement by itself, without a transaction around it."""
        ...

    def writing(self) -> AbstractAsyncContextManager[Repository]:
        """A repository whose methods write in a transaction."""
        ...

    async def close(self) -> None: ...


async def open_database(settings: Settings) -> Database | None:
    if settings.database_url is None:
        return None
    if settings.data_layer == "asyncpg":
        from app.data import sql

        return await sql.Database.open(settings.database_url, settings.db_pool_size)
    from app.data import orm

    return orm.Database(settings.database_url, settings.db_pool_size)
