"""Which tables can be carried out at all.

Names and hosts end up in a configuration file and in commands: what could mean something else
there is refused before anything is written.
"""

import ipaddress
import re
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator

from headway.model.manifest import Protocol
from headway.model.route import Route, RouteTable, Target

_KEY = re.compile(r"[A-Za-z0-9~_.-]{1,200}")
_CONTAINER = re.compile(r"[A-Za-z0-9_.-]{1,200}")
_HOST = re.compile(r"[a-z0-9_]([a-z0-9_.-]{0,251}[a-z0-9_])?")
_PORTS = range(1, 65536)
_WEIGHTS = range(257)
_TARGETS_MAX = 4000
"""HAProxy's own limit for its round robin is 4,095."""


def problems(table: RouteTable, http_port: int) -> list[str]:
    """List why a table cannot be carried out; empty when it can."""
    found = [text for route in table.routes for text in _of_route(route)]
    found += [f"route {key} is there twice" for key in _twice(row.key for row in table.routes)]
    found += [
        f"host {host} leads to two routes"
        for host in _twice(host for row in table.routes for host in row.hosts)
    ]
    ports = [http_port]
    ports += [row.port for row in table.routes if row.port and row.protocol is Protocol.TCP]
    found += [f"port {port} is asked for twice" for port in _twice(ports)]
    return found


def _twice(names: Iterable[Hashable]) -> list[Hashable]:
    return [name for name, count in Counter(names).items() if count > 1]


def _of_route(route: Route) -> Iterator[str]:
    where = f"route {route.key!r}"
    if not _KEY.fullmatch(route.key):
        yield f"{where}: its name has characters that are not letters, digits or ~ . _ -"
    if route.protocol is Protocol.TCP and route.port not in _PORTS:
        yield f"{where}: a TCP route needs a port from 1 to 65535, not {route.port}"
    for host in route.hosts:
        if not _HOST.fullmatch(host):
            yield f"{where}: {host!r} is no host name in lower case"
    if len(route.targets) > _TARGETS_MAX:
        yield f"{where}: {len(route.targets)} targets are more than {_TARGETS_MAX}"
    for name in _twice(target.container for target in route.targets):
        yield f"{where}: container {name} is there twice"
    for target in route.targets:
        yield from _of_target(where, target)


def _of_target(where: str, target: Target) -> Iterator[str]:
    if not _CONTAINER.fullmatch(target.container):
        yield f"{where}: container {target.container!r} has characters that HAProxy does not take"
    try:
        ipaddress.ip_address(target.host)
    except ValueError:
        yield f"{where}: {target.host!r} of {target.container} is no IP address"
    if target.port not in _PORTS:
        yield f"{where}: {target.container} has port {target.port}, not one from 1 to 65535"
    if target.weight not in _WEIGHTS:
        yield f"{where}: {target.container} has weight {target.weight}, not one from 0 to 256"
