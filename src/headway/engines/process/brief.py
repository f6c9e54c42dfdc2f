"""An engine for as long as something takes, which leaves nothing behind."""

import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from headway.engines.process.engine import ProcessEngine
from headway.engines.process.machine import size
from headway.machine import trees
from headway.machine.processes import birth

_END_S = 5.0


@contextmanager
def brief_data() -> Iterator[Path]:
    """Give a data directory for an engine; its path is short, for sockets."""
    data = Path(tempfile.mkdtemp(prefix="hw-"))
    try:
        data.chmod(0o711)
        yield data
    finally:
        _await_end(data / "agent" / "agent.lock")
        trees.remove(data)


@asynccontextmanager
async def brief_engine(data: Path) -> AsyncIterator[ProcessEngine]:
    """Give an engine that is there for nobody else.

    Raises:
        EngineError: It does not start.
    """
    size()  # where that cannot be said, the agent would only not start
    engine = ProcessEngine(data)
    try:
        await engine.open()
        yield engine
    finally:
        await engine.close(stop=True)


def _await_end(lock: Path) -> None:
    """Wait until nobody writes to the engine's directory any more."""
    try:
        pid = int(lock.read_text())
    except (OSError, ValueError):
        return
    began, ends_at = birth(pid), time.monotonic() + _END_S
    while began is not None and birth(pid) == began and time.monotonic() < ends_at:
        time.sleep(0.01)
