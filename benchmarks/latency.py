"""From the call that enqueues to the first line of the task, at rest; headway and peers in turn."""

from benchmarks.figure import Figure, percentile
from benchmarks.peers import peers
from benchmarks.work import work

ROUNDS = 3
COUNT = 50


def run() -> list[Figure]:
    """Measure headway in a clean sandbox and in a process that is used again, and peers."""
    with work() as own, peers("celery", "procrastinate", "graphile") as others:
        waits: dict[str, list[float]] = {}
        for _ in range(ROUNDS):  # each after the other, again and again: A/B/A
            for job in ("clean", "reused"):
                waits.setdefault(job, []).extend(own.latency(job, COUNT))
            for peer in others:
                waits.setdefault(peer.name, []).extend(peer.latency(COUNT))
        for job in ("clean", "reused"):
            waits[job] += own.latency(job, COUNT)
    theirs = {peer.name: percentile(waits[peer.name], 0.5) for peer in others}
    fastest = min(theirs, key=lambda name: theirs[name], default="")
    figures = []
    celery = next((name for name in theirs if name.startswith("Celery")), "")
    for job, rival, most, goal in (
        ("clean", celery, 1.0, "no slower than Celery"),
        ("reused", fastest, 0.5, "half of the fastest"),
    ):
        p50 = percentile(waits[job], 0.5)
        words = "a clean sandbox" if job == "clean" else "a process used again"
        ratio = p50 / theirs[rival] if rival else None
        figures += [
            Figure(
                what=f"enqueue to first line, {words}, p50",
                value=p50,
                unit="ms",
                against=f"{rival} {theirs[rival]:.2f} ms" if rival else "",
                ratio=ratio,
                goal=goal,
                holds=None if ratio is None else ratio <= most,
            ),
            Figure(
                what=f"enqueue to first line, {words}, p99",
                value=percentile(waits[job], 0.99),
                unit="ms",
            ),
        ]
    for peer in others:
        figures += [
            Figure(what=f"{peer.name}, p50", value=theirs[peer.name], unit="ms"),
            Figure(what=f"{peer.name}, p99", value=percentile(waits[peer.name], 0.99), unit="ms"),
        ]
    return figures
