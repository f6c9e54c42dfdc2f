"""The commands that make a running HAProxy follow a table, and nothing beyond."""

from collections.abc import Iterable, Mapping

from headway.model.route import RouteTable, Target
from headway.routers.haproxy.config import address, backend_name
from headway.routers.haproxy.statistics import ServerRow


def server_changes(
    table: RouteTable, rows: Iterable[ServerRow], backends: Iterable[str]
) -> list[str]:
    """Give the commands for the servers, the new ones first so that no route is without one.

    Args:
        table: What is wanted.
        rows: The servers that HAProxy has.
        backends: The backends that it has.
    """
    have: dict[str, dict[str, ServerRow]] = {name: {} for name in backends}
    for row in rows:
        have.setdefault(row.backend, {})[row.server] = row
    wanted = {backend_name(route): route.targets for route in table.routes}
    commands: list[str] = []
    for backend, servers in have.items():
        for target in wanted.get(backend, ()):
            commands += _into_service(backend, target, servers.get(target.container))
    for backend, servers in have.items():
        stay = {target.container for target in wanted.get(backend, ())}
        for name, row in servers.items():
            if name not in stay:
                commands += _out_of_service(f"{backend}/{name}", row)
    return commands


def count_leaving(table: RouteTable, rows: Iterable[ServerRow]) -> int:
    """Count the servers that are not wanted."""
    wanted = {
        (backend_name(route), target.container)
        for route in table.routes
        for target in route.targets
    }
    return sum((row.backend, row.server) not in wanted for row in rows)


def _into_service(backend: str, target: Target, row: ServerRow | None) -> list[str]:
    server = f"{backend}/{target.container}"
    if row is None:
        return [
            f"add server {server} {address(target)} weight {target.weight}",
            f"set server {server} state ready",
        ]
    commands = []
    if row.address != address(target):
        commands.append(f"set server {server} addr {target.host} port {target.port}")
    if row.weight != target.weight:
        commands.append(f"set weight {server} {target.weight}")
    if row.is_leaving:
        commands.append(f"set server {server} state ready")
    return commands


def _out_of_service(server: str, row: ServerRow) -> list[str]:
    if not row.is_leaving:
        commands = [f"set server {server} state maint"]
    elif row.in_flight == 0:
        # HAProxy drops idle connections when a server goes into maintenance, but keeps those of
        # requests that end later. It goes there once more, out and in without a weight, so that
        # no request reaches it in between.
        commands = [
            f"set weight {server} 0",
            f"set server {server} state ready",
            f"set server {server} state maint",
        ]
    else:
        return []
    return [*commands, f"del server {server}"] if row.in_flight == 0 else commands


def host_changes(
    path: str, wanted: Mapping[str, str], have: Mapping[str, str], backends: Iterable[str]
) -> list[str]:
    """Give the commands for the map of host names.

    Args:
        path: The map's name: the path it was read from.
        wanted: Backend of each host.
        have: What the map says.
        backends: The backends that this HAProxy has; it cannot be told of others.
    """
    known = frozenset(backends)
    commands = []
    for host, backend in wanted.items():
        if backend in known and host not in have:
            commands.append(f"add map {path} {host} {backend}")
        elif backend in known and have[host] != backend:
            commands.append(f"set map {path} {host} {backend}")
    commands += [f"del map {path} {host}" for host in have if host not in wanted]
    return commands


def parse_map(text: str) -> dict[str, str]:
    """Read what `show map` answers: a reference, the host and the backend on each line."""
    entries = (line.split() for line in text.splitlines())
    return {entry[1]: entry[2] for entry in entries if len(entry) == 3}
