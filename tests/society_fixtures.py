"""Fixtures of tests with agents of the examples."""

from collections.abc import AsyncIterator

import pytest
from running import Memos
from society import Society
from society import society as open_society


@pytest.fixture
async def society(memos: Memos) -> AsyncIterator[Society]:
    """A society of the test's own on the shared memOS."""
    async with open_society(memos) as made:
        yield made
