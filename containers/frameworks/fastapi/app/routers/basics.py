from fastapi import APIRouter
from fastapi.responses import PlainTextResponse

from app.schemas import Message

router = APIRouter()


@router.get("/health", response_class=PlainTextResponse)
async def health() -> str:
    return "OK"


@router.get("/plaintext", response_class=PlainTextResponse)
async def plaintext() -> str:
    return "Hello, World!"


@router.get("/json")
async def json() -> Message:
    return Message(message="Hello, World!")
