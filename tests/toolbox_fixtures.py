"""The fixture of tools on a real ledger."""

import pytest
from toolbox import Toolbox

from memos.stores.postgres import Pool


@pytest.fixture
async def toolbox(pool: Pool) -> Toolbox:
    """No tools yet."""
    return Toolbox(pool)
