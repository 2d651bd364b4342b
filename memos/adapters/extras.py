"""What is said when the package that an adapter is for is not installed."""

from memos.errors import ConfigurationError


def missing(package: str, extra: str) -> ConfigurationError:
    """The error of an adapter whose extra is not installed."""
    return ConfigurationError(
        f"This adapter needs the package {package}, which is not installed. "
        f"Install memOS with it: pip install 'memos-as[{extra}]'."
    )
