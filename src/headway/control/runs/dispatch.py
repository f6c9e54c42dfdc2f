"""The loop over runs: what is due is queued, whose turn it is starts, runners are let go."""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial

from headway.calculate.queueing import Line
from headway.calculate.runs.gang import together
from headway.control.leases.settling import made_known
from headway.control.runs import attempts, followers
from headway.control.runs.book import Book
from headway.control.runs.ends import Ends
from headway.control.runs.failures import Failures
from headway.control.runs.grounds import Grounds
from headway.control.runs.lanes import Lanes
from headway.control.runs.runners import Runners
from headway.control.runs.slots import Slot
from headway.control.runs.starts import Starts
from headway.control.runs.targets import Targets
from headway.control.runs.under_way import UnderWay
from headway.control.waiting import rung
from headway.control.world import World
from headway.model.demand import Demand
from headway.model.ids import AppName, EnvironmentId, RunId
from headway.model.instant import microseconds
from headway.model.job import Job
from headway.model.queue import QueueHold
from headway.model.run import Run, RunState, lane_of
from headway.ports.store import StoreError

_DUE_AT_ONCE = 1000


class Dispatch:
    """Decides in memory, from what is active; the store holds every run's whole state."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.book = Book(world)
        self.targets = Targets(world)
        self.failures = Failures()
        self._ends = Ends(world, self)
        self.runners = Runners(world, self.book, self._ends)
        self._grounds = Grounds(world, self.book, self.runners)
        self.under_way = UnderWay(world, self._grounds.tallies, self.runners)
        self.lanes = Lanes(world, self.under_way)
        self.starts = Starts(
            world, self._grounds, self.runners, self.under_way, self.lanes, self.wake
        )
        self._next_due: datetime | None = None
        self._wake = asyncio.Event()
        self._is_taken_up = False
        self.opened = asyncio.Event()
        world.bell.member.calls(lambda _key: self.wake())
        world.bell.node.calls(self.wake)
        world.bell.lease.calls(self.wake)

    # --- the loop --------------------------------------------------------------------------------

    async def run(self) -> None:
        """Take up what was going on, then decide whenever something changed, for ever."""
        if not self.opened.is_set():
            await self._open()
            self.opened.set()
        while True:
            self._wake.clear()
            look_at = await self._beat()
            now = self._world.clock.now()
            await rung(self._wake, look_at, now)

    async def close(self) -> None:
        """Let go of the lines; runs go on."""
        await self._ends.close()
        await self.runners.close()

    def wake(self) -> None:
        """Look again soon."""
        self._wake.set()

    async def at_once(self, run: Run) -> Run:
        """Give a run that is about to be put as starting, where it could start at once.

        Nothing does before it is known what runs, and which runners there are.
        """
        return await self.starts.at_once(run) if self.opened.is_set() else run

    async def take_up(self) -> None:
        """Count what is under way, once: before that, nobody else may be placed."""
        if not self._is_taken_up:
            rows = await self._world.store.read(lambda reader: reader.find(Run, active=1))
            leaders = {row.id: row for row in rows if row.gang and not row.is_member}
            for row in rows:
                if row.id not in self.under_way:  # as it is where this was begun before, and failed
                    await self._take_up(row, leaders)
            self._is_taken_up = True

    async def _open(self) -> None:
        world = self._world
        await self.take_up()
        holds = await world.store.read(lambda reader: reader.find(QueueHold))
        self._grounds.holds = {(row.environment, row.app, row.name): row for row in holds}
        await world.store.write(partial(followers.catch_up, now=world.clock.now()))
        await self.lanes.open()
        self._ends.followed.open(await world.store.read(lambda reader: reader.tally(Run, "awaits")))
        self._next_due = world.clock.now()
        await self.runners.open()
        orphans = [
            row for row in self.under_way.all() if self.runners.by_container(row.container) is None
        ]
        await self._ends.lose(orphans, "its runner ended while nobody looked")

    async def _take_up(self, row: Run, leaders: Mapping[RunId, Run]) -> None:
        attempt = row.attempt
        assert attempt is not None
        key = (row.environment, row.app)
        release = await self.book.release(key, attempt.release)
        job = release.manifest.job(row.job) if release else None
        if release is None or job is None:
            job = Job(name=row.job)
            self.under_way.take_up(row, attempt, job, Demand(resources=job.resources))
        else:
            demand = self._grounds.demand(release, job)
            if row.gang is not None:
                leader = leaders.get(row.gang.leader, row)
                its = release.manifest.job(leader.job) or job
                leads = self._grounds.demand(release, its)
                demand = together(demand, leads, lane_of(leader).name)
            self.under_way.take_up(row, attempt, job, demand)
        if attempt.preempted:
            self._world.fleet.yielding.leaves(row.id)

    async def _beat(self) -> datetime | None:
        now = self._world.clock.now()
        if self._next_due is not None and now >= self._next_due:
            await self._queue_due(now)
        await self.lanes.fill()
        await self.starts.start()
        let_go_at = await self.runners.let_go()
        times = (self._next_due, let_go_at, self.runners.retry_at(), self.starts.next_at())
        return min((at for at in times if at is not None), default=None)

    # --- what is due -----------------------------------------------------------------------------

    async def _queue_due(self, now: datetime) -> None:
        """Queue what is due and expire what is too late."""
        self._next_due = None  # what is made from here on says when it is due
        now_us = microseconds(now)
        try:
            passed = await self._world.store.write(
                partial(
                    followers.pass_time,
                    settings=self._world.settings,
                    now=now,
                    now_us=now_us,
                    limit=_DUE_AT_ONCE,
                )
            )
        except BaseException:
            self._next_due = now
            raise
        if passed.next_us is not None:
            next_at = datetime.fromtimestamp(passed.next_us / 1e6, tz=now.tzinfo)
            self._next_due = min(max(now, next_at), self._next_due or next_at)
        self.lanes.add(passed.queued)
        for lane, run in passed.left:
            self.lanes.take(lane, run)
        await self._ends.follow_up(passed.expired)
        if passed.leases:
            await made_known(self._world, passed.leases)

    def due(self, at: datetime) -> None:
        """Look again at this time at the latest."""
        if self._next_due is None or at < self._next_due:
            self._next_due = at
            self.wake()

    # --- what ended ------------------------------------------------------------------------------

    async def start_more(self) -> None:
        """Start what may in places that have become free."""
        with suppress(StoreError):  # the next beat tries the same, and tells of its trouble
            await self.starts.start()

    def left(self, slot: Slot) -> None:
        """Take over that attempts have left a runner, and that this is durable."""
        if self.lanes.depths() or not slot.busy:
            self.wake()
        else:  # nobody waits for the room, and the runner goes on
            self._grounds.turns.forget(())

    # --- runs that were just made ----------------------------------------------------------------

    def coming(self, runs: Iterable[Run]) -> set[RunId]:
        """Expect runs that are about to be put, and give those whose turn may come by that.

        What they are to be followed by is `made`, or `not_made`.
        """
        if not self.opened.is_set():
            return set()
        expected = self.lanes.expect(run for run in runs if run.state is RunState.QUEUED)
        if expected:
            self.wake()
        return expected

    def made(self, runs: Sequence[Run]) -> None:
        """Take over runs that are durable now."""
        self.lanes.put(run.id for run in runs)
        if active := [run for run in runs if run.is_active]:
            self.starts.send(active)
        queued = [run for run in runs if run.state is RunState.QUEUED]
        self.lanes.add(queued)
        for run in runs:
            if run.awaits is not None:
                self._ends.followed.add(run.awaits)
            for at_us in (run.due_us, run.deadline_us):
                if at_us is not None:
                    now = self._world.clock.now()
                    self.due(datetime.fromtimestamp(at_us / 1e6, tz=now.tzinfo))
        if queued:
            self.wake()

    def not_made(self, runs: Sequence[Run], expected: Collection[RunId], *, is_sure: bool) -> None:
        """Give back what runs held that were not put after all, as far as that is sure."""
        for run in runs:
            if run.is_active:
                self.under_way.free(run.id)
                self.lanes.doubt(lane_of(run))  # it may be there, and have become due meanwhile
        missing = dict.fromkeys(run.id for run in runs if run.id in expected)  # each once
        self.lanes.not_put(missing, is_sure=is_sure)
        if any(run.is_active for run in runs) or not is_sure:
            self.wake()

    # --- people ----------------------------------------------------------------------------------

    def cancelled(self, before: Run, run: Run) -> None:
        """Take over that a run was cancelled, or is to be."""
        if before.state is RunState.QUEUED and run.id not in self.under_way:
            self.lanes.take(lane_of(run), run.id)
            if self._world.fleet.has_promises:
                self.wake()
        if run.is_ended:
            self._ends.follow_up_soon([run])
        active = self.under_way.get(run.id)
        if active is not None:
            self.starts.tell(active)

    async def end(self, environment: EnvironmentId) -> None:
        """Cancel what of an environment has not begun. What runs ends with its runners."""
        cancel = partial(
            attempts.cancel_open,
            environment=environment,
            limit=_DUE_AT_ONCE,
            settings=self._world.settings,
            now=self._world.clock.now(),
        )
        while True:
            cancelled, left = await self._world.store.write(cancel)
            for lane, run in left:
                self.lanes.take(lane, run)
            if cancelled.leases:
                await made_known(self._world, cancelled.leases)
            if len(cancelled.rows) < _DUE_AT_ONCE:
                return

    def held(self, hold: QueueHold) -> None:
        """Take over what people said of a queue."""
        self._grounds.holds[hold.environment, hold.app, hold.name] = hold
        self.wake()

    def hold_of(self, line: Line) -> QueueHold | None:
        """Give what people said of a queue."""
        return self._grounds.holds.get(line)

    def held_lines(self) -> list[Line]:
        """List the queues that somebody has paused or drained."""
        return [line for line, hold in self._grounds.holds.items() if hold.paused or hold.draining]

    def running(self, line: Line) -> int:
        """Count the attempts under way in a queue."""
        return self._grounds.tallies.lines.get(line, 0)

    def counts(self, environment: EnvironmentId, app: AppName, job: str) -> tuple[int, int]:
        """Count the queued runs of a job, and its attempts under way."""
        return (
            self.lanes.count(environment, app, job),
            self._grounds.tallies.jobs.get((environment, app, job), 0),
        )
