"""The environment of the contract, checked before anything is started."""

import os
import sys
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit


class ConfigurationError(Exception):
    """Its message names the variable and leaves passwords out."""


@dataclass(frozen=True)
class Environment:
    host: str
    port: int
    workers: int
    db_pool_size: int
    database: dict | None
    upstream_url: str | None


def read_environment() -> Environment:
    return Environment(
        host=text("HOST") or "0.0.0.0",
        port=number("PORT", 8080, 65_535),
        workers=number("WORKERS", 1, 1_024),
        db_pool_size=number("DB_POOL_SIZE", 32, 1_000),
        database=database(),
        upstream_url=upstream_url(),
    )


def text(name: str) -> str | None:
    """An empty value counts as none."""
    return os.environ.get(name) or None


def number(name: str, default: int, most: int) -> int:
    value = text(name)
    if value is None:
        return default
    if not value.isdecimal() or not 1 <= int(value) <= most:
        raise ConfigurationError(f"{name} must be a number from 1 to {most}")
    return int(value)


def url(name: str, schemes: tuple[str, ...]) -> SplitResult | None:
    value = text(name)
    if value is None:
        return None
    try:
        parts = urlsplit(value)
        parts.port  # raises where it is none
    except ValueError:
        raise ConfigurationError(f"{name} is not a URL") from None
    if parts.scheme not in schemes or not parts.hostname:
        raise ConfigurationError(f"{name} must be {schemes[0]}:// and a host")
    return parts


def database() -> dict | None:
    """Django's names for the parts of DATABASE_URL."""
    parts = url("DATABASE_URL", ("postgres", "postgresql"))
    if parts is None:
        return None
    name = unquote(parts.path.removeprefix("/"))
    if not name:
        raise ConfigurationError("DATABASE_URL names no database")
    return {
        "HOST": parts.hostname,
        "PORT": parts.port or "",
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
    }


def upstream_url() -> str | None:
    parts = url("UPSTREAM_URL", ("http", "https"))
    return parts.geturl().rstrip("/") if parts else None


try:
    environment = read_environment()
except ConfigurationError as error:
    sys.exit(f"configuration: {error}")
