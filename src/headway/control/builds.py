"""The loop over builds: a bounded number at a time, each recorded when it ends."""

import asyncio
from datetime import datetime
from functools import partial

import msgspec

from headway.calculate.demand import of_build
from headway.calculate.paging import page_of
from headway.control.errors import NotFound
from headway.control.guard import trouble
from headway.control.world import World
from headway.model.app import App, Source
from headway.model.build import Artifact, Build, BuildState
from headway.model.deployment import Deployment
from headway.model.event import Event
from headway.model.failure import Failure
from headway.model.ids import BuildId, ContainerId, NodeId
from headway.model.view.build import BuildView
from headway.model.view.page import Page
from headway.ports.store import Reader, Writer


class Builds:
    """Builds what is queued, oldest first, and takes up what a crash left running."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._tasks: dict[BuildId, asyncio.Task[None]] = {}
        self._doubted: set[BuildId] = set()
        """Those that a deployment has just let go of."""
        self._wake = asyncio.Event()
        world.bell.build.calls(self._ring)
        world.bell.node.calls(self._wake.set)

    async def run(self) -> None:
        """Start builds as there is room, for ever."""
        self._doubted |= await self._world.store.read(_open)
        self._wake.set()
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self._cancel_unwanted()
            await self._give_up_lost()
            await self._fill()

    def _ring(self, left: BuildId | None) -> None:
        if left is not None:
            self._doubted.add(left)
        self._wake.set()

    async def close(self) -> None:
        """Let go of running builds: they are taken up again at the next start."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _fill(self) -> None:
        room = self._world.settings.builds_parallel - len(self._tasks)
        if room <= 0:
            return
        most = room + len(self._tasks)
        rows = await self._world.store.read(partial(_oldest, most=most))
        takes = self._node() is not None  # otherwise the bell of nodes is waited for
        if rows and not takes:
            self._world.bell.pool()
        waiting = [
            build
            for build in rows
            if build.id not in self._tasks and (takes or build.state is BuildState.RUNNING)
        ]
        for build in waiting[:room]:
            task = asyncio.create_task(self._build(build), name=f"build {build.id}")
            self._tasks[build.id] = task
            task.add_done_callback(partial(self._done, build.id))

    def _done(self, build: BuildId, task: asyncio.Task[None]) -> None:
        self._tasks.pop(build, None)
        self._wake.set()
        if not task.cancelled() and isinstance(error := task.exception(), Exception):
            trouble(self._world, f"build {build}", error)

    def _node(self) -> NodeId | None:
        """Choose where a build runs: where least is reserved, of the nodes that take anything."""
        fleet = self._world.fleet
        nodes = fleet.eligible(of_build(), self._world.clock.now())
        return min(nodes, key=lambda node: (fleet.reserved(node).cpu, node), default=None)

    async def _give_up_lost(self) -> None:
        """End builds whose node was silent for too long: nobody will say how they end."""
        lost = self._world.roster.lost
        if not lost:
            return
        running = await self._world.store.read(
            lambda reader: reader.find(Build, state=BuildState.RUNNING)
        )
        for build in running:
            if build.node in lost:
                await self._cancel(build.id)
                because = f"{build.node} was lost while it was built there"
                nexts = (f"headway deploy -a {build.app}",)
                failure = Failure(code="build-lost", because=because, next=nexts)
                await self._record(build.id, failure, BuildState.FAILED)

    async def _cancel(self, build: BuildId) -> None:
        task = self._tasks.get(build)
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _cancel_unwanted(self) -> None:
        while self._doubted:
            identity = self._doubted.pop()
            if await self._world.store.read(partial(_is_wanted, identity=identity)):
                continue
            await self._cancel(identity)
            failure = Failure(code="build-cancelled", because="no deployment needs it any more")
            await self._record(identity, failure, BuildState.CANCELLED)

    async def _build(self, build: Build) -> None:
        world = self._world
        source = await world.store.read(lambda reader: reader.get(Source, build.source))
        if source is None:
            await self._record(build.id, Failure(because="its source is gone"), BuildState.FAILED)
            return
        node = self._node()
        running = await world.store.write(lambda tx: self._started(tx, build.id, node))
        if running.state is BuildState.QUEUED:  # no node takes it after all
            return
        result = await world.builder.build(running, source.manifest)
        state = BuildState.SUCCEEDED if isinstance(result, Artifact) else BuildState.FAILED
        await self._record(build.id, result, state)

    def _started(self, tx: Writer, identity: BuildId, node: NodeId | None) -> Build:
        build = tx.get(Build, identity)
        assert build is not None
        if build.state is not BuildState.QUEUED or node is None:
            return build
        now = self._world.clock.now()
        container = ContainerId(f"build-{identity}")
        row = msgspec.structs.replace(
            build, state=BuildState.RUNNING, started_at=now, container=container, node=node
        )
        tx.record(_event(row, now, "build.started", "its turn has come"))
        return tx.put(row)

    async def _record(
        self, identity: BuildId, result: Artifact | Failure, state: BuildState
    ) -> None:
        now = self._world.clock.now()

        def deed(tx: Writer) -> list[Deployment]:
            build = tx.get(Build, identity)
            if build is None or build.state not in (BuildState.QUEUED, BuildState.RUNNING):
                return []
            row = msgspec.structs.replace(
                build,
                state=state,
                ended_at=now,
                artifact=result if isinstance(result, Artifact) else None,
                failure=result if isinstance(result, Failure) else None,
            )
            because = result.because if isinstance(result, Failure) else "built"
            tx.record(_event(row, now, f"build.{state.value}", because))
            tx.put(row)
            return waiting_for(tx, row)

        for deployment in await self._world.store.write(deed):
            self._world.bell.member((deployment.environment, deployment.app))
        if self._world.roster.holds:  # a node that is drained may be empty now
            self._world.bell.node()


