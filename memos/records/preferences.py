"""What an asker may want more or less of."""

from typing import Annotated

from pydantic import Field

from memos.records.memories import Record

Weight = Annotated[float, Field(ge=0, le=10)]


class Preferences(Record):
    """How much counts what has nothing to do with the words of a query; relevance lies mostly between 0 and 1.

    `recency` is what a memory of now gains, halved every `half_life` days. `importance` is what lies between the
    least and the most important memory, `usefulness` what one of usefulness 1 gains and one of -1 loses.
    """

    recency: Weight = 0.02
    half_life: Annotated[float, Field(gt=0, le=36_525)] = 30.0
    importance: Weight = 0.1
    usefulness: Weight = 0.1
