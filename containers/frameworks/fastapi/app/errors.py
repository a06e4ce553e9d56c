"""The one place where Pydantic's errors become the contract's faults, and what is answered when the database fails."""

import logging

from asyncpg import InterfaceError, PostgresError
from fastapi import FastAPI, Request, status
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import SQLAlchemyError

logger = logging.getLogger(__name__)

# Those of both data layers; a connection that cannot be opened is an OSError in either.
DATABASE_ERRORS = (SQLAlchemyError, PostgresError, InterfaceError, OSError)

CODES = {
    "missing": "required",
    "extra_forbidden": "unknown",
    "greater_than_equal": "range",
    "less_than_equal": "range",
    "int_parsing_size": "range",
    "too_short": "size",
    "too_long": "size",
    "string_pattern_mismatch": "format",
}


async def validation_failed(request: Request, error: RequestValidationError) -> JSONResponse:
    errors = error.errors()
    if any(fault["loc"][0] == "path" for fault in errors):
        # An id that is no number, or too great for one, names nothing.
        return JSONResponse({"detail": "Not Found"}, status.HTTP_404_NOT_FOUND)
    if errors[0]["type"] == "json_invalid" or (errors[0]["loc"] == ("body",) and not await request.body()):
        return JSONResponse({"detail": "the body is not JSON"}, status.HTTP_400_BAD_REQUEST)
    faults = [{"path": path(fault["loc"]), "code": code(fault), "message": fault["msg"]} for fault in errors]
    return JSONResponse({"errors": faults}, status.HTTP_422_UNPROCESSABLE_CONTENT)


def path(location: tuple[str | int, ...]) -> str:
    # The first part says where the value was: in the body or in the query string.
    return ".".join(str(part) for part in location[1:])


def code(fault: dict) -> str:
    if fault["loc"] == ("body",):
        return "type"
    if fault["input"] is None:
        return "required"
    return CODES.get(fault["type"], "type")


async def database_failed(request: Request, error: Exception) -> JSONResponse:
    # Without a traceback: where the database is away, each request comes by here.
    logger.error("%s %s: %s: %s", request.method, request.url.path, type(error).__name__, error)
    return JSONResponse({"detail": "Internal Server Error"}, status.HTTP_500_INTERNAL_SERVER_ERROR)


def add_error_handlers(app: FastAPI) -> None:
    app.add_exception_handler(RequestValidationError, validation_failed)
    for kind in DATABASE_ERRORS:
        app.add_exception_handler(kind, database_failed)