_STATES = (BuildState.RUNNING, BuildState.QUEUED)


def _open(reader: Reader) -> set[BuildId]:
    return {row.id for state in _STATES for row in reader.find(Build, state=state)}


def _oldest(reader: Reader, *, most: int) -> list[Build]:
    """Give builds that have not ended, begun ones first, at most so many of each state."""
    return [row for state in _STATES for row in reader.find(Build, state=state, limit=most)]


def _is_wanted(reader: Reader, *, identity: BuildId) -> bool:
    """Say whether a build has ended, or is still needed."""
    row = reader.get(Build, identity)
    return row is None or row.state not in _STATES or bool(waiting_for(reader, row))


def waiting_for(reader: Reader, build: Build) -> list[Deployment]:
    """List the deployments that wait for a build."""
    active = reader.find(Deployment, app=build.app, is_ended=False)
    return [row for row in active if row.build == build.id]


async def listing(
    world: World, app: str | None = None, limit: int = 50, before: str | None = None
) -> Page:
    """List builds, newest first: of an app, or of all.

    Raises:
        NotFound: There never was such an app.
    """

    def question(reader: Reader) -> Page:
        fields = {} if app is None else {"app": app}
        rows = reader.find(Build, newest_first=True, limit=limit + 1, before=before, **fields)
        if app is not None and not rows and reader.get(App, app) is None:
            raise NotFound("app-unknown", f"there is no app {app}", next=("headway apps ls",))
        sources = reader.get_all(Source, {row.source for row in rows})
        views = [_view(row, sources.get(row.source)) for row in rows]
        return page_of(views, limit, lambda view: view.build.id)

    return await world.store.read(question)


def _view(build: Build, source: Source | None) -> BuildView:
    if source is None:
        return BuildView(build=build)
    return BuildView(build=build, commit=source.commit, branch=source.branch, dirty=source.dirty)


async def one(world: World, identity: str) -> Build:
    """Give a build.

    Raises:
        NotFound: There is none with this id.
    """
    build = await world.store.read(lambda reader: reader.get(Build, identity))
    if build is None:
        because = f"there is no build {identity}"
        raise NotFound("build-unknown", because, next=("headway builds ls",))
    return build


def _event(build: Build, now: datetime, kind: str, because: str) -> Event:
    return Event(
        at=now,
        actor="headway",
        kind=kind,
        subject=build.id,
        app=build.app,
        because=because,
        data={"source": build.source},
    )
