"""Counters that only rise, though HAProxy's begin at zero in every new process."""

from collections.abc import Iterable, Sequence

import msgspec

from headway.model.ids import ContainerId
from headway.model.route import RouterView, Traffic
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
        self._totals: dict[str, _Total] = {}

    def note(self, generation: int, rows: Sequence[ServerRow]) -> None:
        """Take over a reading of all servers of one process."""
        before = self._readings.get(generation, {})
        now = {(row.backend, row.server): row for row in rows}
        for key, row in now.items():
            last = before.get(key)
            # A server that was deleted and came back counts from zero.
            known = last is not None and last.requests <= row.requests
            total = self._totals.setdefault(row.server, _Total())
            total.requests += row.requests - (last.requests if last and known else 0)
            total.errors += max(0, row.errors - (last.errors if last and known else 0))
        self._readings[generation] = now

    def drop(self, generation: int) -> None:
        """Forget a process that ended; what it counted stays in the totals."""
        self._readings.pop(generation, None)

    def forget(self, keep: Iterable[str]) -> None:
        """Forget the totals of containers that no process has and that are not to be kept."""
        known = {server for rows in self._readings.values() for _, server in rows}
        for server in self._totals.keys() - known - set(keep):
            del self._totals[server]

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
