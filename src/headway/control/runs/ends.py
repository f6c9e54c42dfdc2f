"""What runners say of attempts, or never will: written down, and what follows from it."""

import asyncio
from collections.abc import Coroutine, Sequence
from functools import partial
from typing import Any, Protocol

import msgspec

from headway.control.last_words import LINES, last_words
from headway.control.leases.settling import made_known
from headway.control.runs import attempts, followers
from headway.control.runs.book import Book
from headway.control.runs.failures import Failures
from headway.control.runs.runners import Runners
from headway.control.runs.slots import Slot, member_of
from headway.control.runs.starts import Starts
from headway.control.runs.under_way import Active, UnderWay
from headway.control.world import World
from headway.machine.chance import chance
from headway.model.run import Run, RunFact, RunFactState

_LATER_S = 0.005
"""A beginning is written down this much later, unless its end comes first: most do."""


class Dispatcher(Protocol):
    """Who decides what starts."""

    book: Book
    runners: Runners
    under_way: UnderWay
    starts: Starts
    failures: Failures

    def wake(self) -> None:
        """More may be possible than before."""
        ...

    def made(self, runs: Sequence[Run]) -> None:
        """Runs are durable that are queued again, or wait."""
        ...

    async def start_more(self) -> None:
        """Places are free."""
        ...

    def left(self, slot: Slot) -> None:
        """What left a runner is written down."""
        ...


