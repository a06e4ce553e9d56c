"""The data layer of the default variant: SQLAlchemy's ORM on asyncpg."""

from asyncio import Semaphore
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from sqlalchemy import delete, make_url, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import joinedload

from app.data import CONNECT_WITHIN
from app.data.models import CachedWorld, Fortune, Order, OrderLine, World
from app.schemas import OrderIn


class Repository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def world(self, id: int) -> World:
        return await self._session.get_one(World, id)

    async def worlds(self, ids: Iterable[int]) -> Sequence[World]:
        # An id that was drawn twice is read twice, though the session knows its row already.
        return [await self._session.get_one(World, id, populate_existing=True) for id in ids]

    async def cached_worlds(self) -> Sequence[CachedWorld]:
        return (await self._session.scalars(select(CachedWorld))).all()

    async def renumber_worlds(self, numbers: dict[int, int]) -> Sequence[World]:
        worlds = [await self._session.get_one(World, id) for id in numbers]
        for world in worlds:
            world.random_number = numbers[world.id]
        # The session writes them in the order of their ids.
        await self._session.commit()
        return worlds

    async def fortunes(self) -> list[Fortune]:
        fortunes = list(await self._session.scalars(select(Fortune)))
        # Not added to the session: it exists in this answer alone.
        fortunes.append(Fortune(id=0, message="Additional fortune added at request time."))
        return fortunes

    async def order(self, id: int) -> Order | None:
        return await self._session.get(Order, id, options=[joinedload(Order.lines)])

    async def orders(self, customer: int, limit: int) -> Sequence[Order]:
        query = (
            select(Order)
            .where(Order.customer == customer)
            .order_by(Order.id.desc())
            .limit(limit)
            .options(joinedload(Order.lines))
        )
        return (await self._session.scalars(query)).unique().all()

    async def add_order(self, order: OrderIn) -> Order:
        stored = Order(customer=order.customer, total=order.total, lines=lines(order))
        self._session.add(stored)
        await self._session.commit()
        return stored

    async def replace_order(self, id: int, order: OrderIn) -> Order | None:
        # Locked, so that two who replace the same order do so one after the other.
        stored = await self._session.get(Order, id, options=[joinedload(Order.lines)], with_for_update={"of": Order})
        if stored is None:
            return None
        stored.customer, stored.total, stored.lines = order.customer, order.total, lines(order)
        await self._session.commit()
        return stored

    async def delete_order(self, id: int) -> bool:
        # The lines go with it: ON DELETE CASCADE.
        result = await self._session.execute(delete(Order).where(Order.id == id))
        await self._session.commit()
        return result.rowcount > 0


def lines(order: OrderIn) -> list[OrderLine]:
    return [OrderLine(position=position, **line.model_dump()) for position, line in enumerate(order.lines)]


class Database:
    def __init__(self, url: str, pool_size: int) -> None:
        # Connections are opened when they are first needed. No overflow: the pool's size is the limit.
        engine = create_async_engine(
            make_url(url).set(drivername="postgresql+asyncpg"),
            pool_size=pool_size,
            max_overflow=0,
            isolation_level="AUTOCOMMIT",
            skip_autocommit_rollback=True,
            connect_args={"timeout": CONNECT_WITHIN},
        )
        self._engine = engine
        # As SQLAlchemy documents it: reads without BEGIN and ROLLBACK around them, writes in transactions, one pool for both.
        self._reading = async_sessionmaker(engine, expire_on_commit=False)
        self._writing = async_sessionmaker(engine.execution_options(isolation_level="READ COMMITTED"), expire_on_commit=False)
        self._turns = Semaphore(pool_size)

    def reading(self) -> AbstractAsyncContextManager[Repository]:
        return self._repository(self._reading)

    def writing(self) -> AbstractAsyncContextManager[Repository]:
        return self._repository(self._writing)

    @asynccontextmanager
    async def _repository(self, sessions: async_sessionmaker[AsyncSession]) -> AsyncIterator[Repository]:
        # The pool hands a free connection to whoever asks next, not to who has waited longest; the semaphore keeps the order.
        async with self._turns, sessions() as session:
            yield Repository(session)

    async def close(self) -> None:
        await self._engine.dispose()
