"""How an app in an environment does, in one word and one sentence."""

from collections.abc import Sequence

from headway.calculate.container import is_staying
from headway.calculate.restart import backoff_s, restarts_after
from headway.calculate.route import addresses
from headway.control.snapshots import with_probe
from headway.control.world import World
from headway.model.app import Source
from headway.model.container import Container, ContainerKind, ContainerState
from headway.model.deployment import Deployment, Phase
from headway.model.environment import Environment, Member
from headway.model.ids import AppName
from headway.model.manifest import Process, Protocol
from headway.model.release import Release
from headway.model.view import MemberState, MemberView
from headway.ports.store import Reader

_PHASES = {
    Phase.QUEUED: MemberState.QUEUED,
    Phase.BUILDING: MemberState.BUILDING,
    Phase.WAITING: MemberState.WAITING,
    Phase.RELEASING: MemberState.STARTING,
    Phase.STARTING: MemberState.STARTING,
    Phase.PAUSED: MemberState.PAUSED,
    Phase.SWITCHING: MemberState.STARTING,
    Phase.REVERTING: MemberState.REVERTING,
}


def member_views(
    world: World, reader: Reader, owner: Environment, rows: Sequence[Member]
) -> tuple[MemberView, ...]:
    """Show apps of one environment; what there is of all of them is asked for at once."""
    containers: dict[AppName, list[Container]] = {}
    for container in reader.find(Container, environment=owner.id, retired=False):
        containers.setdefault(container.app, []).append(container)
    active: dict[AppName, Deployment] = {}
    for deployment in reader.find(Deployment, environment=owner.id, is_ended=False):
        active.setdefault(deployment.app, deployment)
    return tuple(
        _view(
            world,
            reader,
            owner,
            row,
            containers.get(row.app, []),
            active.get(row.app) or _last(reader, row),
        )
        for row in rows
    )


def member_view(world: World, reader: Reader, owner: Environment, row: Member) -> MemberView:
    """Show an app in an environment, with the answers of its health checks as of now."""
    containers = reader.find(Container, environment=owner.id, app=row.app, retired=False)
    active = reader.find(Deployment, environment=owner.id, app=row.app, is_ended=False, limit=1)
    return _view(world, reader, owner, row, containers, active[0] if active else _last(reader, row))


def _view(
    world: World,
    reader: Reader,
    owner: Environment,
    row: Member,
    found: list[Container],
    deployment: Deployment | None,
) -> MemberView:
    containers = [with_probe(world, container) for container in found]
    containers.sort(key=lambda one: (one.process, one.slot, one.release, one.created_at))
    release = _release(reader, row, deployment)
    services = [one for one in containers if one.kind is ContainerKind.SERVICE]
    wanted = _wanted(row, release, services)
    serving = {
        (one.process, one.slot)  # one that moves to another node is there twice for a while
        for one in services
        if one.state is ContainerState.HEALTHY and one.release == row.live
    }
    healthy = len(serving)
    state, because = _standing(world, row, deployment, services, (healthy, wanted))
    return MemberView(
        environment=owner.name,
        app=row.app,
        state=state,
        because=because,
        live=row.live,
        wanted=wanted,
        healthy=healthy,
        urls=urls(world, row, release),
        split=row.split,
        dependencies=_needs(reader, release, deployment),
        deployment=deployment,
        containers=tuple(containers),
        used={
            one.id: used
            for one in containers
            if (used := world.figures.containers.get(one.id)) is not None
        },
    )


def urls(world: World, row: Member, release: Release | None) -> tuple[str, ...]:
    """List the stable addresses of an app."""
    return tuple(
        f"http://{host}:{world.router.http_port}"
        if expose.protocol is Protocol.HTTP
        else f"tcp://127.0.0.1:{row.tcp_ports[expose.name]}"
        for _, expose, host in addresses(row, release)
        if expose.protocol is Protocol.HTTP or expose.name in row.tcp_ports
    )


def _last(reader: Reader, row: Member) -> Deployment | None:
    last = reader.find(
        Deployment, environment=row.environment, app=row.app, newest_first=True, limit=1
    )
    return last[0] if last else None


def _release(reader: Reader, row: Member, deployment: Deployment | None) -> Release | None:
    number = row.live or (deployment.release if deployment else None)
    return reader.get(Release, row.environment, row.app, number) if number else None


def _needs(
    reader: Reader, release: Release | None, deployment: Deployment | None
) -> tuple[AppName, ...]:
    if release is not None:
        return release.manifest.dependencies
    source = reader.get(Source, deployment.source) if deployment and deployment.source else None
    return source.manifest.dependencies if source else ()


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


def _standing(
    world: World,
    row: Member,
    deployment: Deployment | None,
    services: list[Container],
    counts: tuple[int, int],
) -> tuple[MemberState, str]:
    pending = world.pending.get((row.environment, row.app), "")
    if deployment is not None and not deployment.is_ended:
        return _moving(deployment, services, pending)
    if row.stopped:
        return MemberState.STOPPED, "it was asked to stop"
    if row.live is None:
        if deployment is None:
            return MemberState.STOPPED, "nothing was deployed yet"
        return MemberState.FAILED, deployment.because
    healthy, wanted = counts
    if healthy >= wanted:
        said = f"{healthy} of {wanted} healthy" if wanted else "no process to keep running"
        return MemberState.HEALTHY, said
    what = pending or _worst(services, row.live)
    state = MemberState.DEGRADED if healthy else MemberState.FAILED
    return state, f"{healthy} of {wanted} healthy{': ' if what else ''}{what}"


def _moving(
    deployment: Deployment, services: list[Container], pending: str
) -> tuple[MemberState, str]:
    state = _PHASES[deployment.phase]
    if pending:
        return state, pending
    if state is MemberState.STARTING:
        probed = [
            one
            for one in services
            if one.release == deployment.release
            and one.state is ContainerState.STARTING
            and one.probe is not None
        ]
        if probed and probed[0].probe is not None:
            probe = probed[0].probe
            there = ", ".join(probe.listening)
            instead = f"; it listens on {there}, not on $PORT" if there else ""
            return MemberState.PROBING, f"{probe.asked} → {probe.answer} ({probe.tries}){instead}"
    return state, deployment.because


def _worst(services: list[Container], live: int) -> str:
    for one in services:
        if one.release == live and one.is_ended and one.exit is not None:
            wait = backoff_s(restarts_after(one))
            return f"{one.label} ended: {one.exit.sentence}; again after {wait:g} s"
    for one in services:
        if one.release == live and not is_staying(one):
            return f"{one.label} is {one.state.value}: {one.because}"
    for one in services:
        if one.release == live and one.state is not ContainerState.HEALTHY:
            answer = f": {one.probe.asked} → {one.probe.answer}" if one.probe else ""
            return f"{one.label} is {one.state.value}{answer}"
    return ""
