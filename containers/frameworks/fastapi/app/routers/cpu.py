from typing import Annotated

from fastapi import APIRouter, Query

from app.schemas import Primes

router = APIRouter()


@router.get("/cpu")
async def cpu(n: Annotated[int, Query(ge=0, le=1_000_000)]) -> Primes:
    return Primes(n=n, primes=primes_below(n))


def primes_below(n: int) -> int:
    count = 1 if n > 2 else 0
    for candidate in range(3, n, 2):
        divisor = 3
        while divisor * divisor <= candidate:
            if candidate % divisor == 0:
                break
            divisor += 2
        else:
            count += 1
    return count
