"""Which tools are for a task: the catalog of a tenant in memory, brought up to the ledger, that learns."""

from memos.discovery.catalog import Catalog
from memos.discovery.catalogs import Catalogs
from memos.discovery.ranking import Query, is_plausible, query_of
from memos.discovery.search import Found, Sought, search

__all__ = ["Catalog", "Catalogs", "Found", "Query", "Sought", "is_plausible", "query_of", "search"]
