"""Where lanes stand: which release runs their runs, and all that their turn depends on."""

from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

import msgspec

from headway.calculate.demand import added, of_job
from headway.calculate.placement import Part, Promise
from headway.calculate.queueing import (
    Ahead,
    Crew,
    Entry,
    Line,
    Pick,
    Question,
    Tallies,
    Terms,
    Turns,
)
from headway.calculate.runs.locking import Locks
from headway.control.runs.book import Book, Standing
from headway.control.runs.gangs import Together
from headway.control.runs.rates import Rates
from headway.control.runs.runner_rows import RUNNER
from headway.control.runs.runners import Runners
from headway.control.runs.slots import RunnerKey
from headway.control.world import World
from headway.formats.gang_troubles import gang_troubles
from headway.model.demand import Demand
from headway.model.gang import Gang
from headway.model.ids import NodeId, RunId
from headway.model.job import Job, OneFails
from headway.model.preempting import Losing
from headway.model.queue import Queue, QueueHold
from headway.model.release import Release
from headway.model.run import Attempt, Lane

_LANES_MAX = 4096
_DEMANDS_MAX = 4096


@dataclass(frozen=True, slots=True)
class Ground:
    """The release that runs a lane's runs; None with the reason why none may."""

    release: Release | None
    shut: str = ""
    its: Job | None = None
    gang: dict[Lane, int] = field(default_factory=dict)
    """The lanes of what starts together with each of its runs, and of how many runs."""

    @property
    def job(self) -> Job:
        """The lane's job, in that release."""
        assert self.its is not None
        return self.its

    def runner(self, lane: Lane, node: NodeId) -> RunnerKey:
        """Give the runner on a node that takes the lane's runs."""
        assert self.release is not None
        return RunnerKey(lane.environment, lane.app, self.release.number, node)


@dataclass(frozen=True, slots=True)
class Backlog:
    """Queued runs of one lane that wait for nothing but room."""

    first: Lane
    """In which they wait, or those that they start together with."""
    lane: Lane
    job: Job
    queue: Queue
    demand: Demand
    count: int
    never: str = ""
    """Why no room can ever come for them, or not for all that start together."""


class _Limit(NamedTuple):
    """How many runs something allows beside those that run."""

    of: str
    left: int
    each: int
    """So many of them for each that is started."""


class _Known(NamedTuple):
    """Where a lane stands, as long as neither its app nor what people say of its queue changes."""

    standing: Standing
    hold: QueueHold | None
    ground: Ground


def together(pick: Pick, ground: Ground, attempts: Sequence[Attempt]) -> Together:
    """Give what a run starts with, of what was picked and reserved for all."""
    goes_on = ground.job.when_one_fails is OneFails.GO_ON
    all_of_them = (pick, *pick.members)
    gang = Gang(
        number=0,
        members=tuple(one.entry.run for one in all_of_them),
        nodes=tuple(one.node for one in all_of_them),
        goes_on=goes_on,
    )
    jobs = [one.lane.job for one in pick.members]
    return Together(gang, jobs, attempts[1:])


