"""Answers what a command would do, by doing it in a transaction that is then undone."""

from collections.abc import Callable, Collection, Iterable

import msgspec

from headway.calculate.rollout.foresee import Foresight, Manifests, foretell
from headway.control.rollout.ports_asked import PortsAsked
from headway.control.rollout.snapshots import member, to_build
from headway.control.world import World
from headway.model.container import Container
from headway.model.deployment import Phase
from headway.model.ids import AppName, DeploymentId, MemberKey
from headway.model.plan import Change, MachinePort, Verb
from headway.model.preempting import Preempting, named
from headway.model.snapshot import MemberSnapshot, Reserved
from headway.model.view.change import Obstacle, PlannedChange, Started
from headway.ports.store import Writer


class _Undone(Exception):
    """Carries what was read out of a transaction that must not be kept."""

    def __init__(self, started: Started, seen: list[tuple[MemberSnapshot, Manifests]]) -> None:
        super().__init__("planned only")
        self.started = started
        self.seen = seen


async def planned(
    world: World,
    deed: Callable[[Writer], Started],
    touched: Callable[[Started], Iterable[MemberKey]],
) -> Started:
    """Do a deed, follow the decisions it leads to, undo all of it, and give the list."""

    def rehearse(tx: Writer) -> None:
        started = deed(tx)
        seen: list[tuple[MemberSnapshot, Manifests]] = []
        for key in dict.fromkeys(touched(started)):
            snapshot = member(world, tx, *key)
            if snapshot is None:
                continue
            seen.append((snapshot, to_build(tx, snapshot.deployments)))
        raise _Undone(started, seen)

    try:
        await world.store.write(rehearse)
    except _Undone as undone:
        return await _answered(world, undone)
    raise AssertionError("a rehearsal must not be kept")


async def _answered(world: World, undone: _Undone) -> Started:
    """Follow the decisions, and anew once nodes were asked who has the ports they count on."""
    asking = PortsAsked(world)
    while True:
        with world.fleet.trial():
            answer, ports = _answer(world, undone)
        if not await asking.about(ports):
            return answer


def _answer(world: World, undone: _Undone) -> tuple[Started, list[MachinePort]]:
    now = world.clock.now()
    changes: list[PlannedChange] = []
    ports: list[MachinePort] = []
    obstacles: list[Obstacle] = []
    asked = {row.id for row in undone.started.deployments}
    cpu, memory_mib = 0.0, 0
    for snapshot, manifests in undone.seen:
        foresight = foretell(snapshot, now, world.fleet, manifests)
        ports += foresight.ports
        obstacles += _obstacles(snapshot.member.app, foresight, asked)
        changes += giving_way(snapshot.member.app, foresight)
        for change in foresight.changes:
            changes.append(
                PlannedChange(
                    app=snapshot.member.app,
                    verb=change.verb.value,
                    what=change.what,
                    because=change.because,
                )
            )
            sign = _sign(change)
            if isinstance(change.row, Container) and sign:
                cpu += sign * change.row.resources.cpu
                memory_mib += sign * change.row.resources.memory_mib
        changes += going_on(snapshot.member.app, foresight)
    started = msgspec.structs.replace(
        undone.started,
        deployments=(),  # there are none, and never will be by these ids
        plan=tuple(changes),
        obstacles=tuple(obstacles),
        reserves=Reserved(cpu=round(cpu, 6), memory_mib=memory_mib),
    )
    return started, ports


def _obstacles(
    app: AppName, foresight: Foresight, asked: Collection[DeploymentId]
) -> Iterable[Obstacle]:
    """Tell why what was asked for would end badly, else what of it would wait for ever."""
    failing = [row for row in foresight.failing if row.id in asked]
    for row in failing:
        what = "would be set back" if row.phase is Phase.ROLLED_BACK else "would fail"
        because = row.failure.because if row.failure else ""
        yield Obstacle(app=app, what=what, because=because)
    if foresight.pending and not failing:
        yield Obstacle(app=app, what="would wait", because=foresight.pending)


def giving_way(app: AppName, foresight: Foresight, prefix: str = "") -> list[PlannedChange]:
    """List whose place would be taken."""
    return [
        PlannedChange(app=app, verb="preempt", what=f"{prefix}{what}", because=found.because)
        for found in foresight.preempting
        for what in _givings(found)
    ]


def going_on(app: AppName, foresight: Foresight, prefix: str = "") -> list[PlannedChange]:
    """Say that what is listed of an app is not all, where it is not."""
    because = "of so many copies only the first steps are foreseen"
    what = f"{prefix}go on in the same way"
    row = PlannedChange(app=app, verb="go_on", what=what, because=because)
    return [row] if foresight.is_cut else []


def _givings(found: Preempting) -> Iterable[str]:
    moving = tuple(one for one in found.containers if one in found.moving)
    leaving = tuple(one for one in found.containers if one not in found.moving)
    if found.runs:
        yield f"end {named(found.runs)}, which start again later"
    if moving:
        yield f"move {named(moving)} off {found.node}, behind copies on other nodes"
    if leaving:
        yield f"stop {named(leaving)}, to be back as soon as there is room"


def _sign(change: Change) -> int:
    return {Verb.START_CONTAINER: 1, Verb.STOP_CONTAINER: -1}.get(change.verb, 0)


def members_of(started: Started) -> list[MemberKey]:
    """Name the members that deployments were made for."""
    return [(row.environment, row.app) for row in started.deployments]


def ring(world: World, started: Started) -> None:
    """Have everything looked at that a command touched."""
    for key in members_of(started):
        world.bell.member(key)
    world.bell.build(None)
    world.bell.environment()
