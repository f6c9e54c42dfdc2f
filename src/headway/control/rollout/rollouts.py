"""The loop over apps in environments: read, calculate, update."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import msgspec

from headway.calculate.rollout.check import check_of
from headway.calculate.rollout.explain import likely_causes
from headway.calculate.rollout.member import plan_member
from headway.calculate.route import member_routes
from headway.control.fleet import Fleet
from headway.control.guard import trouble
from headway.control.prober import Prober
from headway.control.rollout.due import Due
from headway.control.rollout.ports_asked import Patience, PortsAsked
from headway.control.rollout.snapshots import read_member
from headway.control.rollout.transcribe import transcribe
from headway.control.routing import Routing
from headway.control.waiting import rung
from headway.control.world import Outlook, World, whom_of
from headway.model.container import Container, ContainerState
from headway.model.demand import Demand
from headway.model.deployment import Deployment, Phase
from headway.model.environment import EnvironmentState
from headway.model.failure import Failure
from headway.model.ids import ContainerId, EnvironmentId, MemberKey
from headway.model.plan import Change, Plan, Verb
from headway.model.preempting import Offer, Preempting
from headway.model.snapshot import MemberSnapshot
from headway.ports.engine import EngineError
from headway.ports.store import Stale

_LOG_LINES = 20
_RETRY_S = 1.0
_DRAIN_LOOK_S = 0.2
"""Between two looks at how many requests a draining container still has."""


class Rollouts:
    """Decides for one app in one environment at a time, when something about it changed."""

    def __init__(
        self,
        world: World,
        fleet: Fleet,
        prober: Prober,
        routing: Routing,
        preempt: Callable[[MemberKey, tuple[Preempting, ...]], Awaitable[None]],
    ) -> None:
        self._world = world
        self._preempt = preempt
        self._fleet = fleet
        self._prober = prober
        self._routing = routing
        self._dirty: dict[MemberKey, None] = {}
        self._waiting: dict[EnvironmentId, dict[MemberKey, None]] = {}
        """Apps that wait for what they depend on, or behind another deployment."""
        self._patience: dict[MemberKey, Patience] = {}
        self._due = Due()
        self._wake = asyncio.Event()
        world.bell.member.calls(self.ring)

    def ring(self, key: MemberKey) -> None:
        """Look at this app soon."""
        self._dirty[key] = None
        self._wake.set()

    async def run(self) -> None:
        """Decide whenever something changed or a time has come, for ever."""
        while True:
            key = await self._next()
            try:
                await self._beat(key)
                self._world.troubles.pop(f"rollouts {key[0]}/{key[1]}", None)
            except Stale:
                self.ring(key)
            except Exception as error:  # noqa: BLE001 (one app's trouble must not stop the others)
                trouble(self._world, f"rollouts {key[0]}/{key[1]}", error)
                self._routing.give_up(key)
                self._due.set(key, self._world.clock.now() + timedelta(seconds=_RETRY_S))

    async def _next(self) -> MemberKey:
        while True:
            now = self._world.clock.now()
            for key in self._due.take(now):
                self._dirty.setdefault(key)
            if self._dirty:
                key = next(iter(self._dirty))
                del self._dirty[key]
                return key
            self._wake.clear()
            await rung(self._wake, self._due.next_at, now)

    async def _beat(self, key: MemberKey) -> None:
        world = self._world
        snapshot = await read_member(world, *key)
        self._note_waiting(key, snapshot)
        if snapshot is None:
            self._forget(key)
            return
        plan, now = await self._decided(snapshot)
        world.pending[key] = plan.pending
        self._note_lacks(key, plan.lacks, now)
        if plan.changes:
            await self._update(key, plan, now)
            self._offer(key, plan.offers)
            self._world.bell.member(key)
            return
        if self._offer(key, plan.offers):
            self._world.bell.member(key)  # others may have waited for that
        if plan.preempting:
            await self._preempt(key, plan.preempting)
        self._settle(key, snapshot)
        self._look_again(key, plan, snapshot, now)

    async def _decided(self, snapshot: MemberSnapshot) -> tuple[Plan, datetime]:
        """Decide, and anew once nodes were asked who has the ports that were counted on."""
        world = self._world
        asking = PortsAsked(world, self._patience_of(snapshot))
        while True:
            now = world.clock.now()
            plan = plan_member(snapshot, now, world.fleet)
            if not await asking.about(plan.ports):
                return plan, now

    def _patience_of(self, snapshot: MemberSnapshot) -> Patience:
        """Give that with which an app waits for ports; each deployment asks at once at first."""
        member = snapshot.member
        key = (member.environment, member.app)
        of = max((row.number for row in snapshot.deployments), default=None)
        known = self._patience.get(key)
        if known is None or known.of != of:
            known = self._patience[key] = Patience(of)
        return known

    def _offer(self, key: MemberKey, offers: tuple[Offer, ...]) -> bool:
        """Tell whose place may be taken; says whether that is news."""
        return self._world.fleet.yielding.offer(whom_of(key), offers)

    def _note_lacks(self, key: MemberKey, lacks: tuple[Demand, ...], now: datetime) -> None:
        """Tell the pools what fits nowhere, and since when."""
        lacking, outlooks = self._world.lacking, self._world.outlooks
        known = lacking.get(key)
        if not lacks:
            lacking.pop(key, None)
            outlooks.pop(whom_of(key), None)
        elif known is None or known[1] != lacks:
            lacking[key] = (known[0] if known else now, lacks)
            if known is None and self._world.provider is not None:
                because = "its pool is asked for a node"
                outlooks[whom_of(key)] = Outlook(comes=True, because=because)
            self._world.bell.pool()

    async def _update(self, key: MemberKey, plan: Plan, now: datetime) -> None:
        """Write the plan down; then the world follows the rows."""
        world = self._world
        starting = [change.row for change in plan.changes if change.verb is Verb.START_CONTAINER]
        containers = [row for row in starting if isinstance(row, Container)]
        for container in containers:  # at once, so that nobody else is placed there meanwhile
            world.note(container)
        try:
            changes = tuple([await self._with_log(change) for change in plan.changes])
            rows = await world.store.write(lambda tx: transcribe(tx, changes, world.settings, now))
        except BaseException:
            for container in containers:
                world.give_up(container)
            raise
        for row in rows:
            if isinstance(row, Container):
                world.note(row)
                self._fleet.act(row)
            elif isinstance(row, Deployment) and row.is_ended:
                self._ring_dependents(key)
                world.bell.build(row.build)

    async def _with_log(self, change: Change) -> Change:
        """Add the last log lines to a failure, before its container is forgotten."""
        row = change.row
        if not isinstance(row, Deployment) or row.failure is None or row.failure.log:
            return change
        if row.failure.container is None:
            return change
        lines = await self._tail(ContainerId(row.failure.container))
        hints = tuple(dict.fromkeys((*row.failure.hints, *likely_causes(lines))))
        failure: Failure = msgspec.structs.replace(row.failure, log=lines, hints=hints)
        return msgspec.structs.replace(change, row=msgspec.structs.replace(row, failure=failure))

    async def _tail(self, container: ContainerId) -> tuple[str, ...]:
        try:
            return tuple(
                [line.text async for line in self._world.engine.logs(container, tail=_LOG_LINES)]
            )
        except EngineError as error:
            return (f"(its log could not be read: {error})",)

    def _ring_dependents(self, key: MemberKey) -> None:
        """Wake every app of the environment that waits: one of its dependencies changed."""
        for other in self._waiting.get(key[0], ()):
            self._world.bell.member(other)

    def _note_waiting(self, key: MemberKey, snapshot: MemberSnapshot | None) -> None:
        """Note whether an app waits for others; each is looked at once headway has begun."""
        phases = {row.phase for row in snapshot.deployments} if snapshot else set()
        waiting = self._waiting.setdefault(key[0], {})
        if phases & {Phase.WAITING, Phase.QUEUED}:
            waiting[key] = None
        else:
            waiting.pop(key, None)
        if not waiting:
            del self._waiting[key[0]]

    def _settle(self, key: MemberKey, snapshot: MemberSnapshot) -> None:
        """Nothing is to be decided: routes and probes follow what is."""
        routes = member_routes(
            snapshot.environment, snapshot.member, snapshot.releases, snapshot.containers
        )
        self._routing.update(key, routes)
        checks = []
        for container in snapshot.containers:
            release = snapshot.releases.get(container.release)
            check = check_of(release, container) if release else None
            if check is not None and release is not None:
                checks.append((container, check))
        self._prober.watch(key, checks)
        if snapshot.environment.state is not EnvironmentState.ACTIVE and all(
            row.is_ended for row in snapshot.containers
        ):
            self._world.bell.environment()

    def _look_again(
        self, key: MemberKey, plan: Plan, snapshot: MemberSnapshot, now: datetime
    ) -> None:
        times = [plan.wake_at] if plan.wake_at else []
        if any(row.state is ContainerState.DRAINING for row in snapshot.containers):
            times.append(now + timedelta(seconds=_DRAIN_LOOK_S))
        if plan.pending:
            times.append(now + timedelta(seconds=_RETRY_S))
        self._due.set(key, min(times, default=None))

    def _forget(self, key: MemberKey) -> None:
        self._world.pending.pop(key, None)
        self._patience.pop(key, None)
        self._due.set(key, None)
        self._note_lacks(key, (), self._world.clock.now())
        self._offer(key, ())
        self._routing.update(key, None)
        self._prober.watch(key, [])
