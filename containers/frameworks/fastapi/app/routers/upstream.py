from typing import Annotated

from aiohttp import ClientError
from fastapi import APIRouter, HTTPException, Query, status
from pydantic import ValidationError

from app.dependencies import Upstream
from app.schemas import Delay

router = APIRouter()


@router.get("/upstream")
async def upstream(ms: Annotated[int, Query(ge=0, le=10_000)], client: Upstream) -> Delay:
    try:
        async with client.get("/delay", params={"ms": ms}) as response:
            return Delay.model_validate_json(await response.read())
    except (ClientError, TimeoutError, ValidationError) as error:
        raise HTTPException(status.HTTP_502_BAD_GATEWAY, "the upstream service did not answer as it should") from error
