"""Fixtures of tests that need the ledger's tools alone."""

import pytest

from memos.stores.postgres import Pool
from memos.stores.tools import PostgresTools


@pytest.fixture
def tools(pool: Pool) -> PostgresTools:
    """The tools of a ledger of the test's own."""
    return PostgresTools(pool)
