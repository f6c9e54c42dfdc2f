"""The floor of a placement: bare numpy that scores a rotating window of 512 nodes, and nothing else.

It knows four amounts, eight tags and crowds that are at most once on a node; no reasons, spread,
leases, promises or pools. What a decision of headway costs beside it does not hang on the machine.
"""

import itertools
import random
import time

import numpy as np

_WINDOW = 512
_AMOUNTS, _TAGS, _CROWDS, _FULL = 4, 8, 200, 0.6


class Window:
    """Nodes as columns, and the place where the next window begins."""

    def __init__(self, nodes: int) -> None:
        self._nodes = nodes
        self._chance = random.Random(1)
        self._free = [np.full(nodes, 1.0, dtype=np.float32) for _ in range(_AMOUNTS)]
        self._tags = 1 << (np.arange(nodes) % _TAGS)
        self._taken = np.zeros((_CROWDS, nodes), dtype=bool)
        self._at = 0
        self._live: list[tuple[int, tuple[float, ...], int]] = []
        sizes = itertools.product((0.016, 0.03, 0.06, 0.12), (0.01, 0.03, 0.06, 0.09, 0.12))
        self._sizes = [(cpu, memory, 0.01, 0.0) for cpu, memory in sizes]
        full = 0.0
        while full < _FULL * nodes:
            full += self._one()[0]

    def rate(self, steps: int) -> float:
        """Place one and give one back so many times; gives placements a second of processor time."""
        began = time.process_time()
        for _ in range(steps):
            at = self._chance.randrange(len(self._live))
            self._live[at], self._live[-1] = self._live[-1], self._live[at]
            row, size, crowd = self._live.pop()
            self._change(row, size, 1)
            if crowd >= 0:
                self._taken[crowd, row] = False
            self._one()
        return steps / (time.process_time() - began)

    def _one(self) -> tuple[float, ...]:
        chance = self._chance
        size = chance.choice(self._sizes)
        tag = 1 << chance.randrange(_TAGS) if chance.random() < 0.2 else 0
        crowd = chance.randrange(_CROWDS) if chance.random() < 0.2 else -1
        row = self._choose(size, tag, crowd)
        self._change(row, size, -1)
        if crowd >= 0:
            self._taken[crowd, row] = True
        self._live.append((row, size, crowd))
        return size

    def _change(self, row: int, size: tuple[float, ...], sign: int) -> None:
        for free, amount in zip(self._free, size, strict=True):
            free[row] += sign * amount

    def _choose(self, size: tuple[float, ...], tag: int, crowd: int) -> int:
        for _ in range(0, self._nodes, _WINDOW):
            begin = self._at
            end = min(begin + _WINDOW, self._nodes)
            self._at = end % self._nodes
            left = [free[begin:end] - amount for free, amount in zip(self._free, size, strict=True)]
            fits = left[0] >= 0
            for one in left[1:]:
                fits &= one >= 0
            if tag:
                fits &= (self._tags[begin:end] & tag) != 0
            if crowd >= 0:
                fits &= ~self._taken[crowd, begin:end]
            score = sum(one * one for one in left)
            score[~fits] = np.inf
            best = int(score.argmin())
            if fits[best]:
                return begin + best
        raise AssertionError("60 % of all is used, and something fits nowhere")
