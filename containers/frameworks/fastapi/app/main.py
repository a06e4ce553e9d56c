"""The application: what lives as long as the process, and the routes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import ClientSession, ClientTimeout, TCPConnector
from fastapi import FastAPI

from app.cache import WorldCache
from app.data import open_database
from app.errors import add_error_handlers
from app.routers import basics, cpu, fortunes, orders, upstream, websocket, worlds
from app.settings import Settings


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    settings = Settings()
    app.state.database = database = await open_database(settings)
    app.state.cache = WorldCache(database) if database else None
    app.state.upstream = client = upstream_client(settings)
    yield
    if client:
        await client.close()
    if database:
        await database.close()


def upstream_client(settings: Settings) -> ClientSession | None:
    if settings.upstream_url is None:
        return None
    return ClientSession(
        str(settings.upstream_url),
        # The limit is 100 by default.
        connector=TCPConnector(limit=1024),
        timeout=ClientTimeout(total=15),
        raise_for_status=True,
    )


app = FastAPI(title="tiermark reference server", lifespan=lifespan)
add_error_handlers(app)
for module in (basics, worlds, fortunes, orders, cpu, upstream, websocket):
    app.include_router(module.router)
