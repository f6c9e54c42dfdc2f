"""The containers that do runs: started where they are needed, listened to, and let go."""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Protocol

from headway.calculate.node import is_draining, is_over_limit
from headway.control.guard import trouble
from headway.control.runs.attempts import is_to_end
from headway.control.runs.book import Book, Standing
from headway.control.runs.runner_failures import RunnerFailures
from headway.control.runs.runner_rows import ask_for, runner_row, tell_to_end
from headway.control.runs.silence import Silence
from headway.control.runs.slots import RunnerKey, Slot, Slots, member_of
from headway.control.world import World
from headway.machine.own_log import Log
from headway.model.container import Container, ContainerKind, ContainerState
from headway.model.ids import AppName, ContainerId, EnvironmentId, NodeId, RunId
from headway.model.job import Job
from headway.model.run import Run, RunFact, Task
from headway.ports.engine import EngineError, EngineUnavailable, Runner

_log = Log()
_AGAIN_S = 0.05
_SHORT_LIFE = timedelta(seconds=10)


class Listener(Protocol):
    """Who is told what runners say."""

    async def resumed(self, slot: Slot, listing: tuple[RunFact, ...]) -> None:
        """A line was opened: this is what the runner knows."""
        ...

    async def took(self, slot: Slot, facts: tuple[RunFact, ...]) -> None:
        """Something became of attempts."""
        ...

    async def gone(self, slot: Slot, because: str) -> None:
        """A runner has ended, and with it every attempt that it had."""
        ...

    def wake(self) -> None:
        """More may be possible than before."""
        ...


