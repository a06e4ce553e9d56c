"""The environment of the contract, checked before anything is started."""

from typing import Annotated, Literal

from pydantic import AnyHttpUrl, Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_ignore_empty=True)

    host: str = "0.0.0.0"
    port: Annotated[int, Field(ge=1, le=65535)] = 8080
    workers: Annotated[int, Field(ge=1, le=1024)] = 1
    db_pool_size: Annotated[int, Field(ge=1, le=1000)] = 32
    database_url: str | None = None
    upstream_url: AnyHttpUrl | None = None
    # What the variants of framework.yaml set.
    server: Literal["uvicorn", "granian"] = "uvicorn"
    data_layer: Literal["sqlalchemy", "asyncpg"] = "sqlalchemy"

    @field_validator("database_url")
    @classmethod
    def _is_postgres(cls, value: str | None) -> str | None:
        if value is None:
            return None
        # The messages leave the URL out: it holds the password.
        try:
            url = make_url(value)
        except (ArgumentError, ValueError):
            raise ValueError("is not a URL") from None
        if url.drivername not in ("postgres", "postgresql") or not url.host:
            raise ValueError("must be postgres:// and a host")
        if url.port is not None and not 1 <= url.port <= 65535:
            raise ValueError("has no such port")
        return value
