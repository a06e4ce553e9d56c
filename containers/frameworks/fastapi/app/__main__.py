"""Starts uvicorn as the environment says: `python -m app`, in the container and as a plain process alike."""

import sys

import uvicorn
from pydantic import ValidationError

from app.settings import Settings


def main() -> None:
    try:
        settings = Settings()
    except ValidationError as error:
        for fault in error.errors(include_url=False, include_input=False):
            name = "_".join(str(part) for part in fault["loc"]).upper()
            print(f"configuration: {name}: {fault['msg']}", file=sys.stderr)
        sys.exit(2)

    uvicorn.run(
        "app.main:app",
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        access_log=False,
        # Below the contract's five seconds.
        timeout_graceful_shutdown=4,
    )


if __name__ == "__main__":
    main()
