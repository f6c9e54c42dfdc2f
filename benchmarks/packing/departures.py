"""Node-hours where containers leave: a node is closed a while after the last of it has left."""

import heapq
import random

from benchmarks.packing.packers import Packer
from benchmarks.packing.traces import Load

CLOSED_AFTER_S = 600.0
SIGMA = 0.5


def node_hours(load: Load, packer: Packer, seed: int = 1) -> float:
    """Play a load through; durations are expected with a log-normal error of SIGMA."""
    chance = random.Random(seed)
    items = sorted(load.items, key=lambda item: item.begin)
    leaving: list[tuple[float, int, int]] = []
    empties: list[tuple[float, int]] = []
    there: dict[int, int] = {}
    opened_at: dict[int, float] = {}
    emptied_at: dict[int, float] = {}
    hours, opened = 0.0, 0

    def close_until(now: float) -> float:
        closed = 0.0
        while empties and empties[0][0] <= now:
            at, node = heapq.heappop(empties)
            if emptied_at.get(node) == at - CLOSED_AFTER_S:
                packer.close(node)
                del emptied_at[node], there[node]
                closed += at - opened_at.pop(node)
        return closed

    def leave_until(now: float) -> float:
        closed = 0.0
        while leaving and leaving[0][0] <= now:
            at, name, node = heapq.heappop(leaving)
            closed += close_until(at)
            packer.drop(name, items[name], node)
            there[node] -= 1
            if not there[node]:
                emptied_at[node] = at
                heapq.heappush(empties, (at + CLOSED_AFTER_S, node))
        return closed + close_until(now)

    for name, item in enumerate(items):
        hours += leave_until(item.begin)
        expected = max(1.0, (item.end - item.begin) * chance.lognormvariate(0, SIGMA))
        node = packer.take(name, item, expected)
        if node is None:
            packer.open(opened)
            there[opened], opened_at[opened] = 0, item.begin
            opened += 1
            node = packer.take(name, item, expected)
            assert node is not None, item
        there[node] += 1
        emptied_at.pop(node, None)
        heapq.heappush(leaving, (item.end, name, node))
    hours += leave_until(float("inf"))
    return hours / 3600
