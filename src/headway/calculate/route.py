"""The route table: a pure function of members and their containers."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec

from headway.model.container import Container, ContainerKind, ContainerState
from headway.model.environment import PRODUCTION, Environment, EnvironmentState, Member
from headway.model.ids import environment_name
from headway.model.manifest import Expose, Process, Protocol
from headway.model.release import Release
from headway.model.route import Route, RouteTable, Target
from headway.model.value import Value

WEIGHT_MAX = 256


def stable_host(app: str, environment: str) -> str:
    """Give the host name under which an app is always reached.

    >>> stable_host("web", "demo")
    'web.demo.localhost'
    """
    return f"{app}.{environment}.localhost"


class MemberRoutes(Value, kw_only=True):
    """The routes of one app in one environment, and what decides who may have a host."""

    routes: tuple[Route, ...]
    external_hosts: tuple[str, ...] = ()
    production: bool = False
    since: datetime


def member_routes(
    environment: Environment,
    member: Member,
    releases: Mapping[int, Release],
    containers: Sequence[Container],
) -> MemberRoutes:
    """Lead each exposed port of an app to its healthy containers, by the shares asked for.

    A release without a healthy container gives up its share. Where no container is healthy,
    the unhealthy ones are asked: an answer that may be wrong is better than none.
    An environment that ends has no routes any more once the last container has ended.
    """
    candidates = _candidates(containers)
    live = releases.get(member.live or 0) or max(
        releases.values(), key=lambda row: row.number, default=None
    )
    routes = [
        Route(
            environment=environment.id,
            app=member.app,
            expose=expose.name,
            protocol=expose.protocol,
            hosts=(host,) if expose.protocol is Protocol.HTTP else (),
            port=member.tcp_ports.get(expose.name),
            targets=_targets(member, process.name, expose.name, candidates),
        )
        for process, expose, host in addresses(member, live)
    ]
    is_over = environment.state is not EnvironmentState.ACTIVE and all(
        row.is_ended for row in containers
    )
    return MemberRoutes(
        routes=() if is_over else tuple(sorted(routes, key=lambda route: route.key)),
        external_hosts=live.manifest.external_hosts if live else (),
        production=environment.name == PRODUCTION,
        since=environment.created_at,
    )


def addresses(member: Member, release: Release | None) -> list[tuple[Process, Expose, str]]:
    """List a release's exposed ports, who listens there, and the host name of each.

    `web` comes first. The first HTTP port has the app's own name, any other its name before it.
    """
    if release is None:
        return []
    own = stable_host(member.app, environment_name(member.environment))
    found: list[tuple[Process, Expose, str]] = []
    named = False
    for process in sorted(release.manifest.processes, key=lambda process: process.name != "web"):
        for expose in process.expose:
            found.append((process, expose, f"{expose.name}.{own}" if named else own))
            named = named or expose.protocol is Protocol.HTTP
    return found


def _candidates(containers: Sequence[Container]) -> list[Container]:
    services = [row for row in containers if row.kind is ContainerKind.SERVICE]
    healthy = [row for row in services if row.state is ContainerState.HEALTHY]
    return healthy or [row for row in services if row.state is ContainerState.UNHEALTHY]


def _targets(
    member: Member, process: str, expose: str, candidates: Sequence[Container]
) -> tuple[Target, ...]:
    rows = [row for row in candidates if row.process == process and expose in row.ports]
    counts: dict[int, int] = {}
    for row in rows:
        counts[row.release] = counts.get(row.release, 0) + 1
    weights = _weights(member.split, counts)
    targets = [
        Target(
            container=row.id,
            host=row.host,
            port=row.ports[expose],
            weight=weights[row.release],
            release=row.release,
        )
        for row in rows
        if weights[row.release] > 0
    ]
    return tuple(sorted(targets, key=lambda target: target.container))


def _weights(split: Mapping[str, int], counts: Mapping[int, int]) -> dict[int, int]:
    """Weigh one container of each release so that releases get their shares.

    >>> _weights({"1": 90, "2": 10}, {1: 3, 2: 1})
    {1: 256, 2: 85}
    """
    shares = {release: split.get(str(release), 0) for release in counts}
    if not any(shares.values()):
        return dict.fromkeys(counts, WEIGHT_MAX)
    each = {release: share / counts[release] for release, share in shares.items()}
    largest = max(each.values())
    return {
        release: max(1, round(WEIGHT_MAX * share / largest)) if share else 0
        for release, share in each.items()
    }


def table(members: Iterable[MemberRoutes]) -> RouteTable:
    """Join all routes. An external host leads to production, else to the oldest environment.

    Of two lives of an environment, one ending and one beginning under its name, the newer has it.
    """
    rows = _newest_lives(members)
    owners: dict[str, MemberRoutes] = {}
    for row in sorted(rows, key=lambda row: (not row.production, row.since)):
        for host in row.external_hosts:
            owners.setdefault(host.lower(), row)
    routes: list[Route] = []
    for row in rows:
        extra = tuple(host for host in row.external_hosts if owners[host.lower()] is row)
        routes.extend(_with_hosts(row.routes, extra))
    return RouteTable(routes=tuple(sorted(routes, key=lambda route: route.key)))


def _newest_lives(members: Iterable[MemberRoutes]) -> list[MemberRoutes]:
    """Leave out what a newer environment of the same name has, too."""
    owners: dict[tuple[str, str, str], MemberRoutes] = {}
    rows = sorted(members, key=lambda row: row.since, reverse=True)
    for row in rows:
        for route in row.routes:
            owners.setdefault(_address(route), row)
    return [
        msgspec.structs.replace(
            row, routes=tuple(route for route in row.routes if owners[_address(route)] is row)
        )
        for row in rows
    ]


def _address(route: Route) -> tuple[str, str, str]:
    return environment_name(route.environment), route.app, route.expose


def _with_hosts(routes: Sequence[Route], extra: Sequence[str]) -> list[Route]:
    """Give the external hosts to an app's first HTTP route."""
    usable = [route for route in routes if route.hosts or route.port is not None]
    first = next((route for route in usable if route.hosts), None)
    if first is None or not extra:
        return usable
    hosts = tuple(sorted({*first.hosts, *(host.lower() for host in extra)}))
    named = msgspec.structs.replace(first, hosts=hosts)
    return [named if route is first else route for route in usable]
