"""What was logged by the modules that a test is about; others that run meanwhile log too."""

import logging

import pytest


def logged(caplog: pytest.LogCaptureFixture, *names: str) -> list[logging.LogRecord]:
    """The records of these loggers and of those below them, in the order of time."""
    return [one for one in caplog.records if any(f"{one.name}.".startswith(f"{name}.") for name in names)]


def said(caplog: pytest.LogCaptureFixture, *names: str) -> list[str]:
    """The messages of these loggers and of those below them."""
    return [one.getMessage() for one in logged(caplog, *names)]
