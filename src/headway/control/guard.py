"""Keeps a loop alive: an error is logged, shown and retried with back-off, and never swallowed."""

import asyncio
from collections.abc import Awaitable, Callable

from headway.control.world import World
from headway.machine.own_log import Log
from headway.ports.provider import ProviderError

_log = Log()
_RETRY_MAX_S = 10.0


async def repeatedly(world: World, name: str, loop: Callable[[], Awaitable[None]]) -> None:
    """Run a loop for ever. When it raises, wait a little longer each time and run it again."""
    wait_s = 0.1
    while True:
        began = asyncio.get_running_loop().time()
        try:
            await loop()
        except Exception as error:  # noqa: BLE001 (the guard is where every error ends)
            trouble(world, name, error)
            if asyncio.get_running_loop().time() - began > _RETRY_MAX_S:
                wait_s = 0.1
            await asyncio.sleep(wait_s)
            wait_s = min(_RETRY_MAX_S, wait_s * 2)
        else:
            return


def trouble(world: World, name: str, error: Exception) -> None:
    """Note an error where `doctor` and the log show it."""
    said = str(error) if isinstance(error, ProviderError) else f"{type(error).__name__}: {error}"
    world.troubles[name] = (world.clock.now(), said)
    _log.error("trouble", loop=name, exc_info=error)