class Ends:
    """Listens to runners."""

    def __init__(self, world: World, dispatch: Dispatcher) -> None:
        self._world = world
        self._dispatch = dispatch
        self._began: dict[str, RunFact] = {}
        self._writing: asyncio.TimerHandle | None = None
        self._background: set[asyncio.Task[None]] = set()
        self.followed = followers.Followed()

    async def close(self) -> None:
        """Write nothing more."""
        if self._writing is not None:
            self._writing.cancel()
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)

    def wake(self) -> None:
        """Hear that more may be possible than before."""
        self._dispatch.wake()

    # --- what runners say ------------------------------------------------------------------------

    async def resumed(self, slot: Slot, listing: tuple[RunFact, ...]) -> None:
        """Compare what a runner knows with what it was asked for, and ask again for the rest."""
        known = {(fact.run, fact.attempt) for fact in listing}
        asked = self._dispatch.under_way.of(slot.container.id)
        missing = [row for row in asked if (row.run, row.attempt) not in known]
        rows = await self._world.store.read(
            lambda reader: [reader.get(Run, row.run) for row in missing]
        )
        slot.busy = {row.run for row in self._dispatch.under_way.of(slot.container.id)}
        self._dispatch.starts.send(row for row in rows if row is not None and row.is_active)
        await self.took(slot, listing)

    async def took(self, slot: Slot, facts: tuple[RunFact, ...]) -> None:
        """Write down what became of attempts; then the runner may forget those that ended.

        What starts in their place is decided at once, so that both are made durable together.
        """
        ended = [fact for fact in facts if fact.state is RunFactState.ENDED]
        over = {fact.run for fact in ended}
        for fact in facts:
            if fact.state is RunFactState.BEGAN and fact.run not in over:
                self._note_begun(fact)
        if not ended:
            return
        for fact in ended:
            if (active := self._dispatch.under_way.current(fact)) is not None:
                self._dispatch.under_way.release(active)
        loud: list[RunFact] = []
        silent: list[RunFact] = []
        for fact in ended:
            (silent if _is_silent(fact) else loud).append(fact)
        parts = ((loud, False), (silent, True))
        concluding = [
            self._spawn(self._conclude(slot, part, are_silent=are_silent))
            for part, are_silent in parts
            if part
        ]
        for task in concluding:
            slot.concluding.add(task)
            task.add_done_callback(slot.concluding.discard)
        if self._dispatch.starts.are_waited_for:
            self._spawn(self._dispatch.start_more())
        else:
            self._dispatch.starts.forget_waiting()
        for task in concluding:
            await asyncio.shield(task)  # the runner may go meanwhile: what it said counts

    async def _conclude(self, slot: Slot, ended: list[RunFact], *, are_silent: bool) -> None:
        under_way = self._dispatch.under_way
        jobs = {
            fact.run: active.job
            for fact in ended
            if (active := under_way.get(fact.run)) is not None
        }
        for fact in ended:
            self._began.pop(fact.run, None)
        told = ended
        if are_silent:
            told = [await self._with_last_line(slot, fact) for fact in ended]
        now = self._world.clock.now()
        conclude = partial(
            attempts.conclude,
            facts=told,
            jobs=jobs,
            settings=self._world.settings,
            leaving=await self._dispatch.runners.leaving(slot),
            now=now,
            jitter=chance().random(),
        )
        written = await self._world.store.write(conclude)
        if slot.line is not None:
            slot.line.acknowledge(ended)
        for fact in ended:
            if under_way.current(fact) is not None:
                under_way.free(fact.run)
        self._dispatch.left(slot)
        await self._settle(written)

    async def _with_last_line(self, slot: Slot, fact: RunFact) -> RunFact:
        """Add what an attempt wrote last to how it ended, as nothing else says why it failed."""
        end, world = fact.exit, self._world
        assert end is not None  # else it were not silent
        log = world.engine.run_logs(fact.run, fact.attempt, tail=LINES)
        wrote = await last_words(world, slot.container.node, log)
        return msgspec.structs.replace(fact, exit=msgspec.structs.replace(end, wrote=wrote))

    def _note_begun(self, fact: RunFact) -> None:
        if not self._began:
            loop = asyncio.get_running_loop()
            self._writing = loop.call_later(_LATER_S, self._write_begun)
        self._began[fact.run] = fact

    def _write_begun(self) -> None:
        facts, self._began = list(self._began.values()), {}
        if not facts:
            return
        now = self._world.clock.now()
        self._spawn(self._world.store.write(partial(attempts.begin, facts=facts, now=now)))

    # --- what nobody will say any more -----------------------------------------------------------

    async def gone(self, slot: Slot, because: str) -> None:
        """Take over that a runner has ended: nobody will say what became of its attempts."""
        dispatch = self._dispatch
        standing = await dispatch.book.standing(member_of(slot))
        leaving = await dispatch.runners.leaving(slot)
        await asyncio.gather(*slot.concluding, return_exceptions=True)  # what it said counts
        rows = dispatch.under_way.of(slot.container.id)
        why = leaving or f"its runner ended: {because}"
        await self.lose(rows, why, ending=standing.shut, is_handed_back=bool(leaving))
        dispatch.wake()
        self._world.bell.node()

    async def lose(
        self, rows: list[Active], because: str, ending: str = "", *, is_handed_back: bool = False
    ) -> None:
        """Write down that it is not known how attempts ended."""
        gone = {row.run: attempts.Gone(row.container, row.job, is_handed_back) for row in rows}
        if not gone:
            return
        now = self._world.clock.now()
        lose = partial(
            attempts.lose,
            gone=gone,
            because=because,
            ending=ending,
            settings=self._world.settings,
            now=now,
        )
        written = await self._world.store.write(lose)
        under_way = self._dispatch.under_way
        for run, (runner, *_) in gone.items():
            active = under_way.get(run)
            if active is not None and active.container == runner:  # not tried again meanwhile
                under_way.free(run)
        await self._settle(written)

    # --- what follows ----------------------------------------------------------------------------

    async def _settle(self, written: attempts.Ended) -> None:
        """Queue what is to be tried again, and go on with what waited for an end, or a lock."""
        self._dispatch.starts.tell_to_end(written.to_end)
        await self._go_on(written.rows)
        if written.leases:
            await made_known(self._world, written.leases)

    async def _go_on(self, rows: list[Run]) -> None:
        ended = [row for row in rows if row.is_ended]
        if len(ended) < len(rows):
            self._dispatch.made([row for row in rows if not row.is_ended])
        await self.follow_up(ended)

    async def follow_up(self, ended: list[Run]) -> None:
        """Go on with what waited for these."""
        self._dispatch.failures.note(ended)
        awaited = [run for run in ended if self.followed.is_awaited(run)]
        if not awaited:
            return
        now = self._world.clock.now()
        rows = await self._world.store.write(partial(followers.follow_up, ended=awaited, now=now))
        for run in awaited:
            self.followed.drop(run)
        await self._go_on(rows)

    def follow_up_soon(self, ended: list[Run]) -> None:
        """Go on with what waited for these; nobody waits until that is done."""
        self._spawn(self.follow_up(ended))

    def _spawn(self, deed: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.create_task(deed)
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return task


def _is_silent(fact: RunFact) -> bool:
    """Say whether an attempt failed, and nothing but what it wrote says why."""
    end = fact.exit
    if end is None or end.status == 0:
        return False
    return not (fact.failure or fact.limit or fact.cancelled)
