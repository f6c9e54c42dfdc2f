"""What HAProxy says of its servers, read from `show stat`."""

import csv
from collections.abc import Iterator

import msgspec

COMMAND = "show stat -1 4 -1"
"""All backends, servers only."""
_DOWN = ("MAINT", "DRAIN", "DOWN")


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


def parse(text: str) -> list[ServerRow]:
    """Read the servers from the CSV that `show stat` answers."""
    return list(_rows(text))


def _rows(text: str) -> Iterator[ServerRow]:
    lines = csv.reader(text.lstrip("# \n").splitlines())
    column = {name: index for index, name in enumerate(next(lines, []))}
    for line in lines:
        if len(line) < len(column) - 1:
            continue

        def count(*names: str, cells: list[str] = line) -> int:
            return sum(int(cells[column[name]] or 0) for name in names)

        speaks_http = line[column["mode"]] == "http"
        yield ServerRow(
            backend=line[column["pxname"]],
            server=line[column["svname"]],
            address=line[column["addr"]],
            weight=count("weight"),
            status=line[column["status"]],
            in_flight=count("scur", "qcur"),
            requests=count("stot"),
            errors=count("hrsp_5xx", "econ", "eresp", "wredis"),
            response_ms=count("rtime" if speaks_http else "ttime"),
        )
