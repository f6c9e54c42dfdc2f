"""How an app in an environment does, in one word and one sentence."""

from headway.calculate.not_kept import not_kept_lately
from headway.calculate.rollout.container import is_coming_up, is_leaving, is_staying
from headway.calculate.rollout.crashing import failures, goes_on_crashing
from headway.calculate.rollout.restart import backoff_s, restarts_after
from headway.calculate.route import addresses
from headway.control.member_rows import MemberRows, rows_in, rows_of
from headway.control.rollout.snapshots import with_probe
from headway.control.world import Outlook, World, whom_of
from headway.model.container import Container, ContainerState
from headway.model.deployment import Deployment, Phase
from headway.model.environment import Environment, Member
from headway.model.manifest import Protocol
from headway.model.release import Release
from headway.model.view.environment import MemberView
from headway.model.view.standing import MemberState
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


def member_views(world: World, reader: Reader, owner: Environment) -> tuple[MemberView, ...]:
    """Show the apps of an environment; what there is of all of them is asked for at once."""
    return tuple(view(world, owner, rows) for rows in rows_in(reader, owner.id))


def member_view(world: World, reader: Reader, owner: Environment, row: Member) -> MemberView:
    """Show an app in an environment, with the answers of its health checks as of now."""
    return view(world, owner, rows_of(reader, row))


def view(world: World, owner: Environment, rows: MemberRows) -> MemberView:
    """Show it, of the rows that there are."""
    row, deployment = rows.member, rows.deployment
    containers = [with_probe(world, container) for container in rows.containers]
    state, because = standing(world, rows)
    return MemberView(
        environment=owner.name,
        app=row.app,
        state=state,
        because=because,
        live=row.live,
        wanted=rows.wanted,
        healthy=rows.healthy,
        urls=urls(world, row, rows.release),
        split=row.split,
        dependencies=rows.needs,
        deployment=deployment,
        not_kept=bool(not_kept_lately((deployment,), world.clock.now())),
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


def standing(world: World, rows: MemberRows) -> tuple[MemberState, str]:
    """Say in one word and one sentence how an app in an environment does now."""
    found = rows.settled
    return (found.state, found.because) if found is not None else _unsettled(world, rows)


def _unsettled(world: World, rows: MemberRows) -> tuple[MemberState, str]:
    """Say it where answers of health checks, and why nothing can be placed, have a part in it."""
    row, deployment = rows.member, rows.deployment
    pending, is_stuck = _pending(world, rows)
    services = [with_probe(world, one) for one in rows.services]
    if deployment is not None and not deployment.is_ended:
        if is_stuck and deployment.phase is not Phase.PAUSED:
            return MemberState.STUCK, _of_all(rows, pending) if row.live is not None else pending
        if pending or not _goes_on_crashing(rows, deployment, services):
            return _moving(deployment, services, pending)
    assert row.live is not None
    state = MemberState.DEGRADED if rows.healthy else MemberState.FAILED
    return state, _of_all(rows, pending or _worst(services, row.live))


def _goes_on_crashing(rows: MemberRows, deployment: Deployment, services: list[Container]) -> bool:
    """Say whether more copies are wanted of what crashes again and again.

    A new release that does is set back. One that serves is started again, and the deployment waits.
    """
    if deployment.release is None or deployment.release != deployment.previous:
        return False
    copies = [one for one in services if one.release == deployment.release]
    return rows.healthy < rows.wanted and goes_on_crashing(copies)


def _of_all(rows: MemberRows, what: str) -> str:
    return f"{rows.healthy} of {rows.wanted} healthy{': ' if what else ''}{what}"


def _pending(world: World, rows: MemberRows) -> tuple[str, bool]:
    """Say why something of it has no room, and whether none is about to come."""
    key = (rows.member.environment, rows.member.app)
    pending = world.pending.get(key, "")
    if not pending:
        return "", False
    build = rows.deployment.build if rows.deployment is not None else None
    outlook = world.outlooks.get(whom_of(key)) or world.outlooks.get(build or "") or Outlook(False)
    is_stuck = not (outlook.comes or _room_comes(world, rows))
    return "; ".join(filter(None, (pending, outlook.because))), is_stuck


def _room_comes(world: World, rows: MemberRows) -> bool:
    """Say whether room may come where no pool adds a node: of what leaves, or is heard of yet."""
    if not (world.roster.is_told and world.knows_nodes):
        return True
    if any(is_leaving(one) for one in rows.containers):
        return True
    key = (rows.member.environment, rows.member.app)
    _, lacks = world.lacking.get(key, (None, ()))
    promised = sum(one.whom == whom_of(key) for one in world.fleet.promises())
    return 0 < len(lacks) <= promised


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
    """Say of the copy that is in the worst way what is wrong: one that leaves is seldom that."""
    unwell = [
        one for one in services if one.release == live and one.state is not ContainerState.HEALTHY
    ]
    return _of_copy(min(unwell, key=_rank)) if unwell else ""


def _rank(one: Container) -> int:
    if is_coming_up(one) and failures(one):
        return 0 if one.is_ended else 1
    return 2 if not is_staying(one) else 3


def _of_copy(one: Container) -> str:
    if is_coming_up(one) and one.exit is not None:
        wait = backoff_s(restarts_after(one))
        return f"{one.label} ended: {one.exit.account}; again after {wait:g} s"
    if not is_staying(one):
        return f"{one.label} is {one.state.value}: {one.because}"
    answer = f": {one.probe.asked} → {one.probe.answer}" if one.probe else ""
    return f"{one.label} is {one.state.value}{answer}{_again(one)}"


def _again(one: Container) -> str:
    """Say why a copy starts again, where it does; not where it was placed."""
    if not one.restarts or one.state not in (ContainerState.PENDING, ContainerState.STARTING):
        return ""
    return f"; {one.because.partition(f'; on {one.node}: ')[0]}"
