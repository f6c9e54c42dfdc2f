"""What HAProxy says of its backends and their servers, read from `show stat`."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

_BACKEND = "BACKEND"
_DOWN = ("MAINT", "DRAIN", "DOWN")
_ERRORS = ("hrsp_5xx", "econ", "eresp", "wredis")
"""`wredis`: a connection failed, and the request went to another server."""


class ServerRow(msgspec.Struct, frozen=True, kw_only=True):
    """One server of one backend, and what it has counted in its process."""

    backend: str
    server: str
    address: str
    weight: int
    status: str
    in_flight: int
    requests: int
    errors: int
    unreached: int = 0
    """Requests that were for it when no connection was made in the end."""
    response_ms: int
    """Mean over the last 1,024 requests."""

    @property
    def is_leaving(self) -> bool:
        """Whether it was taken out of service."""
        return self.status.startswith("MAINT")

    @property
    def takes_requests(self) -> bool:
        """Whether a new request may be given to it."""
        return self.weight > 0 and not self.status.startswith(_DOWN)


class Told(NamedTuple):
    """What one answer says."""

    servers: list[ServerRow]
    unreached: dict[str, int]
    """By backend: requests for which no connection was made in the end, to whichever server, or
    to none as there was none."""


def commands(backends: Iterable[str] | None) -> list[str]:
    """Give the commands that show these backends and their servers; None: of all."""
    if backends is None:
        return ["show stat -1 6 -1"]
    return [f"show stat {name} 6 -1" for name in sorted(backends)]


def parse(text: str) -> Told:
    """Read the CSV that `show stat` answers."""
    lines = csv.reader(text.lstrip("# \n").splitlines())
    column = {name: index for index, name in enumerate(next(lines, []))}
    told = Told([], {})
    for line in lines:
        if len(line) < len(column) - 1:
            continue
        if line[column["svname"]] == _BACKEND:
            told.unreached[line[column["pxname"]]] = int(line[column["econ"]] or 0)
        else:
            told.servers.append(_row(line, column))
    return told


def _row(line: Sequence[str], column: Mapping[str, int]) -> ServerRow:
    mean = "rtime" if line[column["mode"]] == "http" else "ttime"
    return ServerRow(
        backend=line[column["pxname"]],
        server=line[column["svname"]],
        address=line[column["addr"]],
        weight=int(line[column["weight"]] or 0),
        status=line[column["status"]],
        in_flight=int(line[column["scur"]] or 0) + int(line[column["qcur"]] or 0),
        requests=int(line[column["stot"]] or 0),
        errors=sum(int(line[column[name]] or 0) for name in _ERRORS),
        unreached=int(line[column["econ"]] or 0),
        response_ms=int(line[column[mean]] or 0),
    )
