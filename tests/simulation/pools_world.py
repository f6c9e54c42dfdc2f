"""The loops of runs and pools over a store, an engine and a provider in memory, in made-up time."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import msgspec

from headway.control.departures import Departures
from headway.control.fleet import Fleet
from headway.control.pool.pooling import Pools
from headway.control.pool.rebalances import Rebalances
from headway.control.requests import Invocation
from headway.control.runs.dispatch import Dispatch
from headway.control.runs.scheduling import Schedules
from headway.control.world import World
from headway.model.event import Event
from headway.model.ids import NodeId, PoolName
from headway.model.job import Job
from headway.model.machine import Machine, MachineState
from headway.model.node import Node
from headway.model.pool import NodeType, Pool, Scaling
from headway.model.pool_node import PoolNode
from headway.model.resources import Resources
from headway.model.settings import Settings
from headway.sim.engine import SimulatedEngine
from headway.sim.provider import SimulatedProvider
from headway.sim.store import MemoryStore
from headway.sim.virtual import VirtualLoop, run_virtually
from tests.simulation.conftest import Plane, wishing

BEGAN = datetime(2026, 3, 4, 9, tzinfo=UTC)
SMALL = NodeType(name="small", cpu=2.1, memory_mib=4096, price_hour=0.1, start_s=60)
LARGE = NodeType(name="large", cpu=8.4, memory_mib=16384, price_hour=0.4, start_s=60)
WORK = Job(name="work", command="true", resources=Resources(cpu=1, memory_mib=256), timeout_s=7200)


class LoopClock:
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def now(self) -> datetime:
        return BEGAN + timedelta(seconds=self._loop.time())


class PoolsWorld(Plane):
    """Up and down as often as a test likes; store, engine and provider stay."""

    def __init__(self, loop: VirtualLoop, **provider: Any) -> None:
        self.clock = LoopClock(loop)
        self.engine = SimulatedEngine([], now=self.clock.now)
        self.store = MemoryStore()
        self.provider = SimulatedProvider(
            [SMALL, LARGE],
            clock=self.clock,
            joined=self.engine.join,
            left=self.engine.leave,
            **provider,
        )
        self._tasks: list[asyncio.Task[None]] = []

    async def up(self) -> None:
        outside: Any = SimpleNamespace(mounts=lambda _artifact: (), http_port=1, mark=str)
        self.world = World(
            clock=self.clock,
            store=self.store,
            engine=self.engine,
            router=outside,
            sources=outside,
            builder=outside,
            vault=outside,
            settings=Settings(),
            started_at=self.clock.now(),
            version="0",
            provider=self.provider,
        )
        self.fleet = Fleet(self.world)
        self.dispatch = Dispatch(self.world)
        self.schedules = Schedules(self.world, self.dispatch)
        self.departures = Departures(self.world, self.fleet)
        self.pools = Pools(self.world, self.dispatch)
        self.rebalances = Rebalances(self.world)
        loops: list[Callable[[], Any]] = [
            self.fleet.run,
            self.dispatch.run,
            self.departures.run,
            self.pools.run,
            self.pools.follow,
            self.rebalances.run,
        ]
        self._tasks = [asyncio.create_task(loop()) for loop in loops]
        await self.dispatch.opened.wait()

    async def down(self) -> None:
        """End as `kill -9` does."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.dispatch.close()
        await self.fleet.close()

    async def pool(self, *types: NodeType, **scaling: Any) -> None:
        row = Pool(types=types or (SMALL,), scaling=Scaling(**scaling))
        known = await self.store.read(lambda tx: tx.get(Pool, row.name))
        version = known.version if known else 0
        await self.store.write(lambda tx: tx.put(msgspec.structs.replace(row, version=version)))
        self.world.fleet.put_pool(row)
        self.world.bell.node()

    async def works(self, count: int, runs_s: float) -> None:
        wish = wishing({"sleep_s": runs_s})
        await self.invoke("work", *([wish] * count))

    async def rows(self) -> list[PoolNode]:
        return await self.store.read(lambda tx: tx.find(PoolNode))

    def nodes(self) -> list[Node]:
        return [row for row in self.world.nodes if row.state.value == "ready"]

    def foist(self, name: str) -> None:
        """Have the provider lend a machine that nobody asked for."""
        stranger = Machine(
            id=NodeId(name),
            pool=PoolName("default"),
            type="small",
            state=MachineState.RUNNING,
            since=self.clock.now(),
        )
        self.provider.foist(stranger)

    def events(self, kind: str) -> list[Event]:
        return [event for event in self.store.log if event.kind == kind]


def virtually(scenario: Callable[[PoolsWorld], Any], **provider: Any) -> None:
    """Run a scenario in made-up time."""

    async def main(loop: VirtualLoop) -> None:
        place = PoolsWorld(loop, **provider)
        await place.up()
        await place.release(WORK)
        await scenario(place)
        await place.down()
        place.provider.close()

    run_virtually(main)


__all__ = ["LARGE", "SMALL", "WORK", "Invocation", "PoolsWorld", "virtually"]
