from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from memos.cli import create_cli
from memos.settings import Settings, load_settings

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "docker-compose.yml"
OWN = ("migrate", "worker-interactive", "worker-bulk", "api")
ROLES = [*OWN, "redis", "postgres", "qdrant"]


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))
    return read


def test_every_role_is_a_service(compose: dict[str, Any]) -> None:
    assert sorted(compose["services"]) == sorted(ROLES)


@pytest.mark.parametrize("name", OWN)
def test_the_services_of_memos_run_commands_it_has_with_settings_it_reads(
    compose: dict[str, Any], name: str
) -> None:
    service = compose["services"][name]
    get_command(create_cli()).make_context("memos", list(service["command"]), resilient_parsing=True)
    assert service["command"][0] in get_command(create_cli()).list_commands(None)  # type: ignore[attr-defined]
    known = {f"MEMOS_{setting.upper()}" for setting in Settings.model_fields}
    assert set(service["environment"]) <= known


@pytest.mark.parametrize("name", [name for name in OWN if name != "migrate"])
def test_what_is_set_for_language_models_reaches_workers_and_facade(compose: dict[str, Any], name: str) -> None:
    handed_on = compose["services"][name]["environment"]
    for setting in ("LLM_URL", "LLM_API_KEY", "LLM_MODEL", "LLM_PRICES", "CACHE_SEMANTIC", "CACHE_PER_KEY"):
        assert handed_on[f"MEMOS_{setting}"] == f"${{MEMOS_{setting}:-}}"
    documented = (ROOT / "docs/how-to/run-with-docker.md").read_text(encoding="utf-8")
    assert all(
        f"`{variable}`" in documented for variable in handed_on if "_LLM_" in variable or "_CACHE_" in variable
    )


def test_a_setting_that_is_handed_on_empty_has_its_default(
    compose: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, value in compose["services"]["api"]["environment"].items():
        if value.endswith(":-}"):
            monkeypatch.setenv(variable, "")
    assert load_settings().llm_url is None


def test_every_service_waits_for_services_that_can_meet_its_condition(compose: dict[str, Any]) -> None:
    services = compose["services"]
    for service in services.values():
        for other, wanted in service.get("depends_on", {}).items():
            if wanted["condition"] == "service_healthy":
                assert "healthcheck" in services[other]
            else:
                assert (wanted["condition"], services[other]["restart"]) == ("service_completed_successfully", "no")


def test_what_servers_keep_is_on_volumes_that_are_declared(compose: dict[str, Any]) -> None:
    used = {volume.split(":")[0] for each in compose["services"].values() for volume in each.get("volumes", ())}
    assert used == set(compose["volumes"]) == {"redis", "postgres", "qdrant"}


def test_ports_are_published_to_this_machine_alone(compose: dict[str, Any]) -> None:
    ports = [port for service in compose["services"].values() for port in service.get("ports", ())]
    assert len(ports) == 2
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_what_the_image_is_built_from_is_let_into_its_context() -> None:
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    copied = {
        source
        for line in lines
        if line.startswith("COPY") and "--from" not in line
        for source in line.split()[1:-1]
    }
    allowed = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert copied == {line.removeprefix("!") for line in allowed if line.startswith("!")}
    assert all((ROOT / source).exists() for source in copied)
