"""People and programs that claim the locks of runs in a simulated installation."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from headway.control.leases import claiming
from headway.control.requests import LeaseRequest
from headway.model.ids import LeaseId
from headway.model.lease import ClaimKind, LeaseState
from headway.model.scenario import JobLoad
from headway.sim.plane import Plane

_HOUR_S = 3600.0
_WHO = "somebody"
_LENGTH_S = 60.0
_RENEWED_S = 5.0
_HELD_MAX_S = 90.0
_DIES = 0.3
"""Of those who hold a lock: they are never heard from again."""


class Asked(Protocol):
    """What answers."""

    async def ask(self, deed: Callable[[Plane], Coroutine[Any, Any, Any]]) -> Any:
        """Ask whatever control plane lives, again and again until it has answered."""
        ...


class Claimants:
    """Who claims the locks of one job's runs, one after the other."""

    def __init__(self, load: JobLoad, chance: random.Random, there: Asked) -> None:
        self._load = load
        self._chance = chance
        self._there = there

    async def claim(self) -> None:
        """Wait in line, hold, and give up or die, for ever."""
        chance = self._chance
        while True:
            await asyncio.sleep(chance.expovariate(self._load.claims_hour / _HOUR_S))
            account = str(chance.randint(1, self._load.accounts))
            name = chance.choice(self._load.locks).replace("{account}", account)
            identity = LeaseId(f"lse-{chance.getrandbits(40):010x}")
            if await self._wait(identity, name):
                await self._hold(identity, chance.uniform(0, _HELD_MAX_S))
                if chance.random() >= _DIES:
                    await self._give_up(identity)

    async def _wait(self, identity: LeaseId, name: str) -> bool:
        wish = LeaseRequest(
            kind=ClaimKind.LOCK, name=name, length_s=_LENGTH_S, id=identity, wait=True
        )
        view = await self._ask(lambda world: claiming.acquire(world, _WHO, wish))
        while view is not None and view.lease.state is LeaseState.WAITING:
            await asyncio.sleep(_RENEWED_S)
            view = await self._ask(lambda world: claiming.renew(world, _WHO, identity))
        return view is not None and view.lease.state is LeaseState.HELD

    async def _hold(self, identity: LeaseId, length_s: float) -> None:
        while length_s > 0:
            await asyncio.sleep(min(length_s, _RENEWED_S))
            length_s -= _RENEWED_S
            if await self._ask(lambda world: claiming.renew(world, _WHO, identity)) is None:
                return

    async def _give_up(self, identity: LeaseId) -> None:
        await self._ask(lambda world: claiming.release(world, _WHO, identity))

    async def _ask(self, deed: Callable[[Any], Coroutine[Any, Any, Any]]) -> Any:
        return await self._there.ask(lambda plane: deed(plane.world))
