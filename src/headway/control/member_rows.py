"""What the store has of an app in an environment, as far as somebody sees how it does."""

from collections.abc import Iterable
from typing import NamedTuple

from headway.calculate.rollout.container import is_staying
from headway.model.app import Source
from headway.model.container import Container, ContainerKind, ContainerState
from headway.model.deployment import Deployment
from headway.model.environment import Member
from headway.model.ids import AppName, EnvironmentId, environment_name
from headway.model.manifest import Process
from headway.model.release import Release
from headway.model.view.standing import MemberState, Standing
from headway.ports.store import Reader


class MemberRows(NamedTuple):
    """The rows of one, and what follows from them alone."""

    member: Member
    containers: tuple[Container, ...]
    """Those not forgotten, by process and slot."""
    deployment: Deployment | None
    """The one under way, else the last."""
    release: Release | None
    """The one that serves, or that is to be the first."""
    needs: tuple[AppName, ...]
    """What that one depends on."""
    healthy: int
    """Copies that are."""
    wanted: int
    settled: Standing | None
    """How it does, where that changes with its rows only: neither health checks nor what cannot be
    placed have a part in it."""

    @property
    def live(self) -> Release | None:
        """The release that serves, if one does."""
        return self.release if self.member.live else None

    @property
    def services(self) -> list[Container]:
        """The containers that serve, or are to."""
        return _services(self.containers)


def rows_of(reader: Reader, member: Member) -> MemberRows:
    """Read those of one."""
    owner, app = member.environment, member.app
    containers = reader.find(Container, environment=owner, app=app, retired=False)
    active = reader.find(Deployment, environment=owner, app=app, is_ended=False, limit=1)
    return _rows(reader, member, containers, active[0] if active else None)


def rows_in(reader: Reader, environment: EnvironmentId) -> list[MemberRows]:
    """Read those of all apps of an environment, by name, at once."""
    containers: dict[AppName, list[Container]] = {}
    for container in reader.find(Container, environment=environment, retired=False):
        containers.setdefault(container.app, []).append(container)
    active: dict[AppName, Deployment] = {}
    for deployment in reader.find(Deployment, environment=environment, is_ended=False):
        active.setdefault(deployment.app, deployment)
    members = sorted(reader.find(Member, environment=environment), key=lambda row: row.app)
    return [_rows(reader, row, containers.get(row.app, ()), active.get(row.app)) for row in members]


def _rows(
    reader: Reader, member: Member, found: Iterable[Container], active: Deployment | None
) -> MemberRows:
    containers = sorted(found, key=lambda row: (row.process, row.slot, row.release, row.created_at))
    services = _services(containers)
    deployment = active or _last(reader, member)
    number = member.live or (deployment.release if deployment else None)
    release = reader.get(Release, member.environment, member.app, number) if number else None
    serving = {
        (one.process, one.slot)  # one that moves to another node is there twice for a while
        for one in services
        if one.state is ContainerState.HEALTHY and one.release == member.live
    }
    healthy, wanted = len(serving), _wanted(member, release, services)
    return MemberRows(
        member=member,
        containers=tuple(containers),
        deployment=deployment,
        release=release,
        needs=_needs(reader, release, deployment),
        healthy=healthy,
        wanted=wanted,
        settled=_settled(member, deployment, healthy, wanted),
    )


def _services(containers: Iterable[Container]) -> list[Container]:
    return [one for one in containers if one.kind is ContainerKind.SERVICE]


def _wanted(row: Member, release: Release | None, services: list[Container]) -> int:
    if release is None or row.stopped:
        return 0
    return sum(_copies(row, release, process, services) for process in release.manifest.processes)


def _copies(row: Member, release: Release, process: Process, services: list[Container]) -> int:
    """Count the copies of a process type that are wanted; a daemon has one on each node."""
    wanted = row.scale.get(process.name, process.scale)
    if not process.daemon or not wanted:
        return wanted
    nodes = {
        one.node
        for one in services
        if (one.process, one.release) == (process.name, release.number)
        and (is_staying(one) or one.is_ended)
    }
    return len(nodes) or wanted


def _settled(
    row: Member, deployment: Deployment | None, healthy: int, wanted: int
) -> Standing | None:
    if deployment is not None and not deployment.is_ended:
        return None
    if row.stopped:
        state, because = MemberState.STOPPED, "it was asked to stop"
    elif row.live is None and deployment is None:
        state, because = MemberState.STOPPED, "nothing was deployed yet"
    elif row.live is None:
        assert deployment is not None
        state, because = MemberState.FAILED, deployment.because
    elif healthy < wanted:
        return None
    else:
        said = f"{healthy} of {wanted} healthy" if wanted else "no process to keep running"
        state, because = MemberState.HEALTHY, said
    return Standing(
        environment=environment_name(row.environment),
        app=row.app,
        state=state,
        because=because,
        deployment=deployment,
    )


def _last(reader: Reader, row: Member) -> Deployment | None:
    last = reader.find(
        Deployment, environment=row.environment, app=row.app, newest_first=True, limit=1
    )
    return last[0] if last else None


def _needs(
    reader: Reader, release: Release | None, deployment: Deployment | None
) -> tuple[AppName, ...]:
    if release is not None:
        return release.manifest.dependencies
    source = reader.get(Source, deployment.source) if deployment and deployment.source else None
    return source.manifest.dependencies if source else ()
