"""Control planes of a simulated world: one dies, and after a while the next takes up its work."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any, NamedTuple

from headway.control.errors import HeadwayError
from headway.control.world import World
from headway.model.scenario import Faults, Scenario
from headway.model.settings import Settings
from headway.sim.agent import Agent, UnreliableEngine
from headway.sim.engine import SimulatedEngine
from headway.sim.lender import UnreliableProvider
from headway.sim.life import Life, MortalStore
from headway.sim.outside import SimulatedRouter
from headway.sim.plane import Cut, Plane, Ports
from headway.sim.provider import SimulatedProvider
from headway.sim.store import MemoryStore

_AGAIN_S = 1.0
_AWAY_LEAST_S = 0.5


class Site(NamedTuple):
    """What outlives every control plane."""

    store: MemoryStore
    engine: SimulatedEngine
    agent: Agent
    router: SimulatedRouter
    provider: SimulatedProvider


class Lives:
    """Lets control planes live, one at a time."""

    def __init__(
        self, scenario: Scenario, site: Site, wall: Callable[[], datetime], told: Counter[str]
    ) -> None:
        self._scenario = scenario
        self._site = site
        self._wall = wall
        self._told = told
        """Counts what went wrong."""
        self._faults = scenario.faults
        self._chance = random.Random(f"{scenario.seed}/planes")  # noqa: S311 (no secret)
        self.plane: Plane | None = None
        """The one that lives."""
        self._life: Life | None = None
        self._began = asyncio.Event()
        self._died = asyncio.Event()

    @property
    def world(self) -> World | None:
        """What the one that lives knows."""
        return self.plane.world if self.plane is not None else None

    async def run(self) -> None:
        """Have one live after another, for ever."""
        while True:
            self._died.clear()
            plane = self.plane = self._begin()
            self._began.set()
            await self._died.wait()
            self._began.clear()
            self.plane = None
            await plane.gone()
            away_s = self._chance.uniform(_AWAY_LEAST_S, self._scenario.faults.away_s)
            await asyncio.sleep(away_s)

    def _begin(self) -> Plane:
        scenario = self._scenario
        chance = random.Random(self._chance.getrandbits(64))  # noqa: S311 (no secret)
        life = self._life = Life(self._faults, chance, self._told, self.kill)
        settings = Settings(
            runs_kept=scenario.runs_kept,
            events_kept=100_000,
            starts_parallel=200,
            figures_step_s=0,  # nobody looks at them, and a week has sixty thousand steps
        )
        return Plane(
            wall=self._wall,
            ports=self._ports(life),
            settings=settings,
            chance=chance,
            is_mortal=scenario.faults.any,
        )

    def _ports(self, life: Life) -> Ports:
        """Give what it reaches; where anything may go wrong, it does so between them."""
        store, engine, agent, router, provider = self._site
        lends = bool(self._scenario.pools)
        if not self._scenario.faults.any:
            return Ports(store, engine, router, provider if lends else None)
        return Ports(
            MortalStore(store, life),
            UnreliableEngine(engine, agent, life),
            router,
            UnreliableProvider(provider, life) if lends else None,
        )

    def kill(self) -> None:
        """End the one that lives, in this very moment."""
        if self._life is None or self.plane is None:
            return
        self._life.alive = False
        self.plane.kill()
        self._died.set()

    @property
    def is_dying(self) -> bool:
        """Whether nobody lives, or who does was killed in this moment."""
        return self.plane is None or self._died.is_set()

    def calm(self) -> None:
        """Let no more go wrong, for who lives and for all who come."""
        self._faults = Faults()
        if self._life is not None:
            self._life.faults = self._faults

    def end(self) -> None:
        """Let what the one that lives does have no effect any more."""
        if self._life is not None:
            self._life.alive = False

    async def ask(self, deed: Callable[[Plane], Coroutine[Any, Any, Any]]) -> Any:
        """Ask whoever lives, until one has answered; None when it refused."""
        while True:
            if not self._began.is_set():
                await self._began.wait()
            plane = self.plane
            if plane is None:
                continue
            try:
                return await plane.ask(deed(plane))
            except Cut:
                self._told["answers cut off"] += 1
                await asyncio.sleep(_AGAIN_S)
            except HeadwayError as refused:
                self._told[f"refused: {refused.code}"] += 1
                return None
