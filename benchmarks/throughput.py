"""Durable no-ops with results and history kept, from the first enqueueing to the last start.

Headway and graphile-worker enqueue 500 at a time, Procrastinate as well; Celery has no such thing.
"""

from benchmarks.figure import Figure
from benchmarks.peers import peers
from benchmarks.work import CLIENTS, mean, work

COUNT = 20_000
SINGLE = 3_000
CLEAN = 1_000
BATCH = 500
ROUNDS = 2
THEIRS = {"celery -c 2": (2_000, 10), "procrastinate -c 10": (2_000, 25), "graphile": (20_000, 0.5)}


def run() -> list[Figure]:
    """Measure in turn."""
    with work() as own, peers(*THEIRS) as others:
        rates: dict[str, list[float]] = {}
        for _ in range(ROUNDS):
            rates.setdefault("batches", []).append(own.throughput("reused", COUNT, BATCH)[0])
            for peer in others:
                count = _of(peer.name)[0]
                rates.setdefault(peer.name, []).append(peer.throughput(count)[0])
            rates.setdefault("single", []).append(own.throughput("reused", SINGLE, 1)[0])
        rates["batches"].append(own.throughput("reused", COUNT, BATCH)[0])
        clean = own.throughput("clean", CLEAN, BATCH)[0]
    rate = mean(rates["batches"])
    figures = [
        Figure(
            what=f"no-ops end to end, {CLIENTS} clients, {BATCH} a request",
            value=rate,
            unit="/s",
            goal="at least 7,000",
            holds=rate >= 7000,
        ),
        Figure(
            what=f"the same, one a request, {CLIENTS} clients",
            value=mean(rates["single"]),
            unit="/s",
        ),
        Figure(what=f"each in a clean sandbox, {BATCH} a request", value=clean, unit="/s"),
    ]
    figures.append(
        Figure(
            what="headway's runs that never began",
            value=own.missing,
            unit="",
            goal="0",
            holds=own.missing == 0,
        )
    )
    for peer in others:
        theirs, least = mean(rates[peer.name]), _of(peer.name)[1]
        figures.append(
            Figure(
                what=f"{peer.name}: no-ops end to end",
                value=theirs,
                unit="/s",
                against="headway's to it",
                ratio=rate / theirs,
                goal=f"at least {least}×",
                holds=rate / theirs >= least,
            )
        )
    return figures


def _of(name: str) -> tuple[int, float]:
    return next(row for key, row in THEIRS.items() if name.lower().startswith(key.split()[0]))
