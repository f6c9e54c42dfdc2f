"""Has what is cheapest to lose give way: within limits, and the room is held for whom it is."""

from collections import deque
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from headway.calculate.placement import Promise
from headway.control.world import World
from headway.model.demand import Demand
from headway.model.ids import AppName, EnvironmentId, PoolName, RunId
from headway.model.node import NodeState
from headway.model.preempting import Preempting

_MINUTE = timedelta(minutes=1)


class Taking(NamedTuple):
    """That somebody takes the place of others: decided, and not written down yet."""

    environment: EnvironmentId
    app: AppName
    run: RunId | None
    """None: it is a container of the app."""
    found: Preempting
    promise: Promise

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
        whom: str,
        run: RunId | None,
        found: Preempting,
        demands: tuple[Demand, ...],
    ) -> str:
        """Hold room for who waits, and have those end who are in it; says so."""
        world = self._world
        now, most = world.clock.now(), world.settings.preemptions_minute_max
        if most == 0:
            return ""
        node = world.fleet.node(found.node)
        times = self._times.setdefault(node.pool if node else PoolName(""), deque(maxlen=most))
        if len(times) == most and now < times[0] + _MINUTE:
            at = times[0] + _MINUTE
            self._next_at = min(self._next_at or at, at)
            return (
                f"it may take the place of {found.what} on {found.node} at {at:%H:%M:%S} UTC: "
                f"no more than {most} times a minute (preemptions_minute_max)"
            )
        times.append(now)
        promise = world.fleet.promise(
            Promise(
                whom=whom,
                node=found.node,
                demands=demands,
                awaited=frozenset(found.all),
                until=now + timedelta(seconds=world.settings.promise_s),
            )
        )
        self._collected.append(Taking(*owner, run, found, promise))
        return promise.sentence

    def collected(self) -> list[Taking]:
        """Hand out what was decided, once."""
        taken, self._collected = self._collected, []
        return taken

    def withdraw(self, takings: list[Taking]) -> None:
        """Hold nothing any more for what could not be written down."""
        for taking in takings:
            self._world.fleet.withdraw(taking.promise)

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
