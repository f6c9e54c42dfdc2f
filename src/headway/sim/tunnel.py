"""The wind tunnel: a scenario from its beginning to its end, on the real loops."""

import asyncio
import gc
import logging
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import chain
from typing import Any

from headway.control.runs import runs
from headway.model.deployment import Deployment
from headway.model.environment import Environment
from headway.model.event import Event
from headway.model.ids import NodeId, RunId
from headway.model.node import DEFAULT_POOL, Node
from headway.model.pool import Pool
from headway.model.run import Run
from headway.model.scenario import Report, Scenario, TraceRow
from headway.ports.store import Writer
from headway.sim.agent import Agent
from headway.sim.checks import Checks
from headway.sim.engine import SimulatedEngine
from headway.sim.giving_checks import GivingChecks
from headway.sim.lives import Lives, Site
from headway.sim.load import Users
from headway.sim.measure import Measure
from headway.sim.mishaps import Mishaps
from headway.sim.network import MadeUpNetwork
from headway.sim.nodes import nodes_of
from headway.sim.outside import SimulatedRouter
from headway.sim.plane import Plane
from headway.sim.pool_checks import PoolChecks
from headway.sim.provider import SimulatedProvider
from headway.sim.store import MemoryStore
from headway.sim.virtual import Stuck, VirtualLoop, run_virtually

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
_LOOK_S = 60.0
_SAMPLES = 240
_AGAIN_S = 1.0
_HOUR_S = 3600.0


def run(
    scenario: Scenario,
    trace: tuple[TraceRow, ...] = (),
    tell: Callable[[str], None] = lambda _said: None,
) -> Report:
    """Run a scenario. The same scenario gives the same report, and the same event log.

    `tell` hears again and again how far it is.
    """
    network = MadeUpNetwork()

    def living(loop: VirtualLoop) -> Coroutine[Any, Any, Report]:
        tunnel = Tunnel(scenario, trace, loop, network)
        tunnel.tell = tell
        return tunnel.run()

    with _quietly():
        return run_virtually(living, network)


