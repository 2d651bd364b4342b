"""Every setting of memOS, read once by the entry points and passed down."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_core import from_json
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from memos.errors import ConfigurationError

MillionTokens = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]
"""What a million tokens cost."""


class Settings(BaseSettings):
    """Settings from `MEMOS_…` environment variables; an engine without a URL is the embedded one."""

    model_config = SettingsConfigDict(env_prefix="MEMOS_", frozen=True, env_ignore_empty=True)

    home: Path = Field(Path(".memos"), description="Folder of the embedded engines' data, sockets and logs.")

    redis_url: str | None = Field(None, description="Redis 7.0+ or Valkey, `redis://…` or `unix://…`.")
    postgres_dsn: str | None = Field(None, description="PostgreSQL 15+, `postgresql://…`.")
    qdrant_url: str | None = Field(None, description="Qdrant server, `http://…`.")
    qdrant_api_key: str | None = Field(None, description="API key of the Qdrant server.")
    edge_socket: Path | None = Field(None, description="Socket of the Qdrant Edge process; set by `memos up`.")
    valkey_port: int = Field(
        0,
        ge=0,
        le=65535,
        description="TCP port of the embedded Valkey on 127.0.0.1; 0 means its socket only.",
    )

    embedder: Literal["minilm", "openai"] = Field(
        "minilm", description="`minilm` (embedded) or `openai` (any OpenAI-compatible server)."
    )
    embedding_url: str = Field(
        "http://localhost:1234/v1", description="OpenAI-compatible server; the default is LM Studio's."
    )
    embedding_model: str = Field("", description="Model to ask that server for; required with `openai`.")
    embedding_dimension: int = Field(
        0, ge=0, le=65536, description="Dimension of that model's vectors; 0 asks the server at start."
    )
    embedding_api_key: str = Field("not-needed", description="API key of that server.")
    embedding_timeout: float = Field(60.0, gt=0, description="Seconds to wait for that server.")
    embedding_threads: int = Field(0, ge=0, description="Threads of the embedded model; 0 means all cores.")

    rerank_url: str | None = Field(
        None, description="Server with `/rerank` that ranks the best candidates of a query again, `http://…`."
    )
    rerank_api: Literal["jina", "tei"] = Field(
        "jina",
        description="`jina` (also Cohere, vLLM, llama.cpp, Infinity) or `tei` (Text Embeddings Inference).",
    )
    rerank_model: str = Field("", description="Model to ask that server for, if it wants a name.")
    rerank_api_key: str = Field("", description="API key of that server.")
    rerank_timeout: float = Field(
        2.0, gt=0, allow_inf_nan=False, description="Most seconds a query waits for that server."
    )
    rerank_top: int = Field(50, ge=1, le=1000, description="Best candidates of a query that are sent to it.")
    rerank_characters: int = Field(
        1600,
        ge=100,
        description="Most characters of the query and one candidate together that are sent; the rest is cut.",
    )

    catalog_bytes: int = Field(
        256_000_000,
        ge=1_000_000,
        description="Bytes of tools, and of the tasks they solved, that a worker keeps in memory for discovery.",
    )

    working_ttl: int = Field(
        86_400,
        ge=1,
        le=316_224_000,
        description="Seconds that a session of working memory is kept after it was last written to.",
    )
    working_window_messages: int = Field(
        100, ge=1, le=100_000, description="Messages that a session's log keeps, unless the session says otherwise."
    )
    working_window_tokens: int = Field(
        16_000, ge=1, le=10_000_000, description="Tokens that these messages may be together."
    )
    working_promote: Literal["never", "window", "end"] = Field(
        "never",
        description="When messages become memories: `never`, when they leave the `window`, or also at the `end`.",
    )
    working_value_bytes: int = Field(
        262_144, ge=1024, le=16_777_216, description="Most bytes of JSON that a value or a message may be."
    )
    working_session_bytes: int = Field(8_388_608, ge=1024, description="Most bytes that a session may hold.")
    working_session_keys: int = Field(10_000, ge=1, description="Most keys that a session may have.")
    working_agent_bytes: int = Field(
        67_108_864, ge=1024, description="Most bytes that all sessions of an agent may hold."
    )
    working_agent_sessions: int = Field(1000, ge=1, description="Most sessions that an agent may have.")

    llm_url: str | None = Field(
        None,
        description="OpenAI-compatible server behind `/v1/chat/completions`, such as `http://localhost:1234/v1`.",
    )
    llm_api_key: str = Field(
        "", description="API key of that server; without one, that of each request is passed on."
    )
    llm_timeout: float = Field(
        120.0, gt=0, allow_inf_nan=False, description="Most seconds that server may be silent before it has failed."
    )
    llm_answer_bytes: int = Field(
        16_777_216, ge=65_536, description="Most bytes of one answer of that server that are passed on."
    )
    llm_memory_bytes: int = Field(
        536_870_912,
        ge=1_048_576,
        description="Most memory that a facade takes for answers under way; what is beyond it is refused with 503.",
    )
    llm_stream_usage: bool = Field(
        True, description="Whether that server is asked for the tokens of streamed answers (`include_usage`)."
    )
    llm_model: str = Field(
        "", description="Model to ask that server to summarise sessions with; without one, none are."
    )
    llm_prices: Annotated[dict[str, dict[Literal["prompt", "completion"], MillionTokens]], NoDecode] = Field(
        {},
        description="Price of a million tokens by model, as JSON: "
        '`{"gpt-4o-mini": {"prompt": 0.15, "completion": 0.6}}`.',
    )
    llm_usage_days: int = Field(400, ge=1, le=3660, description="Days for which the account of calls is kept.")
    cache_ttl: int = Field(86_400, ge=1, le=316_224_000, description="Seconds that an answer of a model is kept.")
    cache_jitter: float = Field(
        0.1,
        ge=0,
        le=0.5,
        description="Share of these seconds by which it may be less, so that not all end at once.",
    )
    cache_bytes: int = Field(
        268_435_456, ge=1_048_576, description="Most bytes of answers that are kept for a tenant."
    )
    cache_answer_bytes: int = Field(
        1_048_576, ge=1024, description="Most bytes of one answer; a larger one is passed on and not kept."
    )
    cache_eviction: Literal["lru", "lfu"] = Field(
        "lru",
        description="What goes when the cache is full: the least recently (`lru`) or frequently (`lfu`) used.",
    )
    cache_semantic: bool = Field(
        False, description="Whether requests are answered by answers to like questions without asking for it."
    )
    cache_threshold: float | None = Field(
        None,
        gt=0,
        le=1,
        description="Least likeness of such a question; 0.875 by default, chosen for at most 1 % false hits.",
    )
    cache_per_key: bool = Field(
        False,
        description="Whether answers of the proxy are kept for each API key of a client apart from the others'.",
    )
    cache_questions_bytes: int = Field(
        128_000_000,
        ge=1_000_000,
        description="Bytes of questions and their vectors that a worker keeps in memory, to find like ones among.",
    )
    cache_timeout: float = Field(
        2.0, gt=0, allow_inf_nan=False, description="Most seconds that a request waits for the cache to answer."
    )
    cache_lease: float = Field(
        30.0, ge=1, le=600, description="Seconds without a sign of life after which another makes an answer."
    )

    api_host: str = Field("127.0.0.1", description="Address that the REST facade listens on.")
    api_port: int = Field(8090, ge=1, le=65535, description="Port that the REST facade listens on.")
    request_timeout: float = Field(
        30.0, gt=0, description="Seconds the facade waits for a worker before it answers 504."
    )
    lease_seconds: float = Field(
        5.0, ge=1, description="Seconds without a sign of life after which a worker's entries are claimed."
    )
    stalled_seconds: float = Field(
        60.0, ge=2, description="Seconds after which an entry that nobody works on is claimed from a live worker."
    )
    stop_seconds: float = Field(
        10.0, gt=0, description="Seconds a stopping worker may finish what is under way; the rest is returned."
    )
    retry_attempts: int = Field(
        12,
        ge=1,
        description="Times a write is tried before it becomes a dead letter; 12 take 2.5 to 5 minutes.",
    )
    retry_first: float = Field(
        0.5, gt=0, allow_inf_nan=False, description="Most seconds before the first retry; doubled each time."
    )
    retry_longest: float = Field(
        60.0,
        gt=0,
        allow_inf_nan=False,
        description="Most seconds between two retries, unless a busy embedder asks for more.",
    )
    queue_limit: int = Field(
        10_000, ge=1, description="Commands a stream holds before it refuses more as overloaded (429)."
    )
    queue_bytes: int = Field(
        256_000_000,
        ge=1_000_000,
        description="Bytes of Redis's memory that a stream's commands take before it refuses more (429).",
    )
    dead_letters_limit: int = Field(
        10_000,
        ge=1,
        description="Dead letters a stream keeps; when full, writes that may yet succeed go on being tried.",
    )
    facts_kept: int = Field(
        100_000, ge=1, description="Facts kept in the Redis stream; older ones are read from the ledger."
    )
    retired_seconds: float = Field(
        60.0, ge=0, description="Seconds a former generation of a projection is kept after a rebuild."
    )
    reply_ttl: float = Field(300.0, gt=0, description="Seconds an uncollected reply is kept.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level logged.")

    @field_validator("llm_url")
    @classmethod
    def _says_no_secret(cls, url: str | None) -> str | None:
        """Refuse an address with more in it than where the server is: it is told to workers, and in logs."""
        if url and ("?" in url or "#" in url or "@" in url.partition("://")[2].partition("/")[0]):
            raise ValueError(
                "must have no user, password or query; give the key of the server by MEMOS_LLM_API_KEY"
            )
        return url

    @field_validator("llm_prices", mode="before")
    @classmethod
    def _read(cls, prices: Any) -> Any:
        """Prices as they are written in the environment."""
        if not isinstance(prices, str):
            return prices
        try:
            return from_json(prices)
        except ValueError as error:
            raise ValueError(f"must be JSON, and is none: {error}") from error

    @field_validator("working_session_bytes", "working_agent_bytes")
    @classmethod
    def _room_for_what_it_holds(cls, size: int, info: ValidationInfo) -> int:
        """Refuse a session that has no room for one value, and an agent that has none for one session."""
        held = "working_value_bytes" if info.field_name == "working_session_bytes" else "working_session_bytes"
        if size < info.data.get(held, 0):
            raise ValueError(f"must be at least MEMOS_{held.upper()}, which is {info.data[held]}")
        return size


def load_settings() -> Settings:
    """Read the environment. Raises `ConfigurationError` naming each variable that is wrong."""
    try:
        return Settings()
    except ValidationError as error:
        wrong = "; ".join(_wrong(*e["loc"], message=e["msg"]) for e in error.errors())
        raise ConfigurationError(f"The settings are not valid. {wrong}. Correct the environment.") from error


def _wrong(name: str | int, *within: str | int, message: str) -> str:
    """What is wrong with a setting, or within one."""
    place = "".join(f"[{part}]" for part in within)
    return f"MEMOS_{str(name).upper()}{place}: {message}"
