"""What comes in and what goes out."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

INT_MAX = 2_147_483_647

# Strict: JSON's `true` is no number, and 1.5 no whole one.
Customer = Annotated[int, Field(strict=True, ge=1, le=INT_MAX)]
Sku = Annotated[str, Field(pattern=r"^[A-Z0-9-]{3,32}$")]
Quantity = Annotated[int, Field(strict=True, ge=1, le=1_000)]
Price = Annotated[int, Field(strict=True, ge=1, le=10_000_000)]


class Message(BaseModel):
    message: str


class World(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    random_number: int = Field(serialization_alias="randomNumber")


class OrderLineIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    sku: Sku
    quantity: Quantity
    price: Price


class OrderIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    customer: Customer
    lines: Annotated[list[OrderLineIn], Field(min_length=1, max_length=50)]

    @property
    def total(self) -> int:
        return sum(line.quantity * line.price for line in self.lines)


class OrderLine(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    sku: str
    quantity: int
    price: int


class Order(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    customer: int
    total: int
    created: datetime
    lines: list[OrderLine]


class Orders(BaseModel):
    orders: list[Order]


class Primes(BaseModel):
    n: int
    primes: int


class Delay(BaseModel):
    ms: int
    serial: int
