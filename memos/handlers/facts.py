"""The handler that reads the log of facts."""

from memos.errors import Conflict
from memos.events.facts import FactsRead, ReadFacts
from memos.ports import Facts
from memos.records import Origin


async def read_facts(command: ReadFacts, *, origin: Origin, facts: Facts) -> FactsRead:
    """Read a page of the tenant's facts. Raises `Conflict` for a position that no fact has reached."""
    page = await facts.page(origin.tenant, command.after, command.limit, command.types)
    if command.after > page.newest:
        raise Conflict(
            f"The log of facts ends at position {page.newest}, before {command.after}: this is the position of "
            "another ledger, or of this one before it was restored. Begin again after 0, or after its end."
        )
    return FactsRead(facts=page.facts, position=page.position, newest=page.newest, more=page.position < page.newest)
