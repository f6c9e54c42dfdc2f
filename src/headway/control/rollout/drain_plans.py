"""What draining a node would do: the same decisions, over nodes of which one is drained."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

from headway.calculate.node import as_held
from headway.calculate.placement import Fleet
from headway.calculate.rollout.foresee import foresee, foretell
from headway.control.nodes import known, running_builds, within
from headway.control.rollout.planning import giving_way, going_on
from headway.control.rollout.snapshots import member
from headway.control.world import World
from headway.formats.units import counted
from headway.model.container import Container, ContainerKind
from headway.model.ids import NodeId, environment_name
from headway.model.job import Delivery
from headway.model.node import NodeHold, NodeState
from headway.model.plan import Change, Verb
from headway.model.release import Release
from headway.model.route import RouterView
from headway.model.run import Run
from headway.model.snapshot import MemberSnapshot
from headway.model.view.change import PlannedChange
from headway.ports.store import Reader

_HANDED_BACK = {
    Delivery.AT_MOST_ONCE: "one that has not ended then is stopped and lost: it may run once",
    Delivery.AT_LEAST_ONCE: "one that has not ended then is stopped and queued again, and uses "
    "up no retry",
}
_ENDS = frozenset({ContainerKind.ONE_OFF, ContainerKind.RELEASE})


async def plan(world: World, node: str, within_s: float | None = None) -> list[PlannedChange]:
    """Say what would move where, what would be stopped when, and what has nowhere to go.

    Raises:
        NotFound: There is no such node.
        Invalid: The length cannot be.
    """
    identity = known(world, node)
    now = world.clock.now()
    until = now + timedelta(seconds=within(world, within_s))
    view = await world.router.view()
    seen = await world.store.read(lambda reader: _read(world, reader, identity, until, view))
    fleet = world.fleet.copy()
    there = world.roster.node(identity)
    assert there is not None
    fleet.put(as_held(there, NodeHold(node=identity, state=NodeState.DRAINING, at=now)))
    return [
        *_moves(seen.members, fleet, now),
        *seen.ends,
        *_daemons(seen.members, identity, fleet, now),
    ]


class _Seen(NamedTuple):
    members: list[MemberSnapshot]
    """Apps of which something is on the node."""
    ends: list[PlannedChange]
    """What ends there by itself, or at the limit."""


def _read(world: World, reader: Reader, node: NodeId, until: datetime, view: RouterView) -> _Seen:
    rows = [row for row in reader.find(Container, node=node, retired=False) if not row.is_ended]
    keys = sorted({(row.environment, row.app) for row in rows if row.kind is ContainerKind.SERVICE})
    members = [member(world, reader, *key, view) for key in keys]
    ends = [_end(row, until) for row in rows if row.kind in _ENDS]
    runners = [_runner(row) for row in rows if row.kind is ContainerKind.RUNNER]
    builds = [
        PlannedChange(
            app=build.app,
            verb="wait",
            what=f"{build.id} goes on until it ends, and the drain waits",
            because="a build is not moved",
        )
        for build in running_builds(reader, node=node)
    ]
    found = [row for row in members if row is not None]
    return _Seen(found, [*_runs(reader, node, until), *runners, *ends, *builds])


def _moves(members: Iterable[MemberSnapshot], fleet: Fleet, now: datetime) -> list[PlannedChange]:
    """Follow one app after another: each finds only the room that those before it have left."""
    found: list[PlannedChange] = []
    for snapshot in members:
        foresight = foretell(snapshot, now, fleet)
        found += giving_way(snapshot.member.app, foresight, f"{snapshot.environment.name}: ")
        found += [_planned(snapshot, change) for change in foresight.changes]
        found += going_on(snapshot.member.app, foresight, f"{snapshot.environment.name}: ")
        if foresight.pending:
            what = f"{snapshot.environment.name}: what has no room stays, and the drain waits"
            app = snapshot.member.app
            found.append(PlannedChange(app=app, verb="wait", what=what, because=foresight.pending))
    return found


def _daemons(
    members: Iterable[MemberSnapshot], node: NodeId, fleet: Fleet, now: datetime
) -> list[PlannedChange]:
    """Daemons leave when nothing else is there any more."""
    return [
        _planned(snapshot, change)
        for snapshot in members
        for change in foresee(
            msgspec.structs.replace(snapshot, vacated=frozenset({node})), now, fleet
        )
        if isinstance(change.row, Container) and change.row.daemon and change.row.node == node
    ]


def _planned(snapshot: MemberSnapshot, change: Change) -> PlannedChange:
    what = f"{snapshot.environment.name}: {change.what}"
    return PlannedChange(
        app=snapshot.member.app, verb=change.verb.value, what=what, because=change.because
    )


def _runs(reader: Reader, node: NodeId, until: datetime) -> list[PlannedChange]:
    here = Counter(
        (run.environment, run.app, run.job, run.attempt.release)
        for run in reader.find(Run, active=1)
        if run.attempt is not None and run.attempt.node == node
    )
    found: list[PlannedChange] = []
    for (environment, app, name, number), count in sorted(here.items()):
        release = reader.get(Release, environment, app, number)
        job = release.manifest.job(name) if release else None
        delivery = job.delivery if job else Delivery.AT_MOST_ONCE
        what = f"{environment_name(environment)}: {counted(count, 'run')} of {name} may go on"
        found.append(
            PlannedChange(
                app=app,
                verb="hand_back",
                what=f"{what} until {until:%Y-%m-%d %H:%M:%S} UTC",
                because=_HANDED_BACK[delivery],
            )
        )
    return found


def _runner(row: Container) -> PlannedChange:
    return PlannedChange(
        app=row.app,
        verb=Verb.STOP_CONTAINER.value,
        what=f"{environment_name(row.environment)}: stop {row.label} (v{row.release}) "
        "as soon as no run is in it",
        because=f"{row.node} is drained; runs begin on other nodes",
    )


def _end(row: Container, until: datetime) -> PlannedChange:
    return PlannedChange(
        app=row.app,
        verb=Verb.STOP_CONTAINER.value,
        what=f"{environment_name(row.environment)}: stop {row.label} (v{row.release}) "
        f"at {until:%Y-%m-%d %H:%M:%S} UTC",
        because="unless it has ended by itself",
    )
