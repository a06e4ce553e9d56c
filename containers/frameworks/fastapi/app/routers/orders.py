from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Response, status

from app import schemas
from app.data import Order
from app.dependencies import OrderId, Reader, Writer
from app.schemas import INT_MAX, OrderIn

router = APIRouter(prefix="/orders")


def found(order: Order | None) -> Order:
    if order is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND)
    return order


@router.post("", response_model=schemas.Order, status_code=status.HTTP_201_CREATED)
async def create(order: OrderIn, writer: Writer, response: Response) -> Order:
    stored = await writer.add_order(order)
    response.headers["Location"] = f"/orders/{stored.id}"
    return stored


@router.get("", response_model=schemas.Orders)
async def newest(
    reader: Reader,
    customer: Annotated[int, Query(ge=1, le=INT_MAX)],
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> dict:
    return {"orders": await reader.orders(customer, limit)}


@router.get("/{id}", response_model=schemas.Order)
async def read(id: OrderId, reader: Reader) -> Order:
    return found(await reader.order(id))


@router.put("/{id}", response_model=schemas.Order)
async def replace(id: OrderId, order: OrderIn, writer: Writer) -> Order:
    return found(await writer.replace_order(id, order))


@router.delete("/{id}", status_code=status.HTTP_204_NO_CONTENT)
async def delete(id: OrderId, writer: Writer) -> None:
    if not await writer.delete_order(id):
        raise HTTPException(status.HTTP_404_NOT_FOUND)
