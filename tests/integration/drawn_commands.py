"""Commands as they are drawn at random: of few ids and few texts, so that they often meet."""

from uuid import UUID

from builders import origin
from hypothesis import strategies as st

from memos.events.memories import StoreMemory
from memos.records import CommandKey, memory_id_for

AGENTS = st.sampled_from(["ada", "ben"])
TEXTS = st.sampled_from(["tea", "green tea", "a kettle", "two kettles"])
COMMAND_IDS = [f"store-{number}" for number in range(8)]
GIVEN_IDS = [UUID(int=1), UUID(int=2)]
MADE_IDS = [memory_id_for(CommandKey("default", "tests", one)) for one in COMMAND_IDS]
PLACES = st.integers(0, 999)
STORES = st.builds(
    StoreMemory,
    content=TEXTS,
    agent_id=AGENTS,
    tags=st.sampled_from([[], [], ["passing"]]),
    id=st.sampled_from([None, None, None, *GIVEN_IDS]),
)
SENDERS = st.sampled_from(COMMAND_IDS).map(lambda one: origin(command_id=one))
CORRECTORS = st.integers(0, 99).map(lambda one: origin(command_id=f"correct-{one}"))
WRITING = ["vectors.upsert", "projections.mark"]
REMOVING = ["vectors.delete", "projections.unmark"]
WHILE_STORING = st.sampled_from([None, None, "memories.store", *WRITING])
WHILE_CHANGING = st.sampled_from([None, None, "memories.update", *WRITING])
WHILE_DELETING = st.sampled_from([None, None, "memories.delete", *REMOVING])
WHILE_REPEATING = st.sampled_from([None, None, *WRITING, *REMOVING])
"""Where the work ends before its time: at a call of a port."""
