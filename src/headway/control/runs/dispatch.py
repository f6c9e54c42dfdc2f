"""The loop over runs: what is due is queued, whose turn it is starts, ends are written down."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial

import msgspec

from headway.calculate.gang import steadfast
from headway.calculate.queueing import (
    RATE_SPENT,
    Entry,
    Line,
    Pick,
    take_turns,
)
from headway.control.runs import attempts, followers
from headway.control.runs.book import Book
from headway.control.runs.claimants import Claimants
from headway.control.runs.ends import Ends
from headway.control.runs.gangs import Together
from headway.control.runs.grounds import Backlog, Ground, Grounds, together
from headway.control.runs.lanes import Lanes
from headway.control.runs.locking import are_more
from headway.control.runs.preemptions import Preemptions, whom_of
from headway.control.runs.runners import Runners
from headway.control.runs.slots import Slot
from headway.control.runs.targets import Targets
from headway.control.runs.under_way import Active, UnderWay
from headway.control.settling import made_known
from headway.control.waiting import rung
from headway.control.world import MemberKey, World
from headway.model.demand import Demand
from headway.model.ids import AppName, ContainerId, EnvironmentId, RunId
from headway.model.job import Job
from headway.model.preempting import Preempting
from headway.model.queue import QueueHold
from headway.model.run import (
    Attempt,
    Lane,
    Run,
    RunState,
    Task,
    lane_of,
)
from headway.ports.store import StoreError

_STARTS_AT_ONCE = 500
_DUE_AT_ONCE = 1000


class Dispatch:
    """Decides in memory, from what is active; the store holds every run's whole state."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.book = Book(world)
        self.targets = Targets(world)
        self._ends = Ends(world, self)
        self.runners = Runners(world, self.book, self._ends)
        self._grounds = Grounds(world, self.book, self.runners)
        self.under_way = UnderWay(world, self._grounds.tallies, self.runners)
        self.lanes = Lanes(world, self.under_way)
        self._preemptions = Preemptions(world)
        self._claimants = Claimants(world)
        self._reasons: dict[Lane, str] = {}
        self._nevers: frozenset[Lane] = frozenset()
        self._next_due: datetime | None = None
        self._wake = asyncio.Event()
        self.opened = asyncio.Event()
        world.bell.on_member(lambda _key: self.wake())
        world.bell.on_node(self.wake)
        world.bell.on_lease(self.wake)

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

    async def _open(self) -> None:
        world = self._world
        rows = await world.store.read(lambda reader: reader.find(Run, active=1))
        holds = await world.store.read(lambda reader: reader.find(QueueHold))
        self._grounds.holds = {(row.environment, row.app, row.name): row for row in holds}
        for row in rows:
            await self._take_up(row)
        await world.store.write(partial(followers.catch_up, now=world.clock.now()))
        await self.lanes.open()
        self._ends.followed.open(await world.store.read(lambda reader: reader.tally(Run, "awaits")))
        self._next_due = world.clock.now()
        await self.runners.open()
        orphans = [
            row for row in self.under_way.all() if self.runners.by_container(row.container) is None
        ]
        await self._ends.lose(orphans, "its runner ended while nobody looked")

    async def _take_up(self, row: Run) -> None:
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
            self.under_way.take_up(row, attempt, job, steadfast(demand) if row.gang else demand)
        if attempt.preempted:
            self._world.fleet.leaves(row.id)

    async def _beat(self) -> datetime | None:
        now = self._world.clock.now()
        if self._next_due is not None and now >= self._next_due:
            self._next_due = await self._queue_due(now)
        await self.lanes.fill()
        await self._start_some()
        times = [
            self._next_due,
            await self.runners.let_go(),
            self.runners.retry_at(),
            self._grounds.rates.next_at(self.lanes.depths()),
            self._preemptions.next_at(),
            self._grounds.look_again_at(),
            self._claimants.next_at(),
        ]
        return min((at for at in times if at is not None), default=None)

    # --- what is due -----------------------------------------------------------------------------

    async def _queue_due(self, now: datetime) -> datetime | None:
        """Queue what is due and expire what is too late; gives the next such time."""
        now_us = round(now.timestamp() * 1e6)
        passed = await self._world.store.write(
            partial(
                followers.pass_time,
                settings=self._world.settings,
                now=now,
                now_us=now_us,
                limit=_DUE_AT_ONCE,
            )
        )
        self.lanes.add(passed.queued)
        for lane, run in passed.left:
            self.lanes.take(lane, run)
        await self._ends.follow_up(passed.expired)
        if passed.leases:
            await made_known(self._world, passed.leases)
        if passed.next_us is None:
            return None
        return max(now, datetime.fromtimestamp(passed.next_us / 1e6, tz=now.tzinfo))

    def due(self, at: datetime) -> None:
        """Look again at this time at the latest."""
        if self._next_due is None or at < self._next_due:
            self._next_due = at
            self.wake()

    # --- starting --------------------------------------------------------------------------------

    async def _start_some(self) -> None:
        if not self.is_waited_for:
            self.forget_waiting()
            return
        self._forget_served()
        grounds = await self._grounds.of(self.lanes.lanes())
        locks = await self._claimants.read(self.lanes.lanes().values())
        # From here to what was picked being reserved, nothing else comes between.
        lanes = {lane: row for lane, row in self.lanes.lanes().items() if lane in grounds}
        asked = self._grounds.question(
            lanes, grounds, _STARTS_AT_ONCE, self._make_room, locks, self.under_way
        )
        self._grounds.forget(lanes)
        turn = take_turns(asked)
        self._reasons, self._nevers = turn.reasons, turn.nevers
        is_more = are_more(lanes.values())  # now: those that were picked leave their lanes
        if turn.reasons:
            self._world.bell.pool()
        if turn.picks:
            await self._claim(turn.picks, grounds)
        await self._claimants.took_turns(turn)
        await self._preempt()
        if len(turn.picks) == _STARTS_AT_ONCE or (turn.picks and is_more):
            self.wake()

    @property
    def is_waited_for(self) -> bool:
        """Whether runs wait for a place."""
        return not self.lanes.are_empty

    def forget_waiting(self) -> None:
        """Forget what was known of runs that waited: none does."""
        self._forget_served()
        self._reasons, self._nevers = {}, frozenset()
        self._grounds.forget(())
        self._claimants.forget()

    def _forget_served(self) -> None:
        """Forget whose turn it was, and what was promised, of those who wait no longer."""
        self._grounds.turns.forget(self.lanes.depths())
        if self._world.fleet.has_promises:
            self._tidy()

    async def _claim(self, picks: list[Pick], grounds: Mapping[Lane, Ground]) -> None:
        """Write down that these start, then have their runners start them."""
        now = self._world.clock.now()
        ordered: dict[RunId, Attempt] = {}
        gangs: dict[RunId, Together] = {}
        for pick in picks:
            first = ordered[pick.entry.run] = self._reserve(pick, grounds[pick.lane], now, number=0)
            if pick.members:
                others = [
                    self._reserve(one, grounds[one.lane], now, number=1) for one in pick.members
                ]
                gangs[pick.entry.run] = together(pick, grounds[pick.lane], (first, *others))
            self.lanes.take(pick.lane, pick.entry.run)
        try:
            written = await self._world.store.write(
                partial(attempts.start, attempts=ordered, now=now, gangs=gangs)
            )
        except BaseException:  # nobody was told to start anything
            for pick in reversed(picks):
                self._free(pick)
                self.lanes.put_back(pick.lane, pick.entry)
            raise
        started = {row.id for row in written.rows}
        for pick in reversed(picks):
            run = pick.entry.run
            if run in started:
                continue
            self._free(pick)  # cancelled meanwhile, or somebody has its lock
            if run in written.locked:
                self.lanes.put_back(pick.lane, pick.entry)
            self.wake()
        self.send(written.rows)

    def _free(self, pick: Pick) -> None:
        """Give back what a run that does not start has taken, and all of its gang."""
        for one in (pick, *pick.members):
            self.under_way.free(one.entry.run)

    async def start_more(self) -> None:
        """Start what may in places that have become free."""
        with suppress(StoreError):  # the next beat tries the same, and tells of its trouble
            await self._start_some()

    def left(self, slot: Slot) -> None:
        """Take over that attempts have left a runner, and that this is durable."""
        if self.lanes.depths() or not slot.busy:
            self.wake()
        else:  # nobody waits for the room, and the runner goes on
            self._grounds.turns.forget(())

    def _reserve(self, pick: Pick, ground: Ground, now: datetime, *, number: int) -> Attempt:
        """Take what an attempt needs; 0 is the number of one that the store is to number."""
        entry, lane, job = pick.entry, pick.lane, ground.job(pick.lane)
        key = ground.runner(lane, pick.node)
        slot = self.runners.slot(key)
        assert slot is not None  # the turn asked for it
        runner = slot.container.id
        self.under_way.add(Active(entry.run, number, lane, entry.unique, job, runner))
        self._grounds.rates.took(lane.line)
        slot.busy.add(entry.run)
        return Attempt(
            number=number, release=key.release, runner=runner, node=pick.node, ordered_at=now
        )

    def send(self, rows: Iterable[Run]) -> None:
        """Hand attempts that are durable to their runners."""
        batches: dict[ContainerId, list[Task]] = {}
        for row in rows:
            attempt, active = row.attempt, self.under_way.get(row.id)
            if attempt is None or active is None:
                continue
            active.attempt = attempt.number
            task = Task(
                run=row.id,
                attempt=attempt.number,
                job=row.job,
                parameters=row.parameters,
                timeout_s=active.job.timeout_s,
                locks=row.locks,
                fence=attempt.fence,
                gang=row.gang,
            )
            batches.setdefault(attempt.runner, []).append(task)
        for container, tasks in batches.items():
            slot = self.runners.by_container(container)
            if slot is not None:  # otherwise its end is about to be told
                self.runners.send(slot, tasks)

    # --- taking the place of others --------------------------------------------------------------

    async def preempt(self, key: MemberKey, preempting: Iterable[Preempting]) -> None:
        """Have runs give way to containers of an app that fit nowhere."""
        for found in preempting:
            self._preemptions.take(key, whom_of(key), None, found, (found.demand,))
        await self._preempt()

    def _make_room(self, lane: Lane, run: RunId, alone: Demand, found: Preempting) -> str:
        owner = lane.environment, lane.app
        return self._preemptions.take(owner, lane.name, run, found, (found.demand, alone))

    async def _preempt(self) -> None:
        """Write down whose place is taken, then tell them to end."""
        takings = self._preemptions.collected()
        if not takings:
            return
        runs = [run for taking in takings for run in taking.found.runs]
        numbers = {run: active.attempt for run in runs if (active := self.under_way.get(run))}
        now = self._world.clock.now()
        deed = partial(attempts.preempt, takings=takings, numbers=numbers, now=now)
        try:
            rows = await self._world.store.write(deed)
        except BaseException:
            self._preemptions.withdraw(takings)
            raise
        for row in rows:
            active = self.under_way.get(row.id)
            if active is not None and row.attempt and active.attempt == row.attempt.number:
                self._world.fleet.leaves(row.id)
        self.tell_to_end(rows)
        self.wake()  # more may be wanted than was made room for

    def _tidy(self) -> None:
        counts = self.lanes.counts().items()
        waiting = {lane.name: count * self._grounds.gang_size(lane) for lane, count in counts}
        waiting |= {whom_of(key): len(row[1]) for key, row in self._world.lacking.items()}
        self._preemptions.tidy(waiting)

    def tell_to_end(self, runs: Iterable[Run]) -> None:
        """Tell runners of attempts that are to end; that it is so is durable."""
        for run in runs:
            active = self.under_way.get(run.id)
            if active is not None and run.attempt and active.attempt == run.attempt.number:
                self._tell_to_end(active)

    def _tell_to_end(self, active: Active) -> None:
        slot = self.runners.by_container(active.container)
        if slot is not None and slot.line is not None:
            slot.line.cancel(active.run, active.job.grace_s)

    # --- runs that were just made ----------------------------------------------------------------

    async def try_now(self, run: Run) -> Run:
        """Give a queued run that is about to be put as starting, where it could start at once.

        So most runs are written down once before they begin, and not twice.
        """
        if (
            run.id in self.under_way
            or run.state is not RunState.QUEUED
            or run.locks  # their lines are to be read first
            or not self.lanes.is_empty(lane_of(run).line)
        ):
            return run
        lane = lane_of(run)
        grounds = await self._grounds.of([lane])
        if grounds[lane].release is not None and grounds[lane].job(lane).gang:
            return run  # those that start with it are made as it starts
        question = self._grounds.question({lane: [Entry(run.id, run.unique)]}, grounds, 1)
        picks = take_turns(question).picks
        if not picks:
            return run
        attempt = self._reserve(picks[0], grounds[lane], self._world.clock.now(), number=1)
        return msgspec.structs.replace(run, state=RunState.STARTING, attempts=(attempt,))

    def made(self, runs: Sequence[Run]) -> None:
        """Take over runs that are durable now."""
        self.send(run for run in runs if run.is_active)
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

    def not_made(self, runs: Iterable[Run]) -> None:
        """Give back what runs held that were not put after all."""
        for run in runs:
            self.under_way.free(run.id)
            self.lanes.doubt(lane_of(run))  # it may be there, and have become due meanwhile
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
            self._tell_to_end(active)

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

    def running(self, line: Line) -> int:
        """Count the attempts under way in a queue."""
        return self._grounds.tallies.lines.get(line, 0)

    def counts(self, environment: EnvironmentId, app: AppName, job: str) -> tuple[int, int]:
        """Count the queued runs of a job, and its attempts under way."""
        return (
            self.lanes.count(environment, app, job),
            self._grounds.tallies.jobs.get((environment, app, job), 0),
        )

    async def backlog(self) -> list[Backlog]:
        """Give what is queued and waits for nothing but room, by lane."""
        counts = dict(self.lanes.counts())
        for lane, entries in self.lanes.lanes().items():
            if any(entry.locks for entry in entries):
                counts[lane] = self._claimants.startable(entries)
        grounds = await self._grounds.of(counts)
        return self._grounds.backlog(counts, grounds)

    def waits(self) -> dict[str, int]:
        """Say why how many queued runs wait."""
        found: dict[str, int] = {}
        for lane, count in self.lanes.counts().items():
            why = self._reasons.get(lane) or f"their turn in queue {lane.queue}"
            found[why] = found.get(why, 0) + count
        return found

    def nevers(self) -> dict[Lane, str]:
        """Give the lanes of which nothing can ever start, as it is now, and why."""
        counts = self.lanes.counts()
        return {lane: self._reasons[lane] for lane in counts if lane in self._nevers}

    def is_in_vain(self, run: Run) -> bool:
        """Say whether a queued run can never start on what there is and may come."""
        return run.state is RunState.QUEUED and lane_of(run) in self._nevers

    def reason(self, run: Run) -> str:
        """Say why a queued run has not started yet."""
        lane = lane_of(run)
        if held_up := self._claimants.reason(run.id):
            return held_up
        because = self._reasons.get(lane)
        if because:
            at = self._grounds.rates.next_at((lane.line,))
            spent = at is not None and because.endswith(RATE_SPENT)
            passed = "" if spent else self._grounds.passed_over(run.id, lane)
            said = f", and the next at {at:%H:%M:%S} UTC" if spent else passed and f"; {passed}"
            return f"{because}{said}"
        ahead = self.lanes.depth(lane.line)
        return f"it is one of {ahead} that wait for their turn in queue {run.queue}"
