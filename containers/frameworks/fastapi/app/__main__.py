"""Starts the server as the environment says: `python -m app`, in the container and as a plain process alike."""

import sys

from pydantic import ValidationError

from app.settings import Settings

APP = "app.main:app"
# Below the contract's five seconds.
STOP_WITHIN = 4


def main() -> None:
    try:
        settings = Settings()
    except ValidationError as error:
        for fault in error.errors(include_url=False, include_input=False):
            name = "_".join(str(part) for part in fault["loc"]).upper()
            print(f"configuration: {name}: {fault['msg']}", file=sys.stderr)
        sys.exit(2)
    SERVERS[settings.server](settings)


def run_uvicorn(settings: Settings) -> None:
    import uvicorn

    uvicorn.run(
        APP,
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        access_log=False,
        # At `info` it would log each WebSocket that is opened and closed.
        log_level="warning",
        timeout_graceful_shutdown=STOP_WITHIN,
    )


def run_granian(settings: Settings) -> None:
    from granian import Granian
    from granian.constants import Interfaces

    Granian(
        APP,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGI,
        workers=settings.workers,
        # How many connections a process holds, idle ones too; 1,024 over all processes by default.
        backpressure=16_384,
        workers_kill_timeout=STOP_WITHIN,
    ).serve()


SERVERS = {"uvicorn": run_uvicorn, "granian": run_granian}


if __name__ == "__main__":
    main()