class Runners:
    """Keeps one runner for each release that has runs to do on a node."""

    def __init__(self, world: World, book: Book, listener: Listener) -> None:
        self._world = world
        self._book = book
        self._listener = listener
        self._slots = Slots()
        self._failures = RunnerFailures()
        self._starting: set[RunnerKey] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        world.bell.observed.calls(self._observed)
        world.bell.member.calls(self._slots.touch_member)
        world.bell.node.calls(self._slots.touch_all)

    async def open(self) -> None:
        """Take up the runners of before."""
        rows = await self._world.store.read(
            lambda reader: reader.find(Container, kind=ContainerKind.RUNNER, retired=False)
        )
        living = [row for row in rows if not row.is_ended]
        for row in living:
            self._adopt(row)
        ids = {row.id for row in living}
        now = await self._world.store.read(lambda reader: reader.get_all(Container, ids))
        for row in now.values():  # what was observed between the reading and being taken up
            self._observed(row)

    async def close(self) -> None:
        """Let go of every line. The runners live on."""
        tasks = [*self._tasks, *(slot.following for slot in self._slots.all() if slot.following)]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def by_container(self, container: ContainerId) -> Slot | None:
        """Give the slot of a container."""
        return self._slots.by_container(container)

    def slot(self, key: RunnerKey) -> Slot | None:
        """Give a slot whose line is open."""
        slot = self._slots.get(key)
        return slot if slot is not None and slot.line is not None else None

    def crew(
        self, environment: EnvironmentId, app: AppName, release: int
    ) -> tuple[Sequence[NodeId], Mapping[NodeId, str]]:
        """Give the nodes whose runner of a release takes runs, and why others cannot have one."""
        taking = self._slots.taking(environment, app, release)
        for slot in taking.opening:
            slot.is_wanted = True
            self._slots.touch(slot)
        if not len(self._failures):
            return taking.ready, taking.refused
        now = self._world.clock.now()
        failed = self._failures.of_release(environment, app, release, now)
        return taking.ready, taking.refused | failed

    def refusal(self, key: RunnerKey) -> str:
        """Say why a runner that was wanted takes no runs yet."""
        return "its runner is starting" if key in self._slots else "its runner is about to start"

    def want(self, key: RunnerKey) -> None:
        """Have a runner started, unless there is one or one has just failed."""
        waits = self._failures.must_wait(key, self._world.clock.now())
        if key in self._slots or key in self._starting or waits:
            return
        self._starting.add(key)
        self._do(self._start(key))

    def retry_at(self) -> datetime | None:
        """Give when a runner that failed may be started again."""
        return self._failures.next_at(self._world.clock.now())

    def send(self, slot: Slot, tasks: list[Task]) -> None:
        """Hand attempts to a runner."""
        slot.busy.update(task.run for task in tasks)
        if slot.idle_since is not None:
            slot.silence.heard(self._world.clock.now())
            slot.idle_since = None
            self._slots.touch(slot)
        if slot.line is not None:
            slot.line.send(tasks)

    def done(self, slot: Slot, run: RunId) -> None:
        """Note that a runner has one attempt less."""
        slot.busy.discard(run)
        if not slot.busy:
            slot.idle_since = self._world.clock.now()
            self._slots.touch(slot)

    async def let_go(self) -> datetime | None:
        """End runners that nothing needs; gives when to look again."""
        now = self._world.clock.now()
        for slot in self._slots.due(now):
            self._slots.looked(slot)
            try:
                await self._look(slot, now)
            except BaseException:
                self._slots.touch(slot)
                raise
        return self._slots.next_at()

    async def _look(self, slot: Slot, now: datetime) -> None:
        """End a runner that nothing needs, or hand back what it does, or find out if it lives."""
        standing = await self._book.standing(member_of(slot))
        is_wanted, slot.is_wanted = slot.is_wanted, False
        await self._cut_short(slot, standing.shut or await self.leaving(slot))
        if not (slot.busy or slot.is_ending or slot.container.state is ContainerState.STOPPING):
            because = self._useless(slot, standing, now, is_wanted=is_wanted)
            if because:
                await self._stop(slot, because)
        if is_wanted:  # as long as it is: the next time that is asked anew
            self._slots.touch(slot)
        for at in (self._look_at(slot, now), await self._ask_again(slot, now)):
            if at is not None:
                self._slots.look_at(slot, at)

    def _look_at(self, slot: Slot, now: datetime) -> datetime | None:
        """Give when a runner's runs are to be handed back, or it has been idle for long enough."""
        hold = self._world.roster.holds.get(slot.key.node)
        if slot.busy:
            at = hold.until if hold is not None else None
        else:
            at = slot.idle_since + self._idle if slot.idle_since is not None else None
        return None if at is None or at <= now else at

    async def _ask_again(self, slot: Slot, now: datetime) -> datetime | None:
        """Open the line anew to a runner that is quiet; gives when that is to be looked at."""
        if not slot.busy or slot.line is None:
            return None
        at = slot.silence.quiet_at(self._silence)
        if now < at:
            return at
        await slot.line.close()
        return None

    @property
    def _silence(self) -> timedelta:
        return timedelta(seconds=self._world.settings.runner_silence_s)

    @property
    def _idle(self) -> timedelta:
        return timedelta(seconds=self._world.settings.runner_idle_s)

    def _useless(self, slot: Slot, standing: Standing, now: datetime, *, is_wanted: bool) -> str:
        """Say why a runner that does nothing is let go; empty while it is kept."""
        if standing.shut:
            return standing.shut
        if is_draining(self._world.roster.holds, slot.key.node):
            return f"{slot.key.node} is drained, and nothing runs in it"
        if is_wanted and slot.line is None:  # a run of an older release waits for it
            return ""
        if standing.release is None or standing.release.number != slot.key.release:
            return "its release is not live any more"
        if slot.idle_since is not None and now >= slot.idle_since + self._idle:
            return f"nothing ran in it for {self._idle.total_seconds():g} s"
        return ""

    async def leaving(self, slot: Slot) -> str:
        """Say why what a runner still does is handed back; empty where it may go on."""
        node, holds = slot.key.node, self._world.roster.holds
        if node not in holds or not is_over_limit(holds, node, self._world.clock.now()):
            return ""
        standing = await self._book.standing(member_of(slot))
        return "" if standing.shut else f"{node} is drained, and the time to end by itself is over"

    async def _cut_short(self, slot: Slot, because: str) -> None:
        """Have runs end, once; a runner that cannot be told ends with them."""
        if not because:
            slot.is_cut_short = False
        elif slot.busy and slot.line is not None and not slot.is_cut_short:
            slot.is_cut_short = True
            await self._cancel(slot, slot.line, await self._under_way(slot))
        elif slot.busy and slot.line is None and not slot.is_ending and await self.leaving(slot):
            await self._stop(slot, because)

    # --- starting and ending ---------------------------------------------------------------------

    def _do(self, deed: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(deed)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            assert isinstance(error, Exception)
            trouble(self._world, "runners", error)

    async def _start(self, key: RunnerKey) -> None:
        row = runner_row(self._world, key)
        self._world.note(row)
        try:
            row = await self._world.store.write(partial(ask_for, row=row))
        except BaseException:
            self._world.give_up(row)
            raise
        finally:
            self._starting.discard(key)
        self._adopt(row)
        self._world.bell.container(row)

    async def _stop(self, slot: Slot, because: str) -> None:
        now = self._world.clock.now()
        deed = partial(tell_to_end, runner=slot.container.id, because=because, now=now)
        slot.is_ending, slot.stopped_for = True, because  # nothing is handed to it meanwhile
        self._slots.changed(slot)
        try:
            row = await self._world.store.write(deed)
        except BaseException:
            slot.is_ending = False
            self._slots.touch(slot)
            raise
        if row is not None:
            slot.container = row
            self._world.bell.container(row)

    def _adopt(self, row: Container) -> None:
        key = RunnerKey(row.environment, row.app, row.release, row.node)
        now = self._world.clock.now()
        slot = Slot(key, row, Silence(now), idle_since=now)
        self._slots.add(slot)
        if row.state is ContainerState.HEALTHY:
            self._follow(slot)

    # --- listening -------------------------------------------------------------------------------

    def _observed(self, row: Container) -> None:
        if row.kind is not ContainerKind.RUNNER:
            return
        slot = self.by_container(row.id)
        if slot is None:
            return
        slot.container = row
        self._slots.touch(slot)
        if row.is_ended:
            self._do(self._over(slot))
        elif row.state is ContainerState.HEALTHY:
            self._follow(slot)

    def _follow(self, slot: Slot) -> None:
        if slot.following is None:
            slot.following = asyncio.create_task(self._listen(slot), name=slot.container.id)
            slot.following.add_done_callback(self._done)

    async def _listen(self, slot: Slot) -> None:
        """Hold the line to a runner until it has ended."""
        while self._slots.has(slot):
            try:
                line = await self._world.engine.attach(slot.container.id)
            except EngineError as error:
                await self._not_answered(slot, error)
                await asyncio.sleep(_AGAIN_S)
                continue
            try:
                slot.line = line
                self._slots.changed(slot)
                slot.silence.heard(self._world.clock.now())
                await self._listener.resumed(slot, line.listing)
                slot.is_cut_short = False
                self._slots.touch(slot)
                await self._cancel_again(slot, line)
                self._listener.wake()
                async for facts in line.facts():
                    slot.silence.heard(self._world.clock.now())
                    await self._listener.took(slot, facts)
            except EngineUnavailable:
                _log.info("the line to a runner was cut", container=slot.container.id)
            except Exception as error:  # noqa: BLE001 (a new line tells all that was not taken)
                trouble(self._world, "runners", error)
            finally:
                slot.line = None
                self._slots.touch(slot)
                await line.close()
            await asyncio.sleep(_AGAIN_S)

    async def _not_answered(self, slot: Slot, error: EngineError) -> None:
        """End a runner that hangs: its runs go on elsewhere, or are lost, by their delivery."""
        now = self._world.clock.now()
        slot.silence.refused(now)
        if slot.is_ending or not slot.silence.is_dead(now, self._silence):
            return
        await self._stop(slot, f"it has not answered for {self._silence.total_seconds():g} s")
        _log.warning("a runner hangs", container=slot.container.id, error=str(error))

    async def _cancel_again(self, slot: Slot, line: Runner) -> None:
        """Tell of cancellations once more: who told of them may have been cut off."""
        rows = await self._under_way(slot)
        await self._cancel(slot, line, [row for row in rows if is_to_end(row)])

    async def _under_way(self, slot: Slot) -> list[Run]:
        busy = sorted(slot.busy)
        rows = await self._world.store.read(lambda reader: [reader.get(Run, one) for one in busy])
        return [row for row in rows if row is not None and row.is_active]

    async def _cancel(self, slot: Slot, line: Runner, rows: list[Run]) -> None:
        for row in rows:
            key = (row.environment, row.app)
            job = await self._book.job(key, slot.key.release, row.job) or Job(name=row.job)
            line.cancel(row.id, job.grace_s)

    async def _over(self, slot: Slot) -> None:
        if not self._slots.has(slot):
            return
        row = slot.container
        wanted = row.exit is not None and row.exit.reason == "stopped"
        said = slot.stopped_for or (row.exit.sentence if row.exit else "it was lost")
        self._slots.remove(slot)
        if slot.following is not None:
            slot.following.cancel()
        self._note_failure(slot, said, wanted=wanted)
        while True:
            try:
                await self._listener.gone(slot, said)
            except Exception as error:  # noqa: BLE001 (nobody else will tell of it again)
                trouble(self._world, "runners", error)
                await asyncio.sleep(_AGAIN_S)
            else:
                return

    def _note_failure(self, slot: Slot, said: str, *, wanted: bool) -> None:
        """A runner that ends as soon as it has begun is not started again at once."""
        now = self._world.clock.now()
        began_at = slot.container.started_at or slot.container.created_at
        if wanted or now - began_at > _SHORT_LIFE:
            self._failures.forget(slot.key)
        else:
            self._failures.note(slot.key, said, now)
