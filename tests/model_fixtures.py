"""A chat model behind a real HTTP server, which recounts what it is told unless a test says otherwise."""

from collections.abc import AsyncIterator

import pytest
from chat_server import ChatServer, chat_server, recounted

from memos.language_models.openai_compatible import OpenAICompatibleModel, open_language_model


@pytest.fixture(scope="session")
async def telling() -> AsyncIterator[ChatServer]:
    async with chat_server() as server:
        yield server


@pytest.fixture
def teller(telling: ChatServer) -> ChatServer:
    """The server, which has been asked nothing yet."""
    telling.asked.clear()
    telling.answer = recounted
    return telling


@pytest.fixture
async def model(teller: ChatServer) -> AsyncIterator[OpenAICompatibleModel]:
    async with open_language_model(teller.url, "teller", api_key="", timeout=20) as opened:
        yield opened
