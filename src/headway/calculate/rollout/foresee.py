"""What would happen if all went well: the same decisions over a world that obeys at once."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

from headway.calculate.demand import of_container
from headway.calculate.placement import Fleet, give_way
from headway.calculate.rollout.member import plan_member
from headway.model.build import Artifact, Build, BuildState
from headway.model.container import Container, ContainerState, Exit
from headway.model.deployment import Ask, Deployment, DeploymentKind, Phase, advanced
from headway.model.environment import Environment, Member
from headway.model.ids import ContainerId, Digest
from headway.model.manifest import Manifest
from headway.model.plan import Change, MachinePort, Verb
from headway.model.preempting import Preempting
from headway.model.release import Release
from headway.model.route import RouterView
from headway.model.snapshot import MemberSnapshot

_STEPS, _STEPS_A_COPY = 200, 3
"""So many steps are foreseen; more where there are copies that may each be replaced by itself."""
_LOOKS = 200_000
"""Each step looks at each copy: beyond so many looks, about a second, no step is foreseen."""
Manifests = Mapping[Digest, Manifest]
_NONE: Manifests = {}
_NOTABLE = frozenset(
    {
        Verb.START_CONTAINER,
        Verb.DRAIN_CONTAINER,
        Verb.STOP_CONTAINER,
        Verb.SHARE_TRAFFIC,
        Verb.SET_MEMBER,
        Verb.CREATE_RELEASE,
        Verb.ADVANCE_DEPLOYMENT,
    }
)


def foresee(
    snapshot: MemberSnapshot, now: datetime, fleet: Fleet, manifests: Manifests = _NONE
) -> tuple[Change, ...]:
    """List every change to one app until nothing more would change, if all goes well.

    As `foretell`, for who does not ask what cannot be done.
    """
    return foretell(snapshot, now, fleet, manifests).changes


class Foresight(NamedTuple):
    """What would happen to one app."""

    changes: tuple[Change, ...]
    pending: str
    """Why something wanted could not be done in the end; empty when all could."""
    preempting: tuple[Preempting, ...] = ()
    """What would give way."""
    ports: tuple[MachinePort, ...] = ()
    """What it would count on, as a plan does."""
    is_cut: bool = False
    """Whether it would go on beyond what is listed."""

    @property
    def failing(self) -> tuple[Deployment, ...]:
        """Deployments that would end with a failure, though all that starts is well."""
        rows = (change.row for change in self.changes)
        return tuple(
            row for row in rows if isinstance(row, Deployment) and row.is_ended and row.failure
        )


def foretell(
    snapshot: MemberSnapshot, now: datetime, fleet: Fleet, manifests: Manifests = _NONE
) -> Foresight:
    """List every change to one app until nothing more would change, if all goes well.

    Where very many copies are replaced one by one only the first steps are listed.

    Args:
        snapshot: The app as it is, with what was asked for already in it.
        now: Aware UTC instant.
        fleet: What is placed where. What would run holds its part of it when this returns, so
            that the next app's plan sees it: ask within `fleet.trial()`.
        manifests: Of the sources that deployments are to build, whose releases do not exist yet.
    """
    changes: list[Change] = []
    preempting: list[Preempting] = []
    ports: dict[MachinePort, None] = {}
    pending = ""
    snapshot = msgspec.structs.replace(snapshot, dependencies={})
    step, is_cut = 0, False
    while step < (most := _steps_max(len(snapshot.containers))):
        step += 1
        plan = plan_member(snapshot, now, fleet)
        pending = plan.pending
        ports |= dict.fromkeys(plan.ports)
        changes += [_told(row, snapshot) for row in plan.changes if row.verb in _NOTABLE]
        after = _obeyed(snapshot, plan.changes, now, manifests)
        _hold(fleet, after)
        preempting += plan.preempting
        for found in plan.preempting:
            give_way(fleet, found, now)
            after = _without(after, found, now)
        if plan.changes or plan.preempting or after.build != snapshot.build:
            snapshot = after
            now += timedelta(milliseconds=1)
        elif plan.wake_at is not None and _is_busy(after):
            snapshot, now = after, max(plan.wake_at, now + timedelta(milliseconds=1))
        else:
            break
    else:
        is_cut = most < _steps_wanted(len(snapshot.containers))
    return Foresight(tuple(changes), pending, tuple(preempting), tuple(ports), is_cut)


def _steps_max(copies: int) -> int:
    return max(_STEPS, min(_steps_wanted(copies), _LOOKS // max(1, copies)))


def _steps_wanted(copies: int) -> int:
    return _STEPS + _STEPS_A_COPY * copies


def _hold(fleet: Fleet, snapshot: MemberSnapshot) -> None:
    for row in snapshot.containers:
        if row.is_ended:
            fleet.free(row.id)
        elif fleet.holds(row.id) is None:
            fleet.hold(row.id, row.node, of_container(row))


def _without(snapshot: MemberSnapshot, found: Preempting, now: datetime) -> MemberSnapshot:
    """Have copies of the app itself gone that give way to others of it."""
    rows = tuple(
        msgspec.structs.replace(
            row,
            state=ContainerState.EXITED,
            exit=Exit(status=0, at=now, told=True),
            preempted=found.because,
        )
        if row.id in found.containers
        else row
        for row in snapshot.containers
    )
    return msgspec.structs.replace(snapshot, containers=rows)


def _is_busy(snapshot: MemberSnapshot) -> bool:
    return any(not row.is_ended for row in snapshot.deployments) or any(
        row.state is ContainerState.DRAINING for row in snapshot.containers
    )


def _obeyed(
    snapshot: MemberSnapshot,
    changes: tuple[Change, ...],
    now: datetime,
    manifests: Manifests,
) -> MemberSnapshot:
    environment: Environment = snapshot.environment
    member: Member = snapshot.member
    releases = dict(snapshot.releases)
    deployments = {row.id: row for row in snapshot.deployments}
    containers = {row.id: row for row in snapshot.containers}
    for change in changes:
        row = change.row
        if isinstance(row, Environment):
            environment = row
        elif isinstance(row, Member):
            member = row
        elif isinstance(row, Deployment):
            if change.verb is Verb.CREATE_RELEASE:
                row = _released(row, manifests, member, releases, now)
            deployments[row.id] = row
        else:
            containers[row.id] = row
    rows = {key: _container(row, now) for key, row in containers.items() if not row.retired}
    serving = frozenset(key for key, row in rows.items() if row.state is ContainerState.HEALTHY)
    active = tuple(_promoted(row) for row in deployments.values() if not row.is_ended)
    return msgspec.structs.replace(
        snapshot,
        environment=environment,
        member=member,
        releases=releases,
        deployments=active,
        containers=tuple(rows.values()),
        build=_built(active[0], snapshot.build) if active else None,
        router=RouterView(targets=serving & _live_targets(rows, member)),
    )


def _told(change: Change, snapshot: MemberSnapshot) -> Change:
    """Say of a change of config that it has come already, where what serves by then has it."""
    live = snapshot.releases.get(snapshot.member.live or 0)
    row = change.row
    if isinstance(row, Deployment) and live is not None and _has_config(row, live):
        because = f"{live.label} has this config already"
        return msgspec.structs.replace(change, what="nothing is to be done", because=because)
    return change


def _has_config(row: Deployment, live: Release) -> bool:
    """Say whether a release was made since a change of config was asked for, and so has it."""
    is_made = row.release is None and row.phase is Phase.WAITING
    return row.kind is DeploymentKind.CONFIG and is_made and live.created_at > row.created_at


def _released(
    row: Deployment,
    manifests: Manifests,
    member: Member,
    releases: dict[int, Release],
    now: datetime,
) -> Deployment:
    """Make the release of a deployment, where enough is known of it."""
    live = releases.get(member.live or 0)
    if live is not None and _has_config(row, live):
        return advanced(row, Phase.SUCCEEDED, now, "nothing is to be done")
    shape = _shape(row, manifests, live)
    if shape is None:
        return row
    release = _release(row, shape, releases, now)
    releases[release.number] = release
    strategy = row.asked_strategy or shape.deploy.strategy
    return msgspec.structs.replace(row, release=release.number, strategy=strategy)


def _shape(row: Deployment, manifests: Manifests, live: Release | None) -> Manifest | None:
    """Give the manifest of the release that a deployment makes: of its source, or as it serves."""
    if row.source is not None:
        return manifests.get(row.source)
    return live.manifest if live is not None else None


def _live_targets(rows: dict[ContainerId, Container], member: Member) -> frozenset[ContainerId]:
    """Containers that get requests by the member's split."""
    if not any(member.split.values()):
        return frozenset(rows)
    return frozenset(key for key, row in rows.items() if member.split.get(str(row.release)))


