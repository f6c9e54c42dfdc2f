"""Has what is cheapest to lose give way: within limits, and the room is held for whom it is."""

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from headway.calculate.placement import Promise, awaited_for
from headway.control.world import World
from headway.model.ids import AppName, EnvironmentId, PoolName, RunId
from headway.model.node import NodeState
from headway.model.preempting import Losing, named

_MINUTE = timedelta(minutes=1)


class Taking(NamedTuple):
    """That somebody takes the place of others: decided, and not written down yet."""

    environment: EnvironmentId
    app: AppName
    run: RunId | None
    """None: it is a container of the app."""
    found: Losing
    promises: list[Promise]

    @property
    def because(self) -> str:
        """Say it, to those who lose their place."""
        return f"{self.run or self.app} of {self.found.because}"


class Preemptions:
    """Collects what was decided, and bounds how often that is."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._times: dict[PoolName, deque[datetime]] = {}
        self._collected: list[Taking] = []
        self._next_at: datetime | None = None

    def take(
        self,
        owner: tuple[EnvironmentId, AppName],
        run: RunId | None,
        found: Losing,
        promises: Sequence[Promise],
    ) -> str:
        """Hold room for who waits, and have those end who are in it; says so."""
        most = self._world.settings.preemptions_minute_max
        if most == 0:
            return ""
        at = self._count(found, most)
        if at is not None:
            self._next_at = min(self._next_at or at, at)
            return (
                f"it may take the place of {found.what} on {named(found.nodes)} at "
                f"{at:%H:%M:%S} UTC: no more than {most} times a minute (preemptions_minute_max)"
            )
        made = [self._world.fleet.promise(promise) for promise in promises]
        self._collected.append(Taking(*owner, run, found, made))
        return awaited_for(made)

    def _count(self, found: Losing, most: int) -> datetime | None:
        """Count one for each node; where that is too many in some pool none, and says until when.

        What needs more at once than are allowed has to be the only one of its minute.
        """
        fleet, now = self._world.fleet, self._world.clock.now()
        there = [fleet.node(one) for one in found.nodes]
        wanted = Counter(node.pool if node else PoolName("") for node in there)
        over: list[datetime] = []
        for pool, count in wanted.items():
            times = self._times.setdefault(pool, deque(maxlen=most))
            while times and times[0] + _MINUTE <= now:
                times.popleft()
            too_many = len(times) + min(count, most) - most
            if too_many > 0:
                over.append(times[too_many - 1] + _MINUTE)
        if over:
            return max(over)
        for pool, count in wanted.items():
            self._times[pool].extend([now] * count)
        return None

    def collected(self) -> list[Taking]:
        """Hand out what was decided, once."""
        taken, self._collected = self._collected, []
        return taken

    def withdraw(self, takings: list[Taking]) -> None:
        """Hold nothing any more for what could not be written down."""
        for taking in takings:
            for promise in taking.promises:
                self._world.fleet.withdraw(promise)

    def tidy(self, waiting: Mapping[str, int]) -> None:
        """Withdraw promises for which nobody waits any more, or not in time."""
        fleet, now = self._world.fleet, self._world.clock.now()
        count: dict[str, int] = {}
        for promise in sorted(fleet.promises(), key=lambda one: one.at is not None):
            number = count[promise.whom] = count.get(promise.whom, 0) + 1
            node = fleet.node(promise.node)
            is_there = node is not None and node.state is NodeState.READY
            is_over = now >= promise.until or number > waiting.get(promise.whom, 0)
            if is_over or not is_there:
                fleet.withdraw(promise)

    def next_at(self) -> datetime | None:
        """Give when to look again: a promise is over, or there may be another."""
        times = [promise.until for promise in self._world.fleet.promises()]
        if self._next_at is not None:
            times.append(self._next_at)
            self._next_at = None
        return min(times, default=None)
