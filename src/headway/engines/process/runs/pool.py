"""Processes that are made ahead, so that a run need not wait for its sandbox."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from headway.engines.process.runs.child import Child, Owner
from headway.engines.process.runs.loop import Loop, Timer
from headway.engines.process.runs.plan import Plan
from headway.engines.process.runs.users import Users
from headway.engines.process.runs.zygote import Zygote

PARKED = 2
_PARKED_MAX = 16
_MAKING_MAX = 8
_FAILURES_MAX = 3
_SHRINK_S = 30.0


class Needs(Protocol):
    """Who knows how many runs wait."""

    def waiting(self, pool: Pool) -> int:
        """Count the runs that wait for a process of this pool."""


class Pool:
    """The processes of one kind: those of jobs with the same network and resources."""

    def __init__(
        self,
        loop: Loop,
        plan: Plan,
        run: dict[str, Any],
        users: Users | None,
        names: Callable[[], str],
        owner: Owner,
        needs: Needs,
    ) -> None:
        self._loop, self._plan, self._run = loop, plan, run
        self._asked = plan.asked(run)
        self._users, self._names, self._owner, self._needs = users, names, owner, needs
        self.zygote: Zygote | None = None
        self._parked: deque[Child] = deque()
        self._making: set[Child] = set()
        self._wanted = PARKED
        self._failures = 0
        self._shrinking: Timer | None = None
        self.is_closed = False
        self.homes: dict[Child, Pool] = {}
        """Every process that is not gone, and whose it is."""

    def take(self) -> Child | None:
        """Give a parked process; None while there is none."""
        if not self._parked:
            self._grow()
            return None
        return self._parked.popleft()

    def parked(self, child: Child) -> None:
        """Hear that a process waits."""
        self._failures = 0
        self._making.discard(child)
        self._parked.append(child)

    def gone(self, child: Child) -> bool:
        """Hear that a process is gone; says whether making one has failed too often."""
        if child in self._parked:
            self._parked.remove(child)
        if child in self._making:
            self._making.discard(child)
            self._failures += 1
        return self._failures >= _FAILURES_MAX

    def fill(self) -> None:
        """Make what is missing."""
        if self.is_closed or self.zygote is None or not self.zygote.is_ready:
            return
        if self._failures >= _FAILURES_MAX:
            return
        waiting = self._needs.waiting(self)
        missing = max(self._wanted, waiting) - len(self._parked) - len(self._making)
        for _ in range(min(missing, _MAKING_MAX - len(self._making))):
            uid = None
            if self._users is not None:
                uid = self._users.take()
                if uid is None:
                    return
            elif self._plan.uid is not None:
                uid = self._plan.uid
            child = Child(self._loop, self._plan, self._run, uid, self._names(), self._owner)
            self.homes[child] = self
            self._making.add(child)
            child.make(self.zygote, self._asked)

    def forgive(self) -> None:
        """Try again after failures."""
        self._failures = 0

    def close(self) -> None:
        """Make no more, and let those that wait go."""
        self.is_closed = True
        for child in self._parked:
            child.retire()

    def _grow(self) -> None:
        """Nobody was there for a run: keep one more from now on, for a while."""
        self._wanted = min(_PARKED_MAX, self._wanted + 1)
        if self._shrinking is None and self._wanted > PARKED:
            self._shrinking = self._loop.after(_SHRINK_S, self._shrink)

    def _shrink(self) -> None:
        self._shrinking = None
        self._wanted = max(PARKED, self._wanted // 2)
        for _ in range(len(self._parked) - self._wanted):
            self._parked.pop().retire()
        if self._wanted > PARKED:
            self._shrinking = self._loop.after(_SHRINK_S, self._shrink)


def names_of(container: str) -> Callable[[], str]:
    """Give names for what belongs to single runs of a runner."""
    numbers = itertools.count(1)
    return lambda: "%s.%d" % (container, next(numbers))
