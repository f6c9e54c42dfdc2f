"""Carries out what containers' rows ask for, and records what their engine says."""

import asyncio
from collections.abc import Coroutine, Iterable
from contextlib import suppress
from functools import partial
from typing import Any

import msgspec

from headway.calculate.rollout.check import check_of
from headway.calculate.rollout.container import lost, observed
from headway.control.guard import trouble
from headway.control.last_words import LINES, last_words
from headway.control.orders import make_order, read_need
from headway.control.subjects import event_of
from headway.control.world import World
from headway.machine.own_log import Log
from headway.model.build import Build, BuildState
from headway.model.container import Container, ContainerState, Exit
from headway.model.ids import ContainerId
from headway.model.node import Node, NodeState
from headway.model.order import Observed, ObservedState
from headway.model.release import Release
from headway.ports.engine import EngineError, EngineUnavailable
from headway.ports.store import Writer

_log = Log()
_RETRY_S = 0.5
_COMMAND_NOT_RUN = 126


class Fleet:
    """Starts what is pending, stops what is stopping, and follows the engine."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._tasks: dict[ContainerId, asyncio.Task[None]] = {}
        self._doubts: dict[asyncio.Task[None], None] = {}
        self._room = asyncio.Semaphore(world.settings.starts_parallel)
        world.bell.container.calls(self.act)

    def act(self, container: Container) -> None:
        """Do what a row asks for, in the background; once for each state."""
        if container.state is ContainerState.PENDING:
            self._do(container.id, self._start(container))
        elif container.state is ContainerState.STOPPING:
            earlier = self._tasks.pop(container.id, None)
            self._do(container.id, self._stop(container, earlier))
        elif container.is_ended and container.id in self._tasks:
            self._tasks.pop(container.id).cancel()  # it was given up: nothing is to be asked

    async def close(self) -> None:
        """Let go of what is under way: it is taken up again at the next start."""
        tasks = [*self._tasks.values(), *self._doubts]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def run(self) -> None:
        """Follow the engine for ever: all that each node has, first, then every change."""
        while True:
            try:
                await self._open()
                async for heard in self._world.engine.observe():
                    if heard.node is not None:
                        await self._listed(heard.node, heard.facts)
                    else:
                        await self._take(heard.facts)
                    self._world.troubles.pop("engine", None)
            except EngineUnavailable as error:
                trouble(self._world, "engine", error)
            finally:
                self._world.roster.is_told = False
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
            if world.roster.is_told and world.roster.node(container.node) is None:
                await self._lose(container, f"there is no node {container.node} any more")
                return
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
            told = await self._with_last_line(fact)
            row = await self._world.store.write(partial(self._record, fact=told))
            if row is not None:
                self._world.note(row)
                self._world.bell.observed(row)
                self._world.bell.member((row.environment, row.app))

    async def _with_last_line(self, fact: Observed) -> Observed:
        """Add what a container wrote last to how it ended, where that is news and was its doing."""
        end, world = fact.exit, self._world
        if end is None or end.told or fact.id not in world.copies:
            return fact
        log = world.engine.logs(fact.id, tail=LINES)
        end = msgspec.structs.replace(end, wrote=await last_words(world, fact.node, log))
        return msgspec.structs.replace(fact, exit=end)

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
            now, kind = self._world.clock.now(), f"container.{after.state.value}"
            because = after.exit.account if after.exit else after.because
            tx.record(event_of(after, kind, now, because, ports=after.ports))
        return stored

    async def _open(self) -> None:
        """Take up all nodes and rows; rows on nodes that there are no more are lost."""
        world = self._world
        nodes = await world.engine.nodes()
        there = {node.id for node in nodes}
        for node in world.nodes:
            if node.id not in there:  # it went while nobody heard of it, and takes nothing more
                world.roster.gone(node.id)
        rows = await world.store.read(lambda reader: reader.find(Container, retired=False))
        self._note(rows)  # before anybody hears of a node, and places something there
        now = world.clock.now()
        for node in nodes:
            world.roster.heard(node, now)
        world.roster.is_told = True
        world.bell.node()
        for row in rows:
            if row.node not in there and not row.is_ended:
                await self._lose(row, f"there is no node {row.node} any more")

    def _note(self, rows: Iterable[Container]) -> None:
        """Count what rows hold of their nodes."""
        for row in rows:
            self._world.note(row)

    async def _listed(self, node: Node, facts: tuple[Observed, ...]) -> None:
        """Take over how a node is, and bring its rows and it together when it answers."""
        world = self._world
        is_news = world.roster.heard(node, world.clock.now())
        if node.state is not NodeState.LOST:
            await self._compare(node, facts)
        if is_news:
            world.bell.node()

    async def _compare(self, node: Node, facts: tuple[Observed, ...]) -> None:
        """Bring rows and a node together: after a restart of either side, and when it is back."""
        world = self._world
        known = {fact.id: fact for fact in facts}
        rows, building = await world.store.read(
            lambda reader: (
                reader.find(Container, node=node.id, retired=False),
                {build.container for build in reader.find(Build, state=BuildState.RUNNING)},
            )
        )
        self._note(rows)  # before any of them becomes another meanwhile
        for row in rows:
            fact = known.get(row.id)
            if fact is not None:
                await self._take((fact,))
            elif not row.is_ended and row.state is not ContainerState.PENDING:
                self._doubt(row)
            self.act(row)
            world.bell.member((row.environment, row.app))
        wanted = {row.id for row in rows if not row.is_ended} | building
        for fact in facts:
            if fact.id not in wanted and fact.state in (
                ObservedState.STARTING,
                ObservedState.RUNNING,
            ):
                _log.warning("stopping a container that nobody asked for", container=fact.id)
                with suppress(EngineUnavailable):  # gone again: it is asked when it is back
                    await world.engine.stop(fact.id, 1.0)

    def _doubt(self, row: Container) -> None:
        """Find out about a container that a listing lacks.

        A listing takes a while to come: what was started meanwhile is not in it, and is not lost.
        """
        task = asyncio.create_task(self._find_out(row), name=f"doubt {row.id}")
        self._doubts[task] = None
        task.add_done_callback(lambda done: self._doubts.pop(done, None))

    async def _find_out(self, row: Container) -> None:
        world = self._world
        while not row.is_ended:
            await asyncio.sleep(_RETRY_S)  # what has happened since is told meanwhile
            fresh = await world.store.read(lambda reader: reader.get(Container, row.id))
            if fresh is None or fresh.is_ended:
                return
            try:
                usage = await world.engine.usage(row.id)
            except EngineUnavailable:
                continue
            if usage is None:
                await self._lose(fresh, "its engine does not know it any more")
            return

    async def _lose(self, row: Container, because: str) -> None:
        now = self._world.clock.now()

        def deed(tx: Writer) -> Container | None:
            fresh = tx.get(Container, row.id)
            if fresh is None or fresh.is_ended:
                return None
            if fresh.state is ContainerState.STOPPING:
                gone = Exit(reason="it ended while it was being stopped", at=now)
                return self._put(tx, fresh, lost(fresh, gone.reason, now))
            return self._put(tx, fresh, lost(fresh, because, now))

        stored = await self._world.store.write(deed)
        if stored is not None:
            self._world.note(stored)
            self._world.bell.observed(stored)
            self._world.bell.member((stored.environment, stored.app))