class Grounds:
    """Gathers what a decision about turns sees, and keeps what it counts on."""

    def __init__(self, world: World, book: Book, runners: Runners) -> None:
        self._world = world
        self._book = book
        self._runners = runners
        self._known: dict[Lane, _Known] = {}
        self._demands: dict[tuple[str, str, int, str, str], _Demands] = {}
        self.rates = Rates(world.clock)
        self.turns = Turns()
        self.tallies = Tallies()
        self._sizes: dict[Lane, int] = {}
        """Runs that start together, of lanes where that is more than one."""
        self.ahead: dict[Lane, Ahead] = {}
        """Lanes whose turn came and that found no room."""
        self.passed: dict[Lane, tuple[RunId, datetime]] = {}
        """Since when the next run of a lane is passed over."""
        self.in_vain: dict[tuple[str, Lane], tuple[datetime, str]] = {}
        """Lanes for which no room could be made or reserved a moment ago."""
        self.holds: dict[Line, QueueHold] = {}
        """What people have said of queues."""

    async def of(self, lanes: Iterable[Lane]) -> dict[Lane, Ground]:
        """Find where lanes stand."""
        found = {lane: await self.of_one(lane) for lane in lanes}
        for ground in list(found.values()):  # where one runs, all run that start with it
            for member in ground.gang:
                assert ground.release is not None
                its = ground.release.manifest.job(member.job)
                found[member] = Ground(ground.release, its=its)
        return found

    async def of_one(self, lane: Lane) -> Ground:
        """Find where a lane stands: the release that is to run a lane's runs, or why none may."""
        standing = await self._book.standing((lane.environment, lane.app))
        hold = self.holds.get(lane.line)
        known = self._known.get(lane)
        if known is not None and known.standing is standing and known.hold is hold:
            return known.ground
        ground = await self._find(lane, standing, hold)
        if ground.release is not None:
            if len(self._known) >= _LANES_MAX:
                self._known.clear()
            self._known[lane] = _Known(standing, hold, ground)
        return ground

    async def _find(self, lane: Lane, standing: Standing, hold: QueueHold | None) -> Ground:
        key = (lane.environment, lane.app)
        if standing.shut or standing.release is None:
            return Ground(None, standing.shut)
        if hold is not None and hold.paused:
            why = f": {hold.because}" if hold.because else ""
            return Ground(None, f"queue {lane.queue} was paused by {hold.by}{why}")
        release = standing.release
        if lane.pinned:
            pinned = await self._book.release(key, lane.pinned)
            if pinned is None:
                return Ground(None, f"there is no v{lane.pinned} of {lane.app}")
            release = pinned
        job = release.manifest.job(lane.job)
        if job is None:
            return Ground(None, f"{release.label} of {lane.app} has no job {lane.job}")
        lacking = next((name for name in job.gang if release.manifest.job(name) is None), "")
        if lacking:
            said = f"{release.label} of {lane.app} has no job {lacking}, of the gang of {lane.job}"
            return Ground(None, said)
        for trouble in gang_troubles(job, release.manifest.job):
            return Ground(None, f"{release.label} of {lane.app}: {trouble.message}")
        gang = {lane._replace(job=name): count for name, count in job.gang.items()}
        return Ground(release, its=job, gang=gang)

    def question(
        self,
        lanes: Mapping[Lane, Sequence[Entry]],
        grounds: Mapping[Lane, Ground],
        most: int,
        make_room: Callable[[Lane, RunId, Losing, Sequence[Promise]], str] | None = None,
        locks: Locks | None = None,
        under_way: Container[RunId] = frozenset(),
    ) -> Question:
        """Gather all that a turn sees."""
        terms: dict[Lane, Terms] = {}
        shut: dict[Lane, str] = {}
        limits: dict[Line, int] = {}
        tokens: dict[Line, float] = {}
        for lane, ground in grounds.items():
            if ground.release is None:
                shut[lane] = ground.shut
                continue
            queue, job = ground.release.manifest.queue(lane.queue), ground.job
            if ground.gang:
                self._sizes[lane] = job.gang_size
            else:  # its release may have had one before
                self._sizes.pop(lane, None)
            terms[lane] = Terms(
                demand=self._demand(ground.release, job).alone,
                job_limit=job.concurrency,
                key_limit=job.key_concurrency,
                gang=tuple(ground.gang.items()),
            )
            if queue.concurrency is not None:
                limits[lane.line] = queue.concurrency
            if queue.rate is not None:
                tokens[lane.line] = self.rates.tokens(lane.line, queue.rate)
        return Question(
            lanes=lanes,
            terms=terms,
            shut=shut,
            line_limits=limits,
            tallies=self.tallies,
            fleet=self._world.fleet,
            now=self._world.clock.now(),
            tokens=tokens,
            turns=self.turns,
            most=most,
            under_way=under_way,
            crew=partial(self._crew, grounds),
            enlist=partial(self._enlist, grounds),
            ahead=self.ahead,
            in_vain=self.in_vain,
            passed=self.passed,
            passing=timedelta(seconds=self._world.settings.passed_over_s),
            patience=timedelta(seconds=self._world.settings.promise_s),
            make_room=make_room,
            locks=locks or Locks({}),
            new_run=self._new_run,
        )

    def passed_over(self, run: RunId, lane: Lane) -> str:
        """Say whether others go before a run that finds no room, and from when on not any more.

        Nothing where room is reserved for it already, or cannot be: that is said elsewhere.
        """
        ahead = self.ahead.get(lane)
        if ahead is None or ahead.run != run or ("reserve", lane) in self.in_vain:
            return ""
        promises = self._world.fleet.promises()
        known = self.passed.get(lane)
        if known is None or known[0] != run:
            return "" if promises else "nothing of its priority or a lower one has gone before it"
        if any(promise.whom == lane.name for promise in promises):
            return ""
        until = known[1] + timedelta(seconds=self._world.settings.passed_over_s)
        return (
            f"others have gone before it since {known[1]:%H:%M:%S} UTC; from {until:%H:%M:%S} UTC "
            "on, room is reserved for it before another would"
        )

    def forget(self, waiting: Collection[Lane]) -> None:
        """Drop what was found out by earlier decisions and may not hold any more."""
        self.ahead.clear()
        if not (self.passed or self._sizes or self.in_vain):
            return
        for known in (self.passed, self._sizes):
            for lane in [lane for lane in known if lane not in waiting]:
                del known[lane]
        now = self._world.clock.now()
        for key in [key for key, (at, _) in self.in_vain.items() if at <= now]:
            del self.in_vain[key]

    def look_again_at(self) -> datetime | None:
        """Give when to look again whether something may give way."""
        return min(
            (at for (what, _), (at, _) in self.in_vain.items() if what == "preempt"), default=None
        )

    def gang_size(self, lane: Lane) -> int:
        """Count the runs that start together with one of a lane, itself among them."""
        return self._sizes.get(lane, 1)

    def demand(self, release: Release, job: Job) -> Demand:
        """Give what a run of a job asks for; the same value each time, which is told apart fast."""
        return self._demand(release, job).alone

    def backlog(self, counts: Mapping[Lane, int], grounds: Mapping[Lane, Ground]) -> list[Backlog]:
        """Give what no rule holds back: more nodes would not start what a limit lets wait."""
        found: list[Backlog] = []
        left: dict[str, int] = {}
        for lane, count in counts.items():
            ground = grounds[lane]
            if ground.release is None or count <= 0:
                continue
            job, queue = ground.job, ground.release.manifest.queue(lane.queue)
            limits = list(self._limits(lane, queue, grounds))
            fits = min((count, *(left.setdefault(row.of, row.left) // row.each for row in limits)))
            if fits > 0:
                for row in limits:
                    left[row.of] -= fits * row.each
                never = self._never(lane, ground, grounds)
                for member, each in ((lane, 1), *ground.gang.items()):  # of a gang all at once
                    job = grounds[member].job
                    demand = self.demand(ground.release, job)
                    found.append(Backlog(lane, member, job, queue, demand, fits * each, never))
        return found

    def _never(self, lane: Lane, ground: Ground, grounds: Mapping[Lane, Ground]) -> str:
        """Say why a run can never start, or not with all of its gang."""
        assert ground.release is not None
        parts: list[Part] = []
        for member, each in ((lane, 1), *ground.gang.items()):
            asked = self._demand(ground.release, grounds[member].job)
            parts += [Part(member.job, *asked)] * each
        fleet = self._world.fleet
        found = next(
            filter(None, (fleet.never(part.with_runner, part.alone) for part in parts)), None
        )
        if found is None and len(parts) > 1:
            found = fleet.never_together(parts)
        return "" if found is None else found.because

    def _limits(self, lane: Lane, queue: Queue, grounds: Mapping[Lane, Ground]) -> Iterator[_Limit]:
        """Give what bounds how many of a lane's runs, and all that start with them, may run."""
        ground = grounds[lane]
        if queue.concurrency is not None:
            running = self.tallies.lines.get(lane.line, 0)
            of = f"queue {'/'.join(lane.line)}"
            yield _Limit(of, queue.concurrency - running, ground.job.gang_size)
        for its, each in ((lane, 1), *ground.gang.items()):
            most, owner = grounds[its].job.concurrency, (its.environment, its.app, its.job)
            if most is not None:
                running = self.tallies.jobs.get(owner, 0)
                yield _Limit(f"job {'/'.join(owner)}", most - running, each)

    def _crew(self, grounds: Mapping[Lane, Ground], lane: Lane) -> Crew:
        ground = grounds[lane]
        assert ground.release is not None
        ready, refused = self._runners.crew(lane.environment, lane.app, ground.release.number)
        demand = self._demand(ground.release, ground.job).with_runner
        return Crew(ready=ready, refused=refused, demand=demand)

    def _new_run(self) -> RunId:
        return self._world.run_ids.make(self._world.clock.now())

    def _enlist(self, grounds: Mapping[Lane, Ground], lane: Lane, node: NodeId) -> str:
        key = grounds[lane].runner(lane, node)
        self._runners.want(key)
        return self._runners.refusal(key)

    def _demand(self, release: Release, job: Job) -> "_Demands":
        lease = self._world.under.get(release.environment)
        under = lease.id if lease is not None else ""
        key = (release.environment, release.app, release.number, job.name, under)
        found = self._demands.get(key)
        if found is None:
            if len(self._demands) >= _DEMANDS_MAX:
                self._demands.clear()
            alone = self._world.where_leased(of_job(release, job), release.environment)
            with_runner = msgspec.structs.replace(alone, resources=added(alone.resources, RUNNER))
            found = self._demands[key] = _Demands(alone, with_runner)
        return found


class _Demands(NamedTuple):
    """What a run of a job asks for, by itself and where a runner is to be started for it."""

    alone: Demand
    with_runner: Demand
