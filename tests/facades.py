"""Further facades of a running memOS."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from http_servers import serving
from running import Memos

from memos.api.app import create_app


@asynccontextmanager
async def another_facade(running: Memos, **told: Any) -> AsyncIterator[str]:
    """The base URL of one more facade of that memOS, with other settings."""
    settings = running.settings.model_copy(update=told)
    async with serving(create_app(settings, running.redis_url), lifespan="on") as url:
        yield f"{url}/v1"
