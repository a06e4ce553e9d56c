"""The one place where Django REST Framework's errors become the contract's faults, and the errors of the server's own."""

import logging
from collections.abc import Iterator, Mapping

from django import db
from rest_framework import status, views
from rest_framework.exceptions import APIException, ErrorDetail, ValidationError
from rest_framework.response import Response
from rest_framework.settings import api_settings

logger = logging.getLogger("django.request")

CODES = {
    "required": "required",
    "null": "required",
    "unknown": "unknown",
    "min_value": "range",
    "max_value": "range",
    "max_string_length": "range",
    "empty": "size",
    "min_length": "size",
    "max_length": "size",
    "blank": "format",
    "format": "format",
}


class NoDatabase(APIException):
    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = "no DATABASE_URL is set"


class NoUpstream(APIException):
    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = "no UPSTREAM_URL is set"


class BadGateway(APIException):
    status_code = status.HTTP_502_BAD_GATEWAY
    default_detail = "the upstream service did not answer as it should"


def exception_handler(error: Exception, context: dict) -> Response | None:
    if isinstance(error, ValidationError):
        return Response({"errors": list(faults(error.detail, []))}, status.HTTP_422_UNPROCESSABLE_ENTITY)
    if isinstance(error, db.Error):
        # Without a traceback: where the database is away, each request comes by here.
        logger.error("%s: %s: %s", context["request"].path, type(error).__name__, error)
        return Response({"detail": "Internal Server Error"}, status.HTTP_500_INTERNAL_SERVER_ERROR)
    return views.exception_handler(error, context)


def faults(detail: Mapping | list[ErrorDetail], path: list[str]) -> Iterator[dict]:
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            yield from faults(inner, path if name == api_settings.NON_FIELD_ERRORS_KEY else [*path, str(name)])
    else:
        # What is wrong with the body as a whole is always its type.
        code = CODES.get(detail[0].code, "type") if path else "type"
        yield {"path": ".".join(path), "code": code, "message": str(detail[0])}
