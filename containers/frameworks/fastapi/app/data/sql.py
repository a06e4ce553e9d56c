"""The data layer of the variant `sql`: asyncpg and its pool, SQL by hand."""

from asyncio import Semaphore
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Self

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from app.data import CONNECT_WITHIN
from app.schemas import OrderIn


@dataclass(slots=True)
class World:
    id: int
    random_number: int


@dataclass(slots=True)
class Fortune:
    id: int
    message: str


@dataclass(slots=True)
class OrderLine:
    sku: str
    quantity: int
    price: int


@dataclass(slots=True)
class Order:
    id: int
    customer: int
    total: int
    created: datetime
    lines: list[OrderLine]


class Repository:
    def __init__(self, connection: PoolConnectionProxy) -> None:
        self._connection = connection

    async def world(self, id: int) -> World:
        return World(*await self._connection.fetchrow("SELECT id, randomnumber FROM world WHERE id = $1", id))

    async def worlds(self, ids: Iterable[int]) -> Sequence[World]:
        return [await self.world(id) for id in ids]

    async def cached_worlds(self) -> Sequence[World]:
        return [World(*row) for row in await self._connection.fetch("SELECT id, randomnumber FROM cachedworld")]

    async def renumber_worlds(self, numbers: dict[int, int]) -> Sequence[World]:
        worlds = await self.worlds(numbers)
        for world in worlds:
            world.random_number = numbers[world.id]
        # One transaction by itself; asyncpg sends the statements without waiting between them.
        await self._connection.executemany("UPDATE world SET randomnumber = $2 WHERE id = $1", sorted(numbers.items()))
        return worlds

    async def fortunes(self) -> list[Fortune]:
        fortunes = [Fortune(*row) for row in await self._connection.fetch("SELECT id, message FROM fortune")]
        fortunes.append(Fortune(0, "Additional fortune added at request time."))
        return fortunes

    async def order(self, id: int) -> Order | None:
        row = await self._connection.fetchrow("SELECT id, customer, total, created_at FROM orders WHERE id = $1", id)
        if row is None:
            return None
        return (await self._with_lines([row]))[0]

    async def orders(self, customer: int, limit: int) -> Sequence[Order]:
        return await self._with_lines(
            await self._connection.fetch(
                "SELECT id, customer, total, created_at FROM orders WHERE customer = $1 ORDER BY id DESC LIMIT $2",
                customer,
                limit,
            )
        )

    async def _with_lines(self, rows: Iterable[asyncpg.Record]) -> list[Order]:
        orders = {row["id"]: Order(*row, lines=[]) for row in rows}
        lines = await self._connection.fetch(
            "SELECT order_id, sku, quantity, price FROM order_lines WHERE order_id = ANY($1) ORDER BY order_id, position",
            list(orders),
        )
        for order_id, *line in lines:
            orders[order_id].lines.append(OrderLine(*line))
        return list(orders.values())

    async def add_order(self, order: OrderIn) -> Order:
        async with self._connection.transaction():
            row = await self._connection.fetchrow(
                "INSERT INTO orders (customer, total) VALUES ($1, $2) RETURNING id, customer, total, created_at",
                order.customer,
                order.total,
            )
            return await self._add_lines(row, order)

    async def replace_order(self, id: int, order: OrderIn) -> Order | None:
        async with self._connection.transaction():
            row = await self._connection.fetchrow(
                "UPDATE orders SET customer = $2, total = $3 WHERE id = $1 RETURNING id, customer, total, created_at",
                id,
                order.customer,
                order.total,
            )
            if row is None:
                return None
            await self._connection.execute("DELETE FROM order_lines WHERE order_id = $1", id)
            return await self._add_lines(row, order)

    async def _add_lines(self, row: asyncpg.Record, order: OrderIn) -> Order:
        await self._connection.executemany(
            "INSERT INTO order_lines (order_id, position, sku, quantity, price) VALUES ($1, $2, $3, $4, $5)",
            [(row["id"], position, line.sku, line.quantity, line.price) for position, line in enumerate(order.lines)],
        )
        return Order(*row, lines=[OrderLine(line.sku, line.quantity, line.price) for line in order.lines])

    async def delete_order(self, id: int) -> bool:
        # The lines go with it: ON DELETE CASCADE.
        return await self._connection.execute("DELETE FROM orders WHERE id = $1", id) == "DELETE 1"


async def no_reset(connection: PoolConnectionProxy) -> None:
    """Nothing to undo: no request leaves a setting, a lock, a cursor or a listener behind."""


class Database:
    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._turns = Semaphore(pool.get_max_size())

    @classmethod
    async def open(cls, url: str, pool_size: int) -> Self:
        # None at the start: connections are opened when they are first needed.
        return cls(await asyncpg.create_pool(url, min_size=0, max_size=pool_size, timeout=CONNECT_WITHIN, reset=no_reset))

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Repository]:
        # The pool hands a free connection to whoever asks next, not to who has waited longest; the semaphore keeps the order.
        async with self._turns, self._pool.acquire() as connection:
            yield Repository(connection)

    # The repository's methods open their transactions themselves.
    writing = reading

    async def close(self) -> None:
        await self._pool.close()
