"""A runner killed with at_least_once runs in flight: how soon each has begun again."""

import os
import signal
import time

from tests.e2e.installation import wait_for

from benchmarks.figure import Figure, percentile
from benchmarks.work import ENVIRONMENT, Work, work

IN_FLIGHT = 40
KILLS = 4
LIFE_S = 10.5
"""A runner that lives shorter is thought to fail, and started again with a delay."""


def run() -> list[Figure]:
    """Kill it several times; the same runs are in flight each time."""
    with work() as own:
        began_at = time.monotonic()
        own.send(own.client, "slow", IN_FLIGHT)
        own.lines.take(IN_FLIGHT)
        waits: list[float] = []
        first: list[float] = []
        for _ in range(KILLS):
            time.sleep(max(0.0, began_at + LIFE_S - time.monotonic()))
            waits += _killed(own)
            began_at = time.monotonic()
            first.append(min(waits[-IN_FLIGHT:]))
        page = own.client.runs.page(environment=ENVIRONMENT, job="slow", limit=1000)
        lost = IN_FLIGHT - sum(row.state in ("starting", "running") for row in page.rows)
    p99 = percentile(waits, 0.99)
    return [
        Figure(
            what=f"killed, {IN_FLIGHT} in flight: begun again, p50",
            value=percentile(waits, 0.5),
            unit="ms",
        ),
        Figure(
            what=f"killed, {IN_FLIGHT} in flight: begun again, p99",
            value=p99,
            unit="ms",
            against="Celery acks_late 1 h, Procrastinate 30 s and its cron's period",
            goal="under 1,000 ms",
            holds=p99 < 1000,
        ),
        Figure(what="the first of them", value=percentile(first, 0.5), unit="ms"),
        Figure(what=f"runs lost by {KILLS} kills", value=lost, unit="", goal="0", holds=lost == 0),
    ]


def _killed(own: Work) -> list[float]:
    pid = own.runner()
    at = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    again = own.lines.take(IN_FLIGHT, within_s=60)
    wait_for(lambda: own.runner() != pid)
    return [1000 * (row.began - at) for row in again]
