"""Records what a live installation did, as a scenario that does it again."""

import csv
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from headway.formats.pool_yaml import pool_document
from headway.formats.units import render_duration
from headway.formats.yaml import render_yaml
from headway.model.container import ContainerKind
from headway.model.ids import is_name
from headway.model.job import Job
from headway.model.node import DEFAULT_POOL, Node
from headway.model.run import Run
from headway.model.scenario import Scenario
from headway.model.view.job import JobView
from headway.sdk import Client

_PAGE = 500
_HOUR_S = 3600.0
_MARGIN_S = 60.0
_COLUMNS = ("id", "job", "at", "duration", "cpu", "memory_mib", "pool", "state")
_Jobs = dict[tuple[str, str, str], JobView]


def record(client: Client, since: datetime, into: Path) -> int:
    """Write `scenario.yaml` and `runs.csv` into a directory; gives how many runs they have.

    Nodes, pools and services are as they are now, runs as they were.
    """
    jobs: _Jobs = {(view.environment, view.app, view.job.name): view for view in client.jobs.all()}
    into.mkdir(parents=True, exist_ok=True)
    times = _Times()
    count = 0
    with (into / "runs.csv").open("w", newline="") as file:
        sheet = csv.writer(file)
        sheet.writerow(_COLUMNS)
        for run in _runs(client, since):
            sheet.writerow(_row(run, jobs))
            times.add(run)
            count += 1
    head = f"# Recorded since {since:%Y-%m-%d %H:%M} UTC. Again: headway sim run scenario.yaml\n"
    (into / "scenario.yaml").write_text(head + render_yaml(_scenario(client, times)))
    return count


class _Times:
    """How long a scenario must last to hold its runs."""

    def __init__(self) -> None:
        self._first_s = float("inf")
        self._last_s = 0.0
        self._longest_s = 0.0

    def add(self, run: Run) -> None:
        """Take a run in."""
        at_s = run.created_at.timestamp()
        self._first_s = min(self._first_s, at_s)
        self._last_s = max(self._last_s, at_s)
        self._longest_s = max(self._longest_s, _length_s(run))

    @property
    def hours(self) -> float:
        """Until the last of them is asked for."""
        return round((max(0.0, self._last_s - self._first_s) + _MARGIN_S) / _HOUR_S, 4)

    @property
    def settle_s(self) -> float:
        """Until they all have ended, also where one waits for another."""
        return max(Scenario().settle_s, 2 * self._longest_s)


def _runs(client: Client, since: datetime) -> Iterator[Run]:
    before: str | None = None
    while True:
        page = client.runs.page(since=since.isoformat(), before=before, limit=_PAGE)
        yield from page.rows
        before = page.before
        if before is None:
            return


def _row(run: Run, jobs: _Jobs) -> list[object]:
    view = jobs.get((run.environment.partition("~")[0], run.app, run.job))
    resources = (view.job if view else Job(name=run.job)).resources
    return [
        run.id,
        f"{run.app}/{run.job}",
        f"{run.created_at.timestamp():.3f}",
        f"{_length_s(run):.3f}",
        resources.cpu,
        resources.memory_mib,
        (view.pool if view else None) or "",
        run.state.value,
    ]


def _length_s(run: Run) -> float:
    return sum(
        (attempt.ended_at - attempt.began_at).total_seconds()
        for attempt in run.attempts
        if attempt.began_at is not None and attempt.ended_at is not None
    )


def _scenario(client: Client, times: _Times) -> dict[str, Any]:
    pools = [view.pool for view in client.pools.all()]
    parts = {
        "pools": [pool_document(pool) for pool in pools if pool.types or pool.name != DEFAULT_POOL],
        "machines": _machines(client),
        "services": _services(client),
    }
    columns = {"at": "at", "duration": "duration", "cpu": "cpu", "memory": "memory_mib"}
    return {
        "name": "recorded",
        "hours": times.hours,
        "settle": render_duration(times.settle_s),
        **{key: rows for key, rows in parts.items() if rows},
        "trace": {"file": "runs.csv", **columns, "pool": "pool"},
    }


def _machines(client: Client) -> list[dict[str, Any]]:
    """Count the machines that are always there; other nodes come from their pools again."""
    parts: defaultdict[str, list[Node]] = defaultdict(list)
    for view in client.nodes.all():
        if not view.node.type:
            parts[view.node.machine or view.node.id].append(view.node)
    sizes = Counter(
        (len(nodes), nodes[0].cpu, nodes[0].memory_mib, nodes[0].disk_mib or 0, nodes[0].price_hour)
        for nodes in parts.values()
    )
    return [
        {
            "name": f"type-{number}",
            "count": count,
            "cpu": cpu,
            "memory": f"{memory_mib}MiB",
            **({"disk": f"{disk_mib}MiB"} if disk_mib else {}),
            "nodes_each": nodes_each,
            "price": price,
        }
        for number, ((nodes_each, cpu, memory_mib, disk_mib, price), count) in enumerate(
            sorted(sizes.items()), start=1
        )
    ]


def _services(client: Client) -> list[dict[str, Any]]:
    """Count the copies of services that run, with what each reserves."""
    copies: Counter[tuple[str, float, int, int]] = Counter()
    for environment in client.environments.all():
        for member in environment.members:
            for row in member.containers:
                if row.kind is ContainerKind.SERVICE and not row.is_ended:
                    label, what = f"{row.app}-{row.process}-{environment.name}", row.resources
                    copies[label, what.cpu, what.memory_mib, what.disk_reserved_mib] += 1
    return [
        {
            "name": label if is_name(label) and _is_one(label, copies) else f"service-{number}",
            "copies": count,
            "cpu": cpu,
            "memory": f"{memory_mib}MiB",
            **({"disk": f"{disk_mib}MiB"} if disk_mib else {}),
        }
        for number, ((label, cpu, memory_mib, disk_mib), count) in enumerate(
            sorted(copies.items()), start=1
        )
    ]


def _is_one(label: str, copies: Counter[tuple[str, float, int, int]]) -> bool:
    return sum(row[0] == label for row in copies) == 1
