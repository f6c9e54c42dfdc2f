"""Where lanes stand: which release runs their runs, and all that their turn depends on."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from headway.calculate.queueing import Entry, Line, Question, Room, Tallies, Terms, Turns
from headway.control.book import Book
from headway.control.rates import Rates
from headway.control.runners import RunnerKey, Runners
from headway.control.world import World
from headway.model.ids import NodeId
from headway.model.job import Isolation, Job
from headway.model.node import NodeState
from headway.model.queue import QueueHold
from headway.model.release import Release
from headway.model.run import Lane
from headway.model.snapshot import Reserved


@dataclass(frozen=True, slots=True)
class Ground:
    """The release that runs a lane's runs; None with the reason why none may."""

    release: Release | None
    shut: str = ""

    def job(self, lane: Lane) -> Job:
        """Give the lane's job."""
        job = self.release.manifest.job(lane.job) if self.release else None
        assert job is not None
        return job

    def runner(self, lane: Lane, node: NodeId) -> RunnerKey:
        """Give the runner on a node that takes the lane's runs."""
        assert self.release is not None
        return RunnerKey(lane.environment, lane.app, self.release.number, node)


class Grounds:
    """Gathers what a decision about turns sees, and keeps what it counts on."""

    def __init__(self, world: World, book: Book, runners: Runners) -> None:
        self._world = world
        self._book = book
        self._runners = runners
        self.rates = Rates(world.clock)
        self.turns = Turns()
        self.tallies = Tallies()
        self.holds: dict[Line, QueueHold] = {}
        """What people have said of queues."""

    async def of(self, lanes: Iterable[Lane]) -> dict[Lane, Ground]:
        """Find where lanes stand."""
        return {lane: await self._of_one(lane) for lane in lanes}

    async def _of_one(self, lane: Lane) -> Ground:
        """Find the release that is to run a lane's runs, or why none may."""
        key = (lane.environment, lane.app)
        standing = await self._book.standing(key)
        hold = self.holds.get(lane.line)
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
        if release.manifest.job(lane.job) is None:
            return Ground(None, f"{release.label} of {lane.app} has no job {lane.job}")
        return Ground(release)

    def question(
        self, lanes: Mapping[Lane, Sequence[Entry]], grounds: Mapping[Lane, Ground], most: int
    ) -> Question:
        """Gather all that a turn sees."""
        terms: dict[Lane, Terms] = {}
        limits: dict[Line, int] = {}
        tokens: dict[Line, float] = {}
        for lane, ground in grounds.items():
            if ground.release is None:
                continue
            queue, job = ground.release.manifest.queue(lane.queue), ground.job(lane)
            terms[lane] = Terms(
                cpu=job.resources.cpu,
                memory_mib=job.resources.memory_mib,
                job_limit=job.concurrency,
                key_limit=job.key_concurrency,
                strict=job.isolation is Isolation.STRICT,
            )
            if queue.concurrency is not None:
                limits[lane.line] = queue.concurrency
            if queue.rate is not None:
                tokens[lane.line] = self.rates.tokens(lane.line, queue.rate)
        return Question(
            lanes=lanes,
            terms=terms,
            shut={lane: row.shut for lane, row in grounds.items() if row.release is None},
            line_limits=limits,
            tallies=self.tallies,
            rooms=self._rooms(),
            tokens=tokens,
            turns=self.turns,
            most=most,
            usable=partial(self._usable, grounds),
        )

    def _usable(self, grounds: Mapping[Lane, Ground], lane: Lane, node: NodeId) -> str:
        key = grounds[lane].runner(lane, node)
        because = self._runners.refusal(key)
        if because:
            self._runners.want(key)
        return because

    def _rooms(self) -> list[Room]:
        reserved = self._world.reservations.all()
        rooms: list[Room] = []
        for node in self._world.nodes:
            if node.state is NodeState.READY:
                used = reserved.get(node.id, Reserved())
                free = node.cpu - used.cpu, node.memory_mib - used.memory_mib
                rooms.append(Room(node.id, *free, missing=node.limits))
        return rooms