def _container(row: Container, now: datetime) -> Container:
    if row.state in (ContainerState.PENDING, ContainerState.STARTING):
        if row.kind.value == "release":
            done = Exit(status=0, at=now)
            return msgspec.structs.replace(row, state=ContainerState.EXITED, exit=done)
        long_ago = now - timedelta(hours=1)
        return msgspec.structs.replace(
            row, state=ContainerState.HEALTHY, started_at=long_ago, healthy_at=long_ago
        )
    if row.state is ContainerState.STOPPING:
        ended = Exit(status=0, at=now)
        return msgspec.structs.replace(row, state=ContainerState.EXITED, exit=ended)
    return row


def _promoted(row: Deployment) -> Deployment:
    """Whoever judges a canary, here it passes."""
    if row.phase is Phase.PAUSED:
        return msgspec.structs.replace(row, asked=Ask.PROMOTE, asked_by="whoever judges it")
    return row


def _built(first: Deployment, build: Build | None) -> Build | None:
    """Have what the deployment builds whose turn it is done at once."""
    if first.build is None or first.source is None:
        return None
    if build is not None and build.id == first.build and build.artifact is not None:
        return build
    nothing = Artifact(digest=Digest("not built yet"), slug=Digest("not built yet"))
    return Build(
        id=first.build,
        app=first.app,
        source=first.source,
        state=BuildState.SUCCEEDED,
        artifact=nothing,
        created_at=first.created_at,
        created_by=first.created_by,
    )


def _release(
    deployment: Deployment, manifest: Manifest, releases: dict[int, Release], now: datetime
) -> Release:
    nothing = Artifact(digest=Digest("not built yet"), slug=Digest("not built yet"))
    return Release(
        environment=deployment.environment,
        app=deployment.app,
        number=max(releases, default=0) + 1,
        fingerprint="not built yet",
        artifact=nothing,
        manifest=manifest,
        source=deployment.source or Digest("none"),
        created_at=now,
        created_by=deployment.created_by,
    )
