"""What the routes ask for in their parameters."""

from collections.abc import AsyncIterator
from typing import Annotated

from aiohttp import ClientSession
from fastapi import Depends, HTTPException, Path, Request, status
from pydantic import BeforeValidator

from app.cache import WorldCache
from app.data import Database, Repository
from app.schemas import INT_MAX


def get_database(request: Request) -> Database:
    if request.app.state.database is None:
        raise HTTPException(status.HTTP_503_SERVICE_UNAVAILABLE, "no DATABASE_URL is set")
    return request.app.state.database


async def get_reader(request: Request) -> AsyncIterator[Repository]:
    async with get_database(request).reading() as repository:
        yield repository


async def get_writer(request: Request) -> AsyncIterator[Repository]:
    async with get_database(request).writing() as repository:
        yield repository


async def get_cache(request: Request) -> WorldCache:
    get_database(request)
    return request.app.state.cache


async def get_upstream(request: Request) -> ClientSession:
    if request.app.state.upstream is None:
        raise HTTPException(status.HTTP_503_SERVICE_UNAVAILABLE, "no UPSTREAM_URL is set")
    return request.app.state.upstream


def row_count(value: str) -> int:
    """TechEmpower's rule: what is no whole number counts as 1."""
    return min(max(int(value), 1), 500) if value.isdecimal() else 1


# Given back to the pool before the answer is sent.
Reader = Annotated[Repository, Depends(get_reader, scope="function")]
Writer = Annotated[Repository, Depends(get_writer, scope="function")]
Cache = Annotated[WorldCache, Depends(get_cache)]
Upstream = Annotated[ClientSession, Depends(get_upstream)]

RowCount = Annotated[int, BeforeValidator(row_count)]
OrderId = Annotated[int, Path(ge=1, le=INT_MAX)]