@contextmanager
def _quietly() -> Iterator[None]:
    """Log nothing, and collect no garbage in the midst: it costs a third of the time."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
        logging.disable(before)


class Tunnel:
    """One world, and what happens in it."""

    def __init__(
        self,
        scenario: Scenario,
        trace: tuple[TraceRow, ...],
        loop: VirtualLoop,
        network: MadeUpNetwork,
    ) -> None:
        self.scenario = scenario
        self.tell: Callable[[str], None] = lambda _said: None
        self._loop = loop
        nodes = nodes_of(scenario)
        self.store = MemoryStore()
        self.store.do(partial(_declare, scenario=scenario))
        router = SimulatedRouter()
        self.checks = Checks(loop.time, self.store, router, {node.id: node for node in nodes})
        self.provider = SimulatedProvider(
            scenario.kinds, clock=_Clock(loop), joined=self._joined, left=self._left
        )
        self.measure = Measure(scenario, loop.time, self.provider.bill)
        self.engine = SimulatedEngine(nodes, self.wall, self.checks)
        self.agent = Agent()
        self.mishaps = Mishaps(
            scenario.faults,
            scenario.seed,
            self.engine,
            self.agent,
            self.measure.faults,
            self.provider,
            scenario.pools,
        )
        site = Site(self.store, self.engine, self.agent, router, self.provider)
        self.lives = Lives(scenario, site, self.wall, self.measure.faults)
        self.pool_checks = PoolChecks(
            pools=scenario.pools,
            provider=self.provider,
            store=self.store,
            time=loop.time,
            fail=self.checks.fail,
            world=lambda: self.lives.world,
            works=self._works,
        )
        self.giving_checks = GivingChecks(
            store=self.store, fail=self.checks.fail, world=lambda: self.lives.world
        )
        self.users = Users(scenario, trace, self)
        self._accepted: dict[RunId, None] = {}
        self._may_lose = scenario.faults.any
        for node in nodes:
            self.measure.there(node)
        self._have_told(network)

    def _have_told(self, network: MadeUpNetwork) -> None:
        """Have each part told of what it goes by and another does."""
        self.checks.on_use = self.measure.use
        self.checks.on_begin = self.measure.began
        self.checks.more_odd = lambda: chain(self.pool_checks.odd(), self.giving_checks.odd())
        self.store.on_event = self._happened
        self.mishaps.kill_plane = self.lives.kill
        self.mishaps.silent = self.pool_checks.silent
        self.provider.on_release = self.pool_checks.released
        network.answering = lambda _host, port: self.checks.is_well(port)
        self._loop.on_spin = self._spins
        self._loop.size = self._size

    def wall(self) -> datetime:
        """Give what the machine's clock shows, however it was set."""
        return BEGIN + timedelta(seconds=self._loop.time() + self.mishaps.clock_offset_s)

    def _joined(self, node: Node) -> None:
        self.checks.nodes[node.id] = node
        self.measure.there(node)
        self.engine.join(node)

    def _left(self, identity: NodeId) -> None:
        self.engine.leave(identity)
        node = self.checks.nodes.pop(identity, None)
        if node is not None:
            self.checks.used.pop(identity, None)
            self.measure.there(node, -1)

    def _works(self, node: NodeId) -> list[str]:
        runners = self.engine.runners
        return [
            f"{order.name} {identity}"
            for identity, order in self.checks.live.items()
            if self.checks.place[identity] == node
            and (identity not in runners or runners[identity].is_busy)
        ]

    def _happened(self, event: Event) -> None:
        self.measure.happened(event)
        self.giving_checks.happened(event)
        self.checks.gangs.happened(event)
        if event.kind == "pool.grew":
            self.pool_checks.grew(event.subject)

    async def run(self) -> Report:
        """Let it happen."""
        living = asyncio.create_task(self.lives.run(), name="lives")
        looking = asyncio.create_task(self._look(), name="checks")
        await self.users.settle_in()
        await self._all_live()
        deeds = [*self.users.all(), *self.mishaps.all()]
        tasks = [asyncio.create_task(deed) for deed in deeds]
        hours, begin_s = self.scenario.hours, self._loop.time()
        end_s = begin_s + hours * _HOUR_S
        step_s = max(_LOOK_S, self.scenario.hours * _HOUR_S / _SAMPLES)
        while self._loop.time() < end_s and self.checks.broken is None:
            await asyncio.sleep(min(step_s, end_s - self._loop.time()))
            self.measure.sample(self._pending())
            self._raise_first(tasks)
            passed = (self._loop.time() - begin_s) / _HOUR_S
            self.tell(f"{passed:,.1f} of {hours:,.1f} made-up hours")
        await _end(tasks)
        await self._settle()
        await _end([looking])
        report = self.measure.report(self.checks.broken)
        self.lives.end()
        await _end([living])
        self.provider.close()
        return report

    async def _all_live(self) -> None:
        """Wait for the first deployments, however they end: the load begins behind them."""
        end_s = self._loop.time() + self.scenario.settle_s
        while self._loop.time() < end_s and self.checks.broken is None:
            await asyncio.sleep(_AGAIN_S)
            if not self.store.ask(lambda tx: tx.find(Deployment, is_ended=False, limit=1)):
                return

    def _raise_first(self, tasks: "list[asyncio.Task[None]]") -> None:
        """What users and mishaps do must not fail: that would be the simulation's own mistake."""
        for task in tasks:
            if task.done() and not task.cancelled() and (error := task.exception()):
                raise error

    # --- when no time passes ----------------------------------------------------------------------

    def _size(self) -> int:
        """Count what a control plane goes through: nodes, containers, and runs to come."""
        open_runs = self.store.ask(lambda reader: reader.count(Run, "open_in"))
        return len(self.checks.nodes) + len(self.checks.live) + open_runs

    def _spins(self, who: str) -> None:
        """Note that no time passes, and end the control plane, which would go on for ever.

        Raises:
            Stuck: It is not the control plane.
        """
        if self.lives.is_dying:
            raise Stuck(f"{who} goes on and on, and no time passes")
        self.checks.fail("time goes on", f"{who} goes on and on in one moment")
        self.lives.kill()

    # --- users' side -----------------------------------------------------------------------------

    async def ask(self, deed: Callable[[Plane], Coroutine[Any, Any, Any]]) -> Any:
        """Ask whatever control plane lives, until it has answered; None when it refused."""
        return await self.lives.ask(deed)

    def asked(self, runs: list[RunId]) -> None:
        """Note that runs are asked for now."""
        now = self._loop.time()
        for identity in runs:
            self.measure.asked[identity] = now

    def accepted(self, runs: list[RunId]) -> None:
        """Note that runs were promised."""
        if self._may_lose:
            self._accepted.update(dict.fromkeys(runs))

    # --- checks ----------------------------------------------------------------------------------

    @property
    def watched_s(self) -> float:
        """How long everything has been there that the control plane needs."""
        away = self.agent.is_away or self.mishaps.nodes_away or not self.provider.answers
        if self.lives.plane is None or away:
            return 0.0
        return self._loop.time() - max(self.lives.plane.began_s, self.mishaps.calm_since)

    def _pending(self) -> dict[str, int]:
        """Say why how many wait: runs, and pools that do not grow."""
        plane = self.lives.plane
        if plane is None:
            return {}
        found = plane.heart.dispatch.starts.waits()
        for name, plan in plane.heart.pools.plans.items():
            for why in plan.pending:
                found[f"pool {name}: {why}"] = 1
        return found

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_S)
            self.checks.look(self.watched_s)
            plane = self.lives.plane
            if plane is None:
                continue
            self.checks.leases(lambda row, plane=plane: _over_s(row, plane), self.watched_s)  # type: ignore[misc]
            if plane.failure is not None:
                self.checks.fail("the heart beats", repr(plane.failure))

    async def _settle(self) -> None:
        """Let no more go wrong, and let everything come to its end."""
        self.mishaps.heal()
        self.lives.calm()
        least, since_s = self._count_open(), self._loop.time()
        end_s = since_s + self.scenario.settle_s
        while self._loop.time() < end_s and self.checks.broken is None:
            await asyncio.sleep(_LOOK_S)
            left = self._count_open()
            self.tell(f"all hours have passed; {left} runs and deployments have not ended")
            if self.lives.plane is not None and not left and not self.checks.is_odd:
                break
            if left < least:
                least, since_s = left, self._loop.time()
            elif self._loop.time() > since_s + self.scenario.stalled_s:
                break
        if self.checks.broken is None and self.lives.plane is not None:
            self._check_all(self.lives.plane)

    def _count_open(self) -> int:
        """Count what has not come to its end: runs, and deployments."""
        return self.store.ask(
            lambda reader: (
                reader.count(Run, "open_in") + len(reader.find(Deployment, is_ended=False))
            )
        )

    def _check_all(self, plane: Plane) -> None:
        reserved = {
            node: (row.cpu, row.memory_mib)
            for node in self.checks.nodes
            for row in (plane.world.fleet.reserved(node),)
        }
        self.checks.settled(
            reserved, lambda row: runs.waits(plane.heart.dispatch, row) or row.because
        )
        for identity in self._accepted:
            if self.store.ask(lambda reader, identity=identity: reader.get(Run, identity)) is None:  # type: ignore[misc]
                self.checks.fail("no accepted run is lost", f"{identity} is not there")


class _Clock:
    """The time that is, whatever a machine's clock shows."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop

    def now(self) -> datetime:
        """Give it."""
        return BEGIN + timedelta(seconds=self._loop.time())


def _declare(tx: Writer, scenario: Scenario) -> None:
    for pool in scenario.pools:
        tx.put(pool)
    if all(pool.name != DEFAULT_POOL for pool in scenario.pools):
        tx.put(Pool(policy=scenario.policy))


def _over_s(row: Environment, plane: Plane) -> float | None:
    until = row.lease.until
    return None if until is None else (plane.world.clock.now() - until).total_seconds()


async def _end(tasks: "list[asyncio.Task[None]]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
