"""Finding the engines: those that the settings name, else those of the stack that runs in `home`."""

from memos.devstack.stack import running_stack
from memos.errors import ConfigurationError
from memos.settings import Settings


def located(settings: Settings) -> Settings:
    """The settings with the addresses of the stack that runs in `home`, where they give none."""
    stack = running_stack(settings.home)
    if stack is None:
        return settings
    found = {
        "redis_url": settings.redis_url or stack.redis_url,
        "postgres_dsn": settings.postgres_dsn or stack.postgres_dsn,
        "edge_socket": settings.edge_socket or stack.edge_socket,
    }
    return settings.model_copy(update=found)


def required(settings: Settings, name: str) -> str:
    """An address that a command cannot do without. Raises `ConfigurationError` when there is none."""
    value: str | None = getattr(settings, name)
    if value is None:
        raise ConfigurationError(
            f"No memOS runs in {settings.home}, and MEMOS_{name.upper()} is not set. "
            "Start one with `memos up`, or set the variable."
        )
    return value
