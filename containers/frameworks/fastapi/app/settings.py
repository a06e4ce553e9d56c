"""The environment of the contract, checked before anything is started."""

from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError


class Settings(BaseSettings):
    host: str = "0.0.0.0"
    port: Annotated[int, Field(ge=1, le=65535)] = 8080
    workers: Annotated[int, Field(ge=1, le=1024)] = 1
    db_pool_size: Annotated[int, Field(ge=1, le=1000)] = 32
    database_url: str | None = None

    @field_validator("database_url")
    @classmethod
    def _is_postgres(cls, value: str | None) -> str | None:
        if not value:
            return None
        # The messages leave the URL out: it holds the password.
        try:
            url = make_url(value)
        except (ArgumentError, ValueError):
            raise ValueError("is not a URL") from None
        if url.drivername not in ("postgres", "postgresql"):
            raise ValueError("must begin with postgres://")
        return value

    @property
    def async_database_url(self) -> URL | None:
        """The database's URL in SQLAlchemy's spelling, which names the driver too."""
        if self.database_url is None:
            return None
        return make_url(self.database_url).set(drivername="postgresql+asyncpg")
