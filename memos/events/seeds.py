"""What a loadout puts into the working memory of a session."""

from typing import Annotated

from pydantic import Field

from memos.events.working import Ttl, WorkingJson, WorkingName
from memos.records import Promotion, Record

MOST_SEEDS = 64


class WorkingSeeds(Record):
    """Values by their keys, which a session has from its beginning, and how it is kept if it begins with them.

    `{task}` and `{agent}` in the texts of values stand for those that are equipped for.
    """

    values: Annotated[dict[WorkingName, WorkingJson], Field(min_length=1, max_length=MOST_SEEDS)]
    ttl: Ttl | None = Field(
        default=None,
        description="Seconds that a session which is begun by it is kept after it was last written to.",
    )
    promote: Promotion | None = Field(
        default=None,
        description="When messages of a session which is begun by it become memories.",
    )
