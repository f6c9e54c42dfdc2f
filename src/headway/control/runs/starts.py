"""Whose turn it is starts: written down, then handed to runners; and who makes room for whom."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

import msgspec

from headway.calculate.placement import Promise
from headway.calculate.queueing import RATE_SPENT, Entry, Pick, pick_first, take_turns
from headway.control.runs import attempts, copies_leaving
from headway.control.runs.claimants import Claimants
from headway.control.runs.gangs import Together
from headway.control.runs.grounds import Backlog, Ground, Grounds, together
from headway.control.runs.lanes import Lanes
from headway.control.runs.locking import are_more
from headway.control.runs.preemptions import Preemptions
from headway.control.runs.runners import Runners
from headway.control.runs.under_way import Active, UnderWay
from headway.control.world import World, whom_of
from headway.model.container import Container
from headway.model.ids import ContainerId, MemberKey, RunId
from headway.model.preempting import Losing, Preempting
from headway.model.run import Attempt, Lane, Run, RunState, Task, lane_of
from headway.ports.store import Writer

_AT_ONCE = 500


class Starts:
    """Has runs start that may, knows why the others wait, and has some end in their favour."""

    def __init__(
        self,
        world: World,
        grounds: Grounds,
        runners: Runners,
        under_way: UnderWay,
        lanes: Lanes,
        wake: Callable[[], None],
    ) -> None:
        self._world = world
        self._grounds = grounds
        self._runners = runners
        self._under_way = under_way
        self._lanes = lanes
        self._wake = wake
        self._preemptions = Preemptions(world)
        self._claimants = Claimants(world)
        self._reasons: dict[Lane, str] = {}
        self._nevers: frozenset[Lane] = frozenset()

    # --- those whose turn it is ------------------------------------------------------------------

    @property
    def are_waited_for(self) -> bool:
        """Whether runs are queued."""
        return not self._lanes.are_empty

    async def start(self) -> None:
        """Start those of the queued runs whose turn it is, and that find room."""
        if not self.are_waited_for:
            self.forget_waiting()
            return
        self._forget_served()
        grounds = await self._grounds.of(self._lanes.lanes())
        locks = await self._claimants.read(self._lanes.lanes().values())
        # From here to what was picked being reserved, nothing else comes between.
        lanes = {lane: row for lane, row in self._lanes.lanes().items() if lane in grounds}
        asked = self._grounds.question(
            lanes, grounds, _AT_ONCE, self._make_room, locks, self._under_way
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
        if len(turn.picks) == _AT_ONCE or (turn.picks and is_more):
            self._wake()

    async def at_once(self, run: Run) -> Run:
        """Give a queued run that is about to be put as starting, where it could start at once.

        So most runs are written down once before they begin, and not twice.
        """
        lane = lane_of(run)
        if run.state is not RunState.QUEUED or run.locks or not self._is_next(run, lane):
            return run  # locks: their lines are to be read first
        ground = await self._grounds.of_one(lane)
        if ground.gang:
            return run  # those that start with it are made as it starts
        if not self._is_next(run, lane):  # any more: the same may have been asked meanwhile
            return run
        entries = {lane: [Entry(run.id, run.unique)]}
        question = self._grounds.question(entries, {lane: ground}, most=1)
        pick = pick_first(question)
        if pick is None:
            return run
        attempt = self._reserve(pick, ground, question.now, number=1)
        return msgspec.structs.replace(run, state=RunState.STARTING, attempts=(attempt,))

    def _is_next(self, run: Run, lane: Lane) -> bool:
        return run.id not in self._under_way and self._lanes.is_empty(lane.line)

    def next_at(self) -> datetime | None:
        """Give when more may start, or somebody loses what is kept for him, if nothing changes."""
        times = (
            self._grounds.rates.next_at(self._lanes.depths()),
            self._preemptions.next_at(),
            self._grounds.look_again_at(),
            self._claimants.next_at(),
        )
        return min((at for at in times if at is not None), default=None)

    def forget_waiting(self) -> None:
        """Forget what was known of runs that waited: none does."""
        self._forget_served()
        self._reasons, self._nevers = {}, frozenset()
        self._grounds.forget(())
        self._claimants.forget()

    def _forget_served(self) -> None:
        """Forget whose turn it was, and what was promised, of those who wait no longer."""
        self._grounds.turns.forget(self._lanes.depths())
        if not self._world.fleet.has_promises:
            return
        counts = self._lanes.counts().items()
        waiting = {lane.name: count * self._grounds.gang_size(lane) for lane, count in counts}
        waiting |= {whom_of(key): len(row[1]) for key, row in self._world.lacking.items()}
        self._preemptions.tidy(waiting)

    async def _claim(self, picks: list[Pick], grounds: Mapping[Lane, Ground]) -> None:
        """Write down that these start, then have their runners start them."""
        now = self._world.clock.now()
        ordered: dict[RunId, Attempt] = {}
        gangs: dict[RunId, Together] = {}
        expected: dict[RunId, Lane] = {}
        for pick in picks:
            if (lane := self._lanes.expected(pick.entry.run)) is not None:
                expected[pick.entry.run] = lane
            first = ordered[pick.entry.run] = self._reserve(pick, grounds[pick.lane], now, number=0)
            if pick.members:
                others = [
                    self._reserve(one, grounds[one.lane], now, number=1) for one in pick.members
                ]
                gangs[pick.entry.run] = together(pick, grounds[pick.lane], (first, *others))
            self._lanes.take(pick.lane, pick.entry.run)
        try:
            written = await self._world.store.write(
                partial(attempts.start, attempts=ordered, now=now, gangs=gangs, expected=expected)
            )
        except BaseException:  # nobody was told to start anything
            for pick in reversed(picks):
                self._free(pick)
                self._lanes.put_back(pick.lane, pick.entry)
            raise
        started = {row.id for row in written.rows}
        for pick in reversed(picks):
            run = pick.entry.run
            if run in started:
                continue
            self._free(pick)  # cancelled meanwhile, never put, or somebody has its lock
            if run in written.locked:
                self._lanes.put_back(pick.lane, pick.entry)
            else:
                self._lanes.doubt(pick.lane)
            self._wake()
        self.send(written.rows)

    def _free(self, pick: Pick) -> None:
        """Give back what a run that does not start has taken, and all of its gang."""
        for one in (pick, *pick.members):
            self._under_way.free(one.entry.run)

    def _reserve(self, pick: Pick, ground: Ground, now: datetime, *, number: int) -> Attempt:
        """Take what an attempt needs; 0 is the number of one that the store is to number."""
        entry, lane, job = pick.entry, pick.lane, ground.job
        key = ground.runner(lane, pick.node)
        slot = self._runners.slot(key)
        assert slot is not None  # the turn asked for it
        runner = slot.container.id
        self._under_way.add(Active(entry.run, number, lane, entry.unique, job, runner))
        self._grounds.rates.took(lane.line)
        slot.busy.add(entry.run)
        return Attempt(
            number=number, release=key.release, runner=runner, node=pick.node, ordered_at=now
        )

    def send(self, rows: Iterable[Run]) -> None:
        """Hand attempts that are durable to their runners."""
        batches: dict[ContainerId, list[Task]] = {}
        for row in rows:
            attempt, active = row.attempt, self._under_way.get(row.id)
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
            slot = self._runners.by_container(container)
            if slot is not None:  # otherwise its end is about to be told
                self._runners.send(slot, tasks)
        if batches:
            self._world.bell.begun()

    # --- taking the place of others --------------------------------------------------------------

    async def preempt(self, key: MemberKey, preempting: Iterable[Preempting]) -> None:
        """Have others give way to containers of an app that fit nowhere."""
        until = self._world.clock.now() + timedelta(seconds=self._world.settings.promise_s)
        for found in preempting:
            promise = Promise(
                whom_of(key), found.node, (found.demand,), frozenset(found.all), until
            )
            self._preemptions.take(key, None, found, [promise])
        await self._preempt()

    def _make_room(self, lane: Lane, run: RunId, found: Losing, promises: Sequence[Promise]) -> str:
        return self._preemptions.take((lane.environment, lane.app), run, found, promises)

    async def _preempt(self) -> None:
        """Write down whose place is taken, then tell them to end."""
        takings = self._preemptions.collected()
        if not takings:
            return
        under_way = self._under_way
        runs = [run for taking in takings for run in taking.found.runs]
        numbers = {run: active.attempt for run in runs if (active := under_way.get(run))}
        now = self._world.clock.now()

        def deed(tx: Writer) -> tuple[list[Run], list[Container]]:
            copies = copies_leaving.preempt(tx, takings, now)
            return attempts.preempt(tx, takings=takings, numbers=numbers, now=now), copies

        try:
            rows, copies = await self._world.store.write(deed)
        except BaseException:
            self._preemptions.withdraw(takings)
            raise
        for row in rows:
            if under_way.of_row(row) is not None:
                self._world.fleet.yielding.leaves(row.id)
        self.tell_to_end(rows)
        copies_leaving.made_known(self._world, copies)
        self._wake()  # more may be wanted than was made room for

    def tell_to_end(self, runs: Iterable[Run]) -> None:
        """Tell runners of attempts that are to end; that it is so is durable."""
        for run in runs:
            active = self._under_way.of_row(run)
            if active is not None:
                self.tell(active)

    def tell(self, active: Active) -> None:
        """Tell the runner of an attempt that it is to end."""
        slot = self._runners.by_container(active.container)
        if slot is not None and slot.line is not None:
            slot.line.cancel(active.run, active.job.grace_s)

    # --- why others wait -------------------------------------------------------------------------

    async def backlog(self) -> list[Backlog]:
        """Give what is queued and waits for nothing but room, by lane."""
        counts = dict(self._lanes.counts())
        for lane, entries in self._lanes.lanes().items():
            if any(entry.locks for entry in entries):
                counts[lane] = self._claimants.startable(entries)
        grounds = await self._grounds.of(counts)
        return self._grounds.backlog(counts, grounds)

    def waits(self) -> dict[str, int]:
        """Say why how many queued runs wait."""
        found: dict[str, int] = {}
        for lane, count in self._lanes.counts().items():
            why = self._reasons.get(lane) or f"their turn in queue {lane.queue}"
            found[why] = found.get(why, 0) + count
        return found

    def nevers(self) -> dict[Lane, str]:
        """Give the lanes of which nothing can ever start, as it is now, and why."""
        counts = self._lanes.counts()
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
        ahead = self._lanes.depth(lane.line)
        return f"it is one of {ahead} that wait for their turn in queue {run.queue}"
