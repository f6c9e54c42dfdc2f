"""One life of a control plane in a simulated world: the real heart, over ports that may fail."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from headway.control.heart import Heart
from headway.control.world import World
from headway.machine.chance import DrawingFrom
from headway.machine.clock import SteadyClock
from headway.model.settings import Settings
from headway.ports.engine import Engine
from headway.ports.provider import Provider
from headway.ports.store import Store
from headway.sim.outside import SimulatedBuilder, SimulatedRouter, SimulatedSources, SimulatedVault

T = TypeVar("T")


class Cut(Exception):
    """The control plane died while it was asked something: nobody knows what came of it."""


class Ports(NamedTuple):
    """What a life of a control plane reaches of the world."""

    store: Store
    engine: Engine
    router: SimulatedRouter
    provider: Provider | None


class Plane:
    """A control plane, from its start to its death."""

    def __init__(
        self,
        *,
        wall: Callable[[], datetime],
        ports: Ports,
        settings: Settings,
        chance: random.Random,
        is_mortal: bool,
    ) -> None:
        """Let it live. One that nobody will kill needs no task of its own for what it is asked."""
        loop = asyncio.get_running_loop()
        self.began_s = loop.time()
        self._chance = chance
        self._is_mortal = is_mortal
        self._calls: dict[asyncio.Task[Any], None] = {}
        clock = SteadyClock(wall=wall, ticks_s=loop.time)
        with DrawingFrom(chance):
            self.world = World(
                clock=clock,
                store=ports.store,
                engine=ports.engine,
                router=ports.router,
                provider=ports.provider,
                sources=SimulatedSources(),
                builder=SimulatedBuilder(lambda: chance.uniform(1, 60)),
                vault=SimulatedVault(),
                settings=settings,
                started_at=clock.now(),
                version="simulated",
            )
            self.heart = Heart(self.world)
            self._beating = asyncio.create_task(self.heart.run(), name="heart")

    @property
    def failure(self) -> BaseException | None:
        """What ended it, where nobody killed it."""
        if not self._beating.done() or self._beating.cancelled():
            return None
        return self._beating.exception() or RuntimeError("the heart stopped")

    async def ask(self, deed: Coroutine[Any, Any, T]) -> T:
        """Ask something of it, as the API does.

        Raises:
            Cut: It died meanwhile.
        """
        with DrawingFrom(self._chance):
            if not self._is_mortal:
                return await deed
            task = asyncio.create_task(deed)
        self._calls[task] = None
        try:
            return await task
        except asyncio.CancelledError:
            asking = asyncio.current_task()
            if task.cancelled() and asking is not None and not asking.cancelling():
                raise Cut from None
            raise
        finally:
            del self._calls[task]

    def kill(self) -> None:
        """End it as `kill -9` does. Its ports must be dead already."""
        self._beating.cancel()
        for task in list(self._calls):
            task.cancel()

    async def gone(self) -> None:
        """Wait until nothing of it is left."""
        with suppress(asyncio.CancelledError, Exception):
            await self._beating
