from random import randint, sample

from fastapi import APIRouter

from app import schemas
from app.data import WORLD_ROWS, World
from app.dependencies import Cache, Reader, RowCount, Writer

router = APIRouter()


def random_id() -> int:
    return randint(1, WORLD_ROWS)


def random_ids(count: int) -> list[int]:
    return [random_id() for _ in range(count)]


@router.get("/db", response_model=schemas.World)
async def db(reader: Reader) -> World:
    return await reader.world(random_id())


@router.get("/queries", response_model=list[schemas.World])
async def queries(reader: Reader, queries: RowCount = 1) -> list[World]:
    return await reader.worlds(random_ids(queries))


@router.get("/updates", response_model=list[schemas.World])
async def updates(writer: Writer, queries: RowCount = 1) -> list[World]:
    ids = sample(range(1, WORLD_ROWS + 1), queries)
    return await writer.renumber_worlds({id: randint(1, 10_000) for id in ids})


@router.get("/cached-queries", response_model=list[schemas.World])
async def cached_queries(cache: Cache, count: RowCount = 1) -> list[World]:
    return await cache.worlds(random_ids(count))
