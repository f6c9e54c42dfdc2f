"""Runs made durable through the API, none of which starts: their queue is paused."""

from benchmarks.figure import Figure
from benchmarks.work import CLIENTS, mean, syncs, work

BATCH = 1000
MANY = 30_000
FEW = 3_000
ROUNDS = 3


def run() -> list[Figure]:
    """Measure batches and single requests in turn."""
    with work() as own:
        own.hold("held")
        batches, singles, alone = [], [], []
        for _ in range(ROUNDS):
            batches.append(own.enqueue("held", MANY, BATCH))
            singles.append(own.enqueue("held", FEW, 1))
            alone.append(own.enqueue("held", FEW // 10, 1, clients=1))
        disk = syncs()
    rate = mean(batches)
    return [
        Figure(
            what=f"enqueued by {CLIENTS} clients, {BATCH} a request",
            value=rate,
            unit="/s",
            goal="at least 12,000",
            holds=rate >= 12_000,
        ),
        Figure(
            what=f"enqueued by {CLIENTS} clients, one a request",
            value=mean(singles),
            unit="/s",
            against=f"the disk syncs {disk:,.0f} times a second",
            ratio=mean(singles) / disk,
        ),
        Figure(what="enqueued by one client, one a request", value=mean(alone), unit="/s"),
    ]
