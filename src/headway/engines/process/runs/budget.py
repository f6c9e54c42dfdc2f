"""Processor time that an attempt may use, over all processes of its sandbox."""

from __future__ import annotations

import os

from headway.engines.process.runs.groups import Group
from headway.engines.process.runs.loop import Concerned, Loop

_LOOK_S = 0.02


class Budget:
    """Looks at what was used no earlier than when all of it could have been."""

    def __init__(self, loop: Loop, group: Group, limit_s: float, spent: Concerned) -> None:
        """Have `spent` called once it is, unless it was ended before.

        Where no control group counts, each process is limited by itself (`RLIMIT_CPU`).
        """
        self._loop, self._group = loop, group
        self._spent = spent
        self._is_over = False
        before_s = group.cpu_s()
        if before_s is not None:
            self._until_s = before_s + limit_s
            self._look_after(limit_s)

    def end(self) -> None:
        """Look no more."""
        self._is_over = True

    def _look_after(self, left_s: float) -> None:
        self._loop.after(max(_LOOK_S, left_s / (os.cpu_count() or 1)), self._look)

    def _look(self) -> None:
        used_s = None if self._is_over else self._group.cpu_s()
        if used_s is None:
            return
        if used_s >= self._until_s:
            self._spent()
        else:
            self._look_after(self._until_s - used_s)
