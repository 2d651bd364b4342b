"""Every setting of memOS, read once by the entry points and passed down."""

from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from memos.errors import ConfigurationError


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


def load_settings() -> Settings:
    """Read the environment. Raises `ConfigurationError` naming each variable that is wrong."""
    try:
        return Settings()
    except ValidationError as error:
        wrong = "; ".join(f"MEMOS_{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors())
        raise ConfigurationError(f"The settings are not valid. {wrong}. Correct the environment.") from error
