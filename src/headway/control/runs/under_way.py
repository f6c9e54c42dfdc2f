"""The attempts under way, as far as limits and lines depend on them."""

from collections.abc import Iterator
from dataclasses import dataclass

from headway.calculate.demand import expected_end
from headway.calculate.queueing import Tallies
from headway.control.runs.runners import Runners
from headway.control.world import World
from headway.model.demand import Demand
from headway.model.ids import ContainerId, RunId
from headway.model.job import Job
from headway.model.run import Attempt, Lane, Run, RunFact, lane_of


@dataclass(slots=True)
class Active:
    """One of them."""

    run: RunId
    attempt: int
    lane: Lane
    unique: str | None
    job: Job
    container: ContainerId
    is_over: bool = False
    """Its end was told: what it took is free, though the end is not written down yet."""


class UnderWay:
    """Keeps each until its end is written down, and what it takes until its end is told."""

    def __init__(self, world: World, tallies: Tallies, runners: Runners) -> None:
        self._world = world
        self._tallies = tallies
        self._runners = runners
        self._active: dict[RunId, Active] = {}

    def __contains__(self, run: object) -> bool:
        return run in self._active

    def __len__(self) -> int:
        return len(self._active)

    def __iter__(self) -> Iterator[RunId]:
        return iter(self._active)

    def get(self, run: RunId) -> Active | None:
        """Give the attempt of a run, if one is under way."""
        return self._active.get(run)

    def current(self, fact: RunFact) -> Active | None:
        """Give the attempt that a fact is about, unless another has followed."""
        return self._numbered(fact.run, fact.attempt)

    def of_row(self, row: Run) -> Active | None:
        """Give the attempt that a run's row shows, unless another has followed."""
        return self._numbered(row.id, row.attempt.number) if row.attempt else None

    def _numbered(self, run: RunId, attempt: int) -> Active | None:
        active = self._active.get(run)
        return active if active is not None and active.attempt == attempt else None

    def all(self) -> list[Active]:
        """Give every one."""
        return list(self._active.values())

    def of(self, runner: ContainerId) -> list[Active]:
        """Give those of one runner."""
        return [row for row in self._active.values() if row.container == runner]

    def add(self, active: Active) -> None:
        """Keep one for which a turn has taken what it needs."""
        self._active[active.run] = active

    def take_up(self, row: Run, attempt: Attempt, job: Job, demand: Demand) -> None:
        """Keep one of before, and take what it needs."""
        lane = lane_of(row)
        self.add(Active(row.id, attempt.number, lane, row.unique, job, attempt.runner))
        until = expected_end(demand, attempt.ordered_at)
        self._world.fleet.hold(row.id, attempt.node, demand, until)
        self._tallies.add(lane, row.unique)

    def release(self, active: Active) -> None:
        """Give others what an attempt took, once."""
        if not active.is_over:
            active.is_over = True
            self._world.fleet.free(active.run)
            self._tallies.remove(active.lane, active.unique)

    def free(self, run: RunId) -> None:
        """Forget one, and give others what it took."""
        active = self._active.pop(run, None)
        if active is None:
            return
        self.release(active)
        slot = self._runners.by_container(active.container)
        if slot is not None:
            self._runners.done(slot, run)
