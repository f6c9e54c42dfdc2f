import logging
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.integration.api.control_plane import ControlPlane, bring_up_chat


@pytest.fixture(scope="session", autouse=True)
def log(tmp_path_factory) -> Iterator[Path]:
    """Where headway's own log goes."""
    path = tmp_path_factory.mktemp("log") / "log"
    handler = logging.FileHandler(path)
    logger = logging.getLogger("headway")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield path
    logger.removeHandler(handler)
    handler.close()


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
    return bring_up_chat(plane)
