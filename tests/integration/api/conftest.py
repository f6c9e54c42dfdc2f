from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import httpx2
import pytest
import structlog

from tests.integration.api.control_plane import ControlPlane, archive, wait_for

CHAT = """\
name: chat
run: {type: process, command: 'echo one; echo two; echo three; exec sleep 600'}
"""


def _log_to(file: TextIO) -> None:
    """Write the log as `headway up` does, without touching the root logger that pytest holds."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.WriteLoggerFactory(file),
    )


@pytest.fixture(scope="session", autouse=True)
def log(tmp_path_factory) -> Iterator[Path]:
    """Where headway's own log goes."""
    path = tmp_path_factory.mktemp("log") / "log"
    with path.open("a", buffering=1) as file:
        _log_to(file)
        yield path
        structlog.reset_defaults()


@pytest.fixture(scope="session")
def plane(tmp_path_factory, log) -> Iterator[ControlPlane]:
    """One control plane for all tests that leave it whole."""
    folder = tmp_path_factory.mktemp("api")
    folder.chmod(0o755)
    running = ControlPlane(folder / "data")
    running.start()
    yield running
    running.clear()


@pytest.fixture
def own(tmp_path) -> Iterator[ControlPlane]:
    """A control plane that a test may break or stop."""
    tmp_path.chmod(0o755)
    running = ControlPlane(tmp_path / "data")
    running.start()
    yield running
    running.clear()


@pytest.fixture
def client(plane) -> Iterator[httpx2.Client]:
    with plane.client() as opened:
        yield opened


@pytest.fixture(scope="session")
def chat(plane) -> str:
    """The id of a container that wrote three lines and runs."""
    with plane.client() as client:
        sent = client.post("/v1/sources?name=chat", content=archive(headway__yaml=CHAT))
        assert sent.status_code == 200, sent.text
        begun = client.post("/v1/environments/demo/start", json={"apps": ["chat"]})
        assert begun.status_code == 200, begun.text
        wait_for(lambda: _state(client) == "healthy")
        containers = client.get("/v1/environments/demo/containers").json()
        return next(row["id"] for row in containers if row["kind"] == "service")


def _state(client: httpx2.Client) -> str:
    return client.get("/v1/environments/demo/apps/chat").json()["state"]
