"""The table of streams is complete and without contradiction."""

import re

import pytest

from memos.events.commands import Command
from memos.events.streams import STREAM_OF, STREAMS, Stream
from memos.handlers import HANDLERS


def commands(kind: type[Command]) -> set[type[Command]]:
    return {kind}.union(*map(commands, kind.__subclasses__()))


def test_no_two_streams_share_a_name_a_type_or_a_command() -> None:
    assert len({stream.name for stream in STREAMS}) == len(STREAMS)
    assert len({stream.event_type for stream in STREAMS}) == len(STREAMS)
    assert len(STREAM_OF) == len(STREAMS)


def test_every_command_that_travels_has_a_handler_and_every_handler_a_stream() -> None:
    handled = [handler.command for handler in HANDLERS]
    assert set(handled) == set(STREAM_OF)
    assert len(handled) == len(set(handled))


@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.name)
def test_a_stream_is_named_for_its_command(stream: Stream) -> None:
    assert re.fullmatch(r"memos:[a-z-]+", stream.name)
    assert stream.event_type == f"memos.{stream.name.removeprefix('memos:')}.v1"
    assert stream.reply_type == f"memos.{stream.name.removeprefix('memos:')}.reply.v1"


@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.name)
def test_dead_letters_are_in_the_slot_of_their_stream(stream: Stream) -> None:
    assert re.findall(r"\{(.*)\}", stream.dead) == [stream.name]


def test_what_changes_something_is_never_dropped() -> None:
    reads = {stream.name for stream in STREAMS if not stream.writes}
    assert reads == {
        "memos:query",
        "memos:get",
        "memos:history",
        "memos:read-facts",
        "memos:health",
        "memos:health-bulk",
        "memos:tool-get",
        "memos:tool-list",
        "memos:tool-discover",
        "memos:loadout-get",
        "memos:loadout-list",
        "memos:equip",
        "memos:context",
        "memos:learning-list",
        "memos:working-get",
        "memos:working-list",
        "memos:session-read",
        "memos:session-list",
        "memos:answer-look-up",
        "memos:answer-renew",
        "memos:cache-read",
        "memos:embeddings-look-up",
        "memos:usage-read",
    }


def test_what_takes_long_has_a_lane_of_its_own() -> None:
    bulk = {stream.name for stream in STREAMS if stream.lane == "bulk"}
    assert bulk == {
        "memos:ingest",
        "memos:delete-many",
        "memos:purge",
        "memos:health-bulk",
        "memos:tool-register-batch",
        "memos:tool-outcome",
        "memos:tool-outcome-batch",
        "memos:learning",
        "memos:session-promote",
    }
