"""The marker by which the tests under faults are run alone, or left out."""

import pytest


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "faults: a whole memOS is killed and stopped; about a minute each")
