"""The application: one file of routes, as the contract has few."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import randint

from fastapi import FastAPI, HTTPException, Request, status
from fastapi.responses import HTMLResponse, PlainTextResponse
from fastapi.templating import Jinja2Templates
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

from app.database import WORLD_ROWS, Fortune, Session, World
from app.settings import Settings

templates = Jinja2Templates(directory=Path(__file__).parent / "templates")


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    settings = Settings()
    app.state.sessions = None
    if settings.async_database_url is None:
        yield
        return
    # Connections are opened when they are first needed. No overflow: the pool's size is the limit.
    engine = create_async_engine(settings.async_database_url, pool_size=settings.db_pool_size, max_overflow=0)
    app.state.sessions = async_sessionmaker(engine, expire_on_commit=False)
    yield
    await engine.dispose()


app = FastAPI(title="tiermark reference server", lifespan=lifespan)


class Message(BaseModel):
    message: str


class WorldOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    random_number: int = Field(serialization_alias="randomNumber")


@app.get("/health", response_class=PlainTextResponse)
async def health() -> str:
    return "OK"


@app.get("/plaintext", response_class=PlainTextResponse)
async def plaintext() -> str:
    return "Hello, World!"


@app.get("/json")
async def json() -> Message:
    return Message(message="Hello, World!")


@app.get("/db", response_model=WorldOut)
async def db(session: Session) -> World:
    world = await session.get(World, randint(1, WORLD_ROWS))
    if world is None:
        raise HTTPException(status.HTTP_500_INTERNAL_SERVER_ERROR, "the table world is not seeded")
    return world


@app.get("/fortunes", response_class=HTMLResponse)
async def fortunes(request: Request, session: Session) -> HTMLResponse:
    rows = list(await session.scalars(select(Fortune)))
    # Not added to the session: it exists in this answer alone.
    rows.append(Fortune(id=0, message="Additional fortune added at request time."))
    rows.sort(key=lambda fortune: fortune.message)
    return templates.TemplateResponse(request, "fortunes.html", {"fortunes": rows})
