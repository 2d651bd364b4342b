"""FastStream's message pipeline: validation hooks, middlewares and context around each binding."""

import logging
from collections.abc import Sequence
from typing import Any, cast

from faststream import AckPolicy
from faststream.message import StreamMessage
from faststream.redis import RedisBroker, StreamSub
from faststream.redis.message import FAKE_CONSUMER, BatchStreamMessage, RedisBatchStreamMessage
from faststream.redis.subscriber.usecases.basic import LogicSubscriber

from memos.broker.bindings import Binding, Verdict
from memos.broker.deliveries import Delivery, read
from memos.broker.entries import Entry
from memos.broker.message_format import CloudEventFormat
from memos.events.streams import GROUP

log = logging.getLogger(__name__)


def new_broker(url: str) -> RedisBroker:
    """A FastStream broker that is never connected: the lane reads, FastStream handles."""
    broker = RedisBroker(
        url, message_format=CloudEventFormat, apply_types=False, logger=log, log_level=logging.DEBUG
    )
    broker._setup_logger()  # as `connect` would
    return broker


class Pipeline:
    """A FastStream subscriber that is fed entries instead of fetching them.

    FastStream 0.7.8 neither recovers nor retries, and fetches one entry at a time; its cluster broker
    replaces `start` in the same way.
    """

    def __init__(self, broker: RedisBroker, binding: Binding, consumer: str) -> None:
        self._binding = binding
        stream = binding.stream
        self._subscriber = broker.subscriber(
            stream=StreamSub(stream.name, group=GROUP, consumer=consumer, batch=True),
            parser=self._parse,
            decoder=self._decode,
            ack_policy=AckPolicy.MANUAL,
            no_reply=True,
            title=stream.name,
            description=stream.command.__doc__,
        )
        self._subscriber(binding.judge)

    async def open(self) -> None:
        """Make the subscriber ready without its own fetching."""
        await super(LogicSubscriber, self._subscriber).start()
        self._subscriber._post_start()

    async def process(self, entries: Sequence[Entry]) -> Sequence[Verdict]:
        """Take entries through the pipeline; one verdict each."""
        message = BatchStreamMessage(
            type="bstream",
            channel=self._binding.stream.name,
            data=[dict(entry.fields) for entry in entries],
            message_ids=[entry.id for entry in entries],
            delivery_counts=[entry.redelivered for entry in entries],
        )
        response = await self._subscriber.process_message(message)
        return cast("Sequence[Verdict]", response.body)

    async def _parse(self, message: BatchStreamMessage) -> StreamMessage[Any]:
        return RedisBatchStreamMessage(raw_message=message, body=b"", consumer=FAKE_CONSUMER, group=GROUP)

    async def _decode(self, message: StreamMessage[Any]) -> list[Delivery]:
        raw = message.raw_message
        entries = map(Entry, raw["message_ids"], raw["data"], raw["delivery_counts"])
        return [read(entry, self._binding.stream) for entry in entries]
