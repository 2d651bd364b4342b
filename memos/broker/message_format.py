"""How memOS reads and writes the field `__data__` through FastStream."""

from collections.abc import Sequence
from typing import Any

from faststream.redis.parser import BinaryMessageFormatV1, MessageFormat


class CloudEventFormat(MessageFormat):
    """Plain CloudEvents JSON; FastStream's own binary envelope around the same JSON is read as well."""

    @classmethod
    async def encode(
        cls,
        *,
        message: Sequence[Any] | Any,
        reply_to: str | None,
        headers: dict[str, Any] | None,
        correlation_id: str,
        serializer: Any = None,
        codec: Any = None,
    ) -> bytes:
        """The message's JSON alone: all that travels with it is in the document itself."""
        built = await cls.build(
            message=message,
            reply_to=reply_to,
            headers=headers,
            correlation_id=correlation_id,
            serializer=serializer,
            codec=codec,
        )
        return built.data

    @classmethod
    def parse(cls, data: bytes) -> tuple[bytes, dict[str, Any]]:
        """The document in an entry, and no headers."""
        if data.startswith(BinaryMessageFormatV1.IDENTITY_HEADER):
            return BinaryMessageFormatV1.parse(data)[0], {}
        return data, {}
