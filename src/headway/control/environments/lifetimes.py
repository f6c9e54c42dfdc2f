"""The loop over environments: leases end, and what ended is cleared away."""

import asyncio
from contextlib import suppress
from datetime import datetime
from functools import partial

import msgspec

from headway.calculate.lease import plan_lease
from headway.control.rollout.transcribe import transcribe
from headway.control.routing import Routing
from headway.control.runs.dispatch import Dispatch
from headway.control.subjects import event_of
from headway.control.waiting import rung
from headway.control.world import World
from headway.model.config import Config
from headway.model.container import Container
from headway.model.deployment import Deployment
from headway.model.environment import NOT_ENDED, Environment, EnvironmentState, Member
from headway.model.ids import EnvironmentId
from headway.model.queue import QueueHold
from headway.model.run import Run
from headway.model.schedule import ScheduleState
from headway.ports.store import Reader, Stale, Writer


class Lifetimes:
    """Ends environments whose lease ended, and frees the name when nothing is left of them."""

    def __init__(self, world: World, routing: Routing, dispatch: Dispatch) -> None:
        self._world = world
        self._dispatch = dispatch
        self._routing = routing
        self._wake = asyncio.Event()
        world.bell.environment.calls(self._wake.set)

    async def run(self) -> None:
        """Look whenever an environment changed or a lease needs it, for ever."""
        while True:
            self._wake.clear()
            wake_at = await self._beat()
            now = self._world.clock.now()
            await rung(self._wake, wake_at, now)

    async def _beat(self) -> datetime | None:
        world = self._world
        rows = await world.store.read(lambda reader: reader.find(Environment, state=NOT_ENDED))
        times: list[datetime] = []
        for row in rows:
            if row.state is EnvironmentState.ENDING:
                await self._clear(row.id)
                continue
            now = world.clock.now()
            plan = plan_lease(row, now)
            if plan.wake_at is not None:
                times.append(plan.wake_at)
            if plan.changes:
                write = partial(transcribe, changes=plan.changes, settings=world.settings, now=now)
                with suppress(Stale):  # somebody extended it meanwhile: the next look decides
                    await world.store.write(write)
                await self._ring_members(row.id)
                self._wake.set()
        return min(times, default=None)

    async def _ring_members(self, environment: EnvironmentId) -> None:
        members = await self._world.store.read(
            lambda reader: reader.find(Member, environment=environment)
        )
        for member in members:
            self._world.bell.member((environment, member.app))

    async def _clear(self, environment: EnvironmentId) -> None:
        """Delete what an ending environment has, once nothing of it runs."""
        world = self._world
        await self._dispatch.end(environment)
        if not await world.store.read(lambda reader: is_quiet(reader, environment)):
            await self._ring_members(environment)
            return
        if self._routing.leads_to(environment):  # it rings when it does not any more
            return
        await world.engine.remove_volumes(environment)
        await world.store.write(lambda tx: self._end(tx, environment))
        world.bell.build(None)

    def _end(self, tx: Writer, environment: EnvironmentId) -> None:
        row = tx.get(Environment, environment)
        if row is None or row.state is not EnvironmentState.ENDING:
            return
        if not is_quiet(tx, environment):
            return
        now = self._world.clock.now()
        for member in tx.find(Member, environment=environment):
            tx.delete(Member, environment, member.app)
            self._world.bell.member((environment, member.app))
        for config in tx.find(Config, environment=environment):
            tx.delete(Config, environment, config.app)
        for schedule in tx.find(ScheduleState, environment=environment):
            tx.delete(ScheduleState, environment, schedule.app, schedule.name)
        for hold in tx.find(QueueHold, environment=environment):
            tx.delete(QueueHold, environment, hold.app, hold.name)
        for container in tx.find(Container, environment=environment, retired=False):
            tx.put(msgspec.structs.replace(container, retired=True))
        tx.put(msgspec.structs.replace(row, state=EnvironmentState.ENDED, ended_at=now))
        tx.record(event_of(row, "environment.ended", now, row.because))


def is_quiet(reader: Reader, environment: EnvironmentId) -> bool:
    """Say whether nothing of an environment runs or is under way."""
    containers = reader.find(Container, environment=environment, retired=False)
    deployments = reader.find(Deployment, environment=environment, is_ended=False)
    runs = reader.find(Run, open_in=environment, limit=1)
    return not deployments and not runs and all(row.is_ended for row in containers)
