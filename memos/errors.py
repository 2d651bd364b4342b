"""Every error that memOS raises on purpose, and the one place that maps it to a code and an HTTP status."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, NamedTuple


class Fault(NamedTuple):
    """One thing wrong with an input: where it is, and what is wrong with it."""

    field: str
    message: str


class MemosError(Exception):
    """The root of all errors that memOS raises on purpose.

    `detail` says what happened, to what, and what to do. `code` names the kind on the bus and in
    problem documents; `status` is its HTTP status; `transient` is true when the same command may
    succeed later without being changed. `retry_after` is for how many seconds whoever refused asked
    to be left alone.
    """

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500
    transient: ClassVar[bool] = False
    retry_after: float = 0.0

    def __init__(self, detail: str, *, faults: Sequence[Fault] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.faults = tuple(faults)


class InvalidCommand(MemosError):
    """A command or request does not have the shape of its contract."""

    code = "invalid"
    status = 422


class MalformedEntry(MemosError):
    """A stream entry is not a CloudEvents document of a known command."""

    code = "malformed"
    status = 400


class NotFound(MemosError):
    """Nothing visible to the asking agent has this id."""

    code = "not-found"
    status = 404


class Conflict(MemosError):
    """The command contradicts what is there: an id used for something else, or a record that moved on meanwhile."""

    code = "conflict"
    status = 409


class Gone(MemosError):
    """The memory was deleted before this command arrived; deletion wins."""

    code = "gone"
    status = 410


class TooLarge(MemosError):
    """A request is larger than memOS reads."""

    code = "too-large"
    status = 413


class QuotaExceeded(MemosError):
    """What is to be kept has no room within a limit of the settings; nothing was written."""

    code = "quota-exceeded"
    status = 429


class UnknownRoute(MemosError):
    """The facade has no such route, or not for this method."""

    code = "unknown-route"
    status = 404


class Overloaded(MemosError):
    """A stream is full; nothing was written."""

    code = "overloaded"
    status = 429
    transient = True


class EmbeddingRefused(MemosError):
    """The embedder gave a vector, or was given a text, that cannot be used."""

    code = "embedding-refused"
    status = 502


class RerankingRefused(MemosError):
    """The reranker gave a score, or was given a text, that cannot be used; never answered, only noted."""

    code = "reranking-refused"
    status = 502


class CompletionRefused(MemosError):
    """A language model was given a text that it refuses, or answered with something that cannot be used."""

    code = "completion-refused"
    status = 502


class UpstreamFailed(MemosError):
    """The server that the facade passes requests on to cannot be reached, or does not go on answering."""

    code = "upstream-failed"
    status = 502


class ToolFailed(MemosError):
    """A tool could not be reached, or answered with an error or otherwise than it says.

    `answered` is the HTTP status, if it answered with one.
    """

    code = "tool-failed"
    status = 502

    def __init__(self, detail: str, *, faults: Sequence[Fault] = (), answered: int | None = None) -> None:
        super().__init__(detail, faults=faults)
        self.answered = answered


class Unavailable(MemosError):
    """An engine does not answer."""

    code = "unavailable"
    status = 503
    transient = True

    def __init__(self, detail: str, *, faults: Sequence[Fault] = (), retry_after: float = 0.0) -> None:
        super().__init__(detail, faults=faults)
        self.retry_after = retry_after


class CollectionMissing(Unavailable):
    """An engine answers, but does not have the generation of the collection that it was asked about."""

    code = "collection-missing"


class Closed(Unavailable):
    """The client was closed before it had an answer; the outcome of a write is unknown until asked again."""

    code = "closed"
    transient = False


class DeadlineExceeded(MemosError):
    """No worker answered in time; the outcome of a write is unknown until asked again with its id."""

    code = "deadline-exceeded"
    status = 504
    transient = True


class InternalError(MemosError):
    """A handler failed in a way that memOS did not foresee."""


class ConfigurationError(MemosError):
    """memOS cannot start as it is set up; the detail is the one line shown to its operator."""

    code = "configuration"


class ModelMismatch(ConfigurationError):
    """The settings name another embedding model than the collection's vectors were made with."""

    code = "model-mismatch"


ERRORS: Mapping[str, type[MemosError]] = {
    kind.code: kind
    for kind in (
        InvalidCommand,
        MalformedEntry,
        NotFound,
        Conflict,
        Gone,
        TooLarge,
        QuotaExceeded,
        UnknownRoute,
        Overloaded,
        EmbeddingRefused,
        RerankingRefused,
        CompletionRefused,
        UpstreamFailed,
        ToolFailed,
        Unavailable,
        CollectionMissing,
        Closed,
        DeadlineExceeded,
        InternalError,
        ConfigurationError,
        ModelMismatch,
    )
}
"""The kinds of error by the code that stands for them on the bus and in problem documents."""
