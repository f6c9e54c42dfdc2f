"""The engines that the contract is tried on."""

import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from headway.engines.process.engine import ProcessEngine
from headway.ports.engine import Engine, EngineError
from tests.contract.engine.orders import ended, first


@pytest.fixture
def data() -> Iterator[Path]:
    """A directory that an engine keeps its containers in, where every user may pass."""
    folder = Path(tempfile.mkdtemp(prefix="hw-"))
    folder.chmod(0o755)
    yield folder
    removed(folder)


def removed(folder: Path) -> None:
    """Remove a directory, also where an agent that was told to end has a last word to write."""
    for _ in range(50):
        try:
            shutil.rmtree(folder)
        except OSError:
            time.sleep(0.1)
        else:
            return
    shutil.rmtree(folder)


@pytest.fixture(params=["process"])
async def engine(data: Path) -> AsyncIterator[Engine]:
    async for made in opened(data):
        yield made


async def opened(
    data: Path, nodes: int | None = None, silent_s: float = 10, lend: int | None = None
) -> AsyncIterator[ProcessEngine]:
    """Have an engine for as long as a test takes."""
    made = ProcessEngine(data, nodes=nodes, lend=lend, silent_s=silent_s)
    try:
        await made.open()
    except EngineError as error:
        pytest.skip(f"no sandbox can be made here: {error}")
    yield made
    await emptied(made)
    await made.close(stop=True)


async def emptied(engine: Engine) -> None:
    """End and forget everything that an engine runs."""
    for fact in await first(engine):
        if fact.exit is None:
            await engine.stop(fact.id, 0)
            await ended(engine, fact.id)
        await engine.remove(fact.id)
