"""How long one team's runs wait while another team's fill the same queue, and alone.

Four may run at a time. A queue that is first in, first out would have them wait for all of those.
"""

import time

from benchmarks.figure import Figure, percentile
from benchmarks.work import Work, work

BACKLOG = 100_000
COUNT = 1000
"""Of a hundred, the 99th is the slowest but one: by that luck decides."""
PAUSE_S = 0.02
BATCH = 1000


def run() -> list[Figure]:
    """Measure alone, beside the backlog, and alone again."""
    with work() as own:
        alone = _waits(own)
        own.hold("shared")
        for first in range(0, BACKLOG, BATCH):
            own.send(own.client, "shared", BATCH, -1 - first - BATCH, tags={"team": "a"})
        own.hold("shared", paused=False)
        at = time.monotonic()
        own.lines.take(50)
        beside = _waits(own)
        view = next(row for row in own.client.queues.all() if row.queue.name == "shared")
        left = view.waiting
        own.hold("shared")
        time.sleep(1)
        rate = (BACKLOG - left) / (time.monotonic() - at - 1)
    figures = []
    for share in (0.5, 0.99):
        least, value = percentile(alone, share), percentile(beside, share)
        is_tail = share > 0.5
        figures.append(
            Figure(
                what=f"wait beside {BACKLOG:,} of another team, p{100 * share:.0f}",
                value=value,
                unit="ms",
                against=f"alone {least:.2f} ms",
                ratio=value / least,
                goal="at most 2×" if is_tail else "",
                holds=value / least <= 2 if is_tail else None,
            )
        )
    return [
        *figures,
        Figure(
            what="of the backlog left when the last was measured",
            value=left,
            unit="",
            against=f"first in, first out they would wait {1000 * BACKLOG / rate:,.0f} ms",
        ),
    ]


def _waits(own: Work) -> list[float]:
    found = []
    for number in range(COUNT):
        time.sleep(PAUSE_S)
        own.send(own.client, "shared", 1, number, tags={"team": "b"})
    ends_at = time.monotonic() + 60
    while len(found) < COUNT and time.monotonic() < ends_at:
        time.sleep(0.01)
        found += [row.wait_ms for row in own.lines.take(own.lines.count()) if row.number >= 0]
    assert len(found) == COUNT, f"{len(found)} of {COUNT} began"
    return found
