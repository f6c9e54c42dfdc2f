"""How much each queue had, so that the next turn goes to who had least."""

import heapq
from collections.abc import Collection
from dataclasses import dataclass, field

from headway.calculate.queueing.line import Line
from headway.model.run import Lane

_SHARES_MAX = 1000
"""Tag values of one queue of which it is remembered how much they had: about so many."""


@dataclass(slots=True)
class Turns:
    """How much each has had, so that the next turn goes to who had least.

    Start-time fair queueing (Goyal, Vin and Cheng, 1996): a start moves its queue, and within the
    queue the value of its `fair_by` tag, ahead by what it costs; who comes back after a pause joins
    at the present and has saved up nothing.
    """

    line_clock: float = 0.0
    lines: dict[Line, float] = field(default_factory=dict)
    fair_clock: dict[Line, float] = field(default_factory=dict)
    fair: dict[Line, dict[str, float]] = field(default_factory=dict)

    def line(self, line: Line) -> float:
        """When a queue's next turn is due."""
        return max(self.lines.get(line, 0.0), self.line_clock)

    def share(self, lane: Lane) -> float:
        """When a tag value's next turn is due within its queue."""
        line = lane.line
        own = self.fair.get(line, {}).get(lane.fair, 0.0)
        return max(own, self.fair_clock.get(line, 0.0))

    def took(self, lane: Lane, cost: float) -> None:
        """Count a start."""
        line = lane.line
        self.line_clock = self.line(line)
        self.lines[line] = self.line_clock + cost
        now = self.share(lane)
        self.fair_clock[line] = now
        shares = self.fair.setdefault(line, {})
        shares[lane.fair] = now + cost
        if len(shares) > 2 * _SHARES_MAX:  # who is least ahead of the present matters least
            ahead = heapq.nlargest(_SHARES_MAX, shares.items(), key=lambda pair: pair[1])
            self.fair[line] = dict(ahead)

    def forget(self, waiting: Collection[Line]) -> None:
        """Drop what is known of queues in which nothing waits any more."""
        for line in [line for line in self.lines if line not in waiting]:
            del self.lines[line]
            self.fair_clock.pop(line, None)
            self.fair.pop(line, None)
