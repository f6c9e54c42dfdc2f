"""Counters that only rise, though HAProxy's begin at zero in every new process."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from headway.model.ids import ContainerId
from headway.model.route import RouterView, Traffic
from headway.routers.haproxy.config import route_key
from headway.routers.haproxy.statistics import ServerRow

_MEAN_OVER = 1024
"""Requests over which HAProxy takes its mean."""


class _Total(msgspec.Struct):
    requests: int = 0
    errors: int = 0


class Ledger:
    """Adds up what each HAProxy process counted of each container."""

    def __init__(self) -> None:
        self._readings: dict[int, dict[tuple[str, str], ServerRow]] = {}
        self._unreached: dict[int, Mapping[str, int]] = {}
        self._totals: dict[str, _Total] = {}
        self._refused: Counter[str] = Counter()

    def note(
        self, generation: int, rows: Sequence[ServerRow], unreached: Mapping[str, int]
    ) -> None:
        """Take over a reading of all servers of one process, and of its backends."""
        before = self._readings.get(generation, {})
        now = {(row.backend, row.server): row for row in rows}
        of_servers: Counter[str] = Counter()
        for key, row in now.items():
            last = before.get(key)
            # A server that was deleted and came back counts from zero.
            known = last is not None and last.requests <= row.requests
            total = self._totals.setdefault(row.server, _Total())
            total.requests += row.requests - (last.requests if last and known else 0)
            total.errors += max(0, row.errors - (last.errors if last and known else 0))
            if last and known:
                of_servers[row.backend] += max(0, row.unreached - last.unreached)
            else:
                of_servers[row.backend] += row.unreached
        self._readings[generation] = now
        self._refuse(generation, unreached, of_servers)

    def _refuse(
        self, generation: int, unreached: Mapping[str, int], of_servers: Mapping[str, int]
    ) -> None:
        """Count what none of the servers of a backend has counted: nobody could take it."""
        before = self._unreached.get(generation, {})
        for backend, count in unreached.items():
            more = count - before.get(backend, 0) - of_servers.get(backend, 0)
            if more > 0:
                self._refused[backend] += more
        self._unreached[generation] = unreached

    def drop(self, generation: int) -> None:
        """Forget a process that ended; what it counted stays in the totals."""
        self._readings.pop(generation, None)
        self._unreached.pop(generation, None)

    def forget(self, keep: Iterable[str]) -> None:
        """Forget the totals of containers that no process has and that are not to be kept."""
        known = {server for rows in self._readings.values() for _, server in rows}
        for server in self._totals.keys() - known - set(keep):
            del self._totals[server]
        there = {backend for rows in self._unreached.values() for backend in rows}
        for backend in self._refused.keys() - there:
            del self._refused[backend]

    def view(self) -> RouterView:
        """Give the last readings of all processes as one."""
        rows = [row for reading in self._readings.values() for row in reading.values()]
        by_server: dict[str, list[ServerRow]] = {server: [] for server in self._totals}
        for row in rows:
            by_server[row.server].append(row)
        return RouterView(
            targets=frozenset(ContainerId(row.server) for row in rows if row.takes_requests),
            traffic={
                ContainerId(server): self._traffic(server, rows)
                for server, rows in by_server.items()
            },
            refused={route_key(backend): count for backend, count in self._refused.items()},
        )

    def _traffic(self, server: str, rows: Sequence[ServerRow]) -> Traffic:
        weights = [min(row.requests, _MEAN_OVER) for row in rows]
        weighed = sum(row.response_ms * weight for row, weight in zip(rows, weights, strict=True))
        total = self._totals[server]
        return Traffic(
            in_flight=sum(row.in_flight for row in rows),
            requests=total.requests,
            errors=total.errors,
            response_ms=weighed / max(1, sum(weights)),
        )
