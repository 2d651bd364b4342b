"""What cached answers were made from, and whether it is still as it was."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from memos.errors import Fault, InvalidCommand
from memos.ports import Provenance
from memos.records import AnswerSource, KeptAnswer, source_in


class Resolved(NamedTuple):
    """Sources with their versions, and those of them that are another version by now, or gone."""

    sources: Sequence[AnswerSource]
    moved: Sequence[AnswerSource]


async def resolved(tenant: str, texts: Sequence[str], provenance: Provenance) -> Resolved:
    """The sources that texts name, each with the version told, or else with the one that it has now.

    Facts need none: they do not change. Raises `InvalidCommand` for one of which no version is told and that is
    not there, and `Unavailable`.
    """
    named = named_in(texts)
    present = await _versions(tenant, named, provenance)
    settled = {one for one in named if one.kind == "fact" or one.version is not None}
    if absent := [str(one) for one in named if one not in settled and one not in present]:
        raise _not_there(absent)
    sources = [one if one in settled else one._replace(version=present[one]) for one in named]
    moved = [one for one in sources if one in settled and not _holds(one, present)]
    return Resolved(list(dict.fromkeys(sources)), moved)


async def still_holds(tenant: str, kept: KeptAnswer, provenance: Provenance) -> bool:
    """Whether everything that an answer was made from has the version recorded. Raises `Unavailable`."""
    present = await _versions(tenant, kept.sources, provenance)
    return all(_holds(one, present) for one in kept.sources)


def comes_of(kept: KeptAnswer, texts: Sequence[str]) -> bool:
    """Whether an answer is known to be made from all that texts name, at whatever version."""
    return {(one.kind, one.id) for one in named_in(texts)} <= {(one.kind, one.id) for one in kept.sources}


def named_in(texts: Sequence[str]) -> list[AnswerSource]:
    """The sources that the texts of a command name, in order."""
    return [source for text in texts if (source := source_in(text))]


def _holds(source: AnswerSource, present: Mapping[AnswerSource, int]) -> bool:
    return source.kind == "fact" or present.get(source) == source.version


async def _versions(
    tenant: str, sources: Sequence[AnswerSource], provenance: Provenance
) -> Mapping[AnswerSource, int]:
    asked = [one for one in sources if one.kind != "fact"]
    return await provenance.versions(tenant, asked) if asked else {}


def _not_there(absent: Sequence[str]) -> InvalidCommand:
    message = f"names what is not there: {', '.join(absent)}"
    return InvalidCommand(
        f"sources {message}. Name memories and tools as they are now, or say which version was read.",
        faults=[Fault("sources", message)],
    )
