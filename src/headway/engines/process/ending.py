"""The end of a process that lives as long as it holds a lock: told to, then killed."""

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from headway.machine.files import is_locked

_LOOK_S = 0.05
_AGENT_ENDS_S = 5.0


async def end_agent(folder: Path) -> None:
    """End the agent of a directory, whether it answers or not; its containers live on."""
    await have_end(
        lambda: is_locked(folder / "agent.lock"),
        lambda number: signal_to(_agent(folder), number),
        _AGENT_ENDS_S,
    )


async def have_end(lives: Callable[[], bool], tell: Callable[[int], None], within_s: float) -> None:
    """Have something end: told once to, killed when that takes too long."""
    loop = asyncio.get_running_loop()
    kill_at = loop.time() + within_s
    if await asyncio.to_thread(lives):
        await asyncio.to_thread(tell, signal.SIGTERM)
    while await asyncio.to_thread(lives):
        if loop.time() > kill_at:
            await asyncio.to_thread(tell, signal.SIGKILL)
        await asyncio.sleep(_LOOK_S)


def signal_to(pid: int, number: int) -> None:
    """Send a signal to a process, if it is known and there."""
    if pid:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _agent(folder: Path) -> int:
    with suppress(OSError, ValueError):
        return int((folder / "agent.lock").read_text())
    return 0
