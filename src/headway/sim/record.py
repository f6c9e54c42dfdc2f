"""Records what a live installation did, as a scenario that does it again."""

import csv
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from headway.model.job import Job
from headway.model.run import Run
from headway.sdk import Client

_PAGE = 500


def record(client: Client, since: datetime, into: Path) -> int:
    """Write `scenario.yaml` and `runs.csv` into a directory; gives how many runs they have."""
    jobs: dict[tuple[str, str, str], Job] = {
        (view.environment, view.app, view.job.name): view.job for view in client.jobs.all()
    }
    into.mkdir(parents=True, exist_ok=True)
    count = 0
    with (into / "runs.csv").open("w", newline="") as file:
        sheet = csv.writer(file)
        sheet.writerow(["id", "job", "at", "duration", "cpu", "memory_mib", "state"])
        for run in _runs(client, since):
            sheet.writerow(_row(run, jobs))
            count += 1
    (into / "scenario.yaml").write_text(_scenario(client, since))
    return count


def _runs(client: Client, since: datetime) -> Iterator[Run]:
    before: str | None = None
    while True:
        page = client.runs.page(since=since.isoformat(), before=before, limit=_PAGE)
        yield from page.rows
        before = page.before
        if before is None:
            return


def _row(run: Run, jobs: dict[tuple[str, str, str], Job]) -> list[object]:
    name = run.environment.partition("~")[0]
    resources = jobs.get((name, run.app, run.job), Job(name=run.job)).resources
    length_s = sum(
        (attempt.ended_at - attempt.began_at).total_seconds()
        for attempt in run.attempts
        if attempt.began_at is not None and attempt.ended_at is not None
    )
    at = f"{run.created_at.timestamp():.3f}"
    job = f"{run.app}/{run.job}"
    return [
        run.id,
        job,
        at,
        f"{length_s:.3f}",
        resources.cpu,
        resources.memory_mib,
        run.state.value,
    ]


def _scenario(client: Client, since: datetime) -> str:
    sizes = Counter((view.node.cpu, view.node.memory_mib) for view in client.nodes.all())
    machines = "\n".join(
        f"- {{name: type-{number}, count: {count}, cpu: {cpu:g}, memory: {memory_mib}MiB}}"
        for number, ((cpu, memory_mib), count) in enumerate(sorted(sizes.items()), start=1)
    )
    return (
        f"# Recorded since {since:%Y-%m-%d %H:%M} UTC. Again: headway sim run scenario.yaml\n"
        "name: recorded\n"
        f"machines:\n{machines}\n"
        "trace:\n"
        "  file: runs.csv\n"
        "  at: at\n"
        "  duration: duration\n"
        "  cpu: cpu\n"
        "  memory: memory_mib\n"
    )
