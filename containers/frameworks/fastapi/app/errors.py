"""The one place where Pydantic's errors become the contract's faults."""

from fastapi import FastAPI, Request, status
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

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


def add_error_handlers(app: FastAPI) -> None:
    app.add_exception_handler(RequestValidationError, validation_failed)
