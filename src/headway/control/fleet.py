"""Carries out what containers' rows ask for, and records what their engine says."""

import asyncio
from collections.abc import Coroutine, Iterable
from functools import partial
from typing import Any

import structlog

from headway.calculate.check import check_of
from headway.calculate.container import lost, observed
from headway.control.guard import trouble
from headway.control.orders import make_order, read_need
from headway.control.world import World
from headway.model.build import Build, BuildState
from headway.model.container import Container, ContainerState, Exit
from headway.model.event import Event
from headway.model.ids import ContainerId
from headway.model.order import Observed, ObservedState
from headway.model.release import Release
from headway.ports.engine import EngineError, EngineUnavailable
from headway.ports.store import Writer

_log = structlog.get_logger()
_RETRY_S = 0.5
_COMMAND_NOT_RUN = 126


class Fleet:
    """Starts what is pending, stops what is stopping, and follows the engine."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._tasks: dict[ContainerId, asyncio.Task[None]] = {}
        self._room = asyncio.Semaphore(world.settings.starts_parallel)
        world.bell.on_container(self.act)

    def act(self, container: Container) -> None:
        """Do what a row asks for, in the background; once for each state."""
        if container.state is ContainerState.PENDING:
            self._do(container.id, self._start(container))
        elif container.state is ContainerState.STOPPING:
            earlier = self._tasks.pop(container.id, None)
            self._do(container.id, self._stop(container, earlier))

    async def close(self) -> None:
        """Let go of what is under way: it is taken up again at the next start."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def run(self) -> None:
        """Follow the engine for ever: all that it has, first, then every change."""
        while True:
            first = True
            try:
                async for facts in self._world.engine.observe():
                    if first:
                        now = self._world.clock.now()
                        for node in await self._world.engine.nodes():
                            self._world.roster.heard(node, now)
                        self._world.bell.node()
                        await self._compare(facts)
                        first = False
                        self._world.troubles.pop("engine", None)
                    else:
                        await self._take(facts)
            except EngineUnavailable as error:
                trouble(self._world, "engine", error)
            await asyncio.sleep(_RETRY_S)

    # --- asking the engine -------------------------------------------------------------------

    def _do(self, container: ContainerId, deed: Coroutine[Any, Any, None]) -> None:
        if container in self._tasks:
            deed.close()
            return
        task = asyncio.create_task(deed, name=f"container {container}")
        self._tasks[container] = task
        task.add_done_callback(lambda done: self._done(container, done))

    def _done(self, container: ContainerId, task: asyncio.Task[None]) -> None:
        if self._tasks.get(container) is task:
            del self._tasks[container]
        if not task.cancelled() and (error := task.exception()) is not None:
            assert isinstance(error, Exception)
            trouble(self._world, f"container {container}", error)

    async def _start(self, container: Container) -> None:
        world = self._world
        need = await world.store.read(lambda reader: read_need(reader, container))
        if need is None:
            return
        while True:
            try:
                async with self._room:
                    order = await make_order(world, need)
                    fact = await world.engine.start(order, container.node)
                break
            except EngineUnavailable:
                await asyncio.sleep(_RETRY_S)
            except EngineError as error:
                end = Exit(status=_COMMAND_NOT_RUN, reason=str(error), at=world.clock.now())
                fact = Observed(
                    id=container.id, state=ObservedState.EXITED, node=container.node, exit=end
                )
                break
        await self._take((fact,))

    async def _stop(self, container: Container, earlier: asyncio.Task[None] | None) -> None:
        if earlier is not None:  # a start under way: let it be known first
            await asyncio.wait([earlier])
        world = self._world
        need = await world.store.read(lambda reader: read_need(reader, container))
        process = need.release.manifest.process(container.process) if need else None
        grace_s = process.stop_grace_s if process else 10.0
        while True:
            try:
                await world.engine.stop(container.id, grace_s)
                return
            except EngineUnavailable:
                await asyncio.sleep(_RETRY_S)

    # --- hearing from the engine -------------------------------------------------------------

    async def _take(self, facts: Iterable[Observed]) -> None:
        for fact in facts:
            row = await self._world.store.write(partial(self._record, fact=fact))
            if row is not None:
                self._world.reservations.note(row)
                self._world.bell.observed(row)
                self._world.bell.member((row.environment, row.app))

    def _record(self, tx: Writer, fact: Observed) -> Container | None:
        row = tx.get(Container, fact.id)
        if row is None:
            return None
        release = tx.get(Release, row.environment, row.app, row.release)
        checked = release is not None and check_of(release, row) is not None
        now = self._world.clock.now()
        return self._put(tx, row, observed(row, fact, checked=checked, now=now))

    def _put(self, tx: Writer, before: Container, after: Container) -> Container | None:
        if after == before:
            return None
        stored = tx.put(after)
        if after.state is not before.state:
            tx.record(
                Event(
                    at=self._world.clock.now(),
                    actor="headway",
                    kind=f"container.{after.state.value}",
                    subject=after.id,
                    environment=after.environment,
                    app=after.app,
                    because=after.exit.sentence if after.exit else after.because,
                    data={"label": after.label, "release": after.release, "ports": after.ports},
                )
            )
        return stored

    async def _compare(self, facts: tuple[Observed, ...]) -> None:
        """Bring rows and engine together: after a restart of either side, and at the start."""
        world = self._world
        known = {fact.id: fact for fact in facts}
        rows = await world.store.read(lambda reader: reader.find(Container, retired=False))
        building = await world.store.read(
            lambda reader: {
                build.container for build in reader.find(Build, state=BuildState.RUNNING)
            }
        )
        for row in rows:
            world.reservations.note(row)
            fact = known.get(row.id)
            if fact is not None:
                await self._take((fact,))
            elif not row.is_ended and row.state is not ContainerState.PENDING:
                await self._lose(row)
            self.act(row)
            world.bell.member((row.environment, row.app))
        wanted = {row.id for row in rows if not row.is_ended} | building
        for fact in facts:
            if fact.id not in wanted and fact.state in (
                ObservedState.STARTING,
                ObservedState.RUNNING,
            ):
                _log.warning("stopping a container that nobody asked for", container=fact.id)
                await world.engine.stop(fact.id, 1.0)

    async def _lose(self, row: Container) -> None:
        now = self._world.clock.now()

        def deed(tx: Writer) -> Container | None:
            fresh = tx.get(Container, row.id)
            if fresh is None or fresh.is_ended:
                return None
            if fresh.state is ContainerState.STOPPING:
                gone = Exit(reason="it ended while it was being stopped", at=now)
                return self._put(tx, fresh, lost(fresh, gone.reason, now))
            return self._put(tx, fresh, lost(fresh, "its engine does not know it any more", now))

        stored = await self._world.store.write(deed)
        if stored is not None:
            self._world.reservations.note(stored)
            self._world.bell.observed(stored)
