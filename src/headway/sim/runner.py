"""A runner in memory, and the line to it: runs do what their parameters say.

It knows the parameters `sleep_s`, `fail`, `exit` and `result`, so that a scenario writes down what
is to happen.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from headway.model.container import Exit
from headway.model.ids import ContainerId, RunId
from headway.model.run import RunFact, RunFactState, RunFailure, Task, no_result
from headway.ports.engine import EngineUnavailable
from headway.sim.watch import Watch


@dataclass(slots=True)
class _Doing:
    """An attempt under way."""

    fact: RunFact
    wish: dict[str, Any]
    end: asyncio.Handle


class SimulatedRunner:
    """One simulated runner; `attach` gives lines to it."""

    def __init__(
        self,
        identity: ContainerId,
        now: Callable[[], datetime],
        watch: Watch,
        begun: list[tuple[RunId, int]],
    ) -> None:
        """Make a runner that does nothing yet; what it begins is added to `begun`."""
        self._id = identity
        self._now = now
        self._watch = watch
        self._begun = begun
        self._running: dict[RunId, _Doing] = {}
        self._ended: dict[tuple[RunId, int], RunFact] = {}
        self._known: set[tuple[RunId, int]] = set()
        self._line: SimulatedLine | None = None
        self.is_hung = False

    @property
    def is_busy(self) -> bool:
        """Whether an attempt is under way."""
        return bool(self._running)

    def attach(self) -> "SimulatedLine":
        """Open the line; the one before ends."""
        if self._line is not None:
            self._line.cut()
        began = tuple(doing.fact for doing in self._running.values())
        self._line = SimulatedLine(self, (*began, *self._ended.values()))
        return self._line

    def begin(self, task: Task) -> None:
        """Begin an attempt, unless it was begun before."""
        key = (task.run, task.attempt)
        if key in self._known or self.is_hung:
            return
        self._known.add(key)
        self._begun.append(key)
        self._watch.began(self._id, task)
        began_at = self._now()
        fact = RunFact(
            run=task.run, attempt=task.attempt, state=RunFactState.BEGAN, began_at=began_at
        )
        wish: dict[str, Any] = msgspec.json.decode(task.parameters)
        sleep_s = wish.get("sleep_s", 0)
        loop = asyncio.get_running_loop()
        if sleep_s > task.timeout_s:
            end = loop.call_later(task.timeout_s, self._time_out, task.run, task.timeout_s)
        else:
            end = loop.call_later(sleep_s, self._do, task.run)
        self._running[task.run] = _Doing(fact, wish, end)
        self._tell(fact)

    def cancel(self, run: RunId) -> None:
        """End an attempt."""
        doing = self._running.get(run)
        if doing is not None:
            doing.end.cancel()
            doing.end = asyncio.get_running_loop().call_soon(self._do, run, True)

    def forget(self, facts: Sequence[RunFact]) -> None:
        """Keep ends no longer."""
        for fact in facts:
            self._ended.pop((fact.run, fact.attempt), None)

    def cut(self) -> None:
        """Cut the line."""
        if self._line is not None:
            self._line.cut()

    def hang(self) -> None:
        """Say and do nothing any more, but go on."""
        self.is_hung = True
        for doing in self._running.values():
            doing.end.cancel()

    def kill(self) -> None:
        """End everything without a word."""
        for doing in self._running.values():
            doing.end.cancel()
            self._watch.finished(self._id, doing.fact)
        self._running.clear()
        if self._line is not None:
            self._line.cut()

    def _time_out(self, run: RunId, limit_s: float) -> None:
        now = self._now()
        end = Exit(signal=15, reason=f"time limit {limit_s:g} s reached", at=now)
        fact, state = self._running[run].fact, RunFactState.ENDED
        self._end(msgspec.structs.replace(fact, state=state, ended_at=now, exit=end, limit="time"))

    def _do(self, run: RunId, cancelled: bool = False) -> None:
        doing = self._running[run]
        wish, now = doing.wish, self._now()
        end = Exit(status=wish.get("exit", 1 if "fail" in wish or cancelled else 0), at=now)
        failure = RunFailure(type="Failure", message=wish["fail"]) if "fail" in wish else None
        said = "result" in wish
        result = msgspec.Raw(msgspec.json.encode(wish["result"])) if said else no_result()
        self._end(
            msgspec.structs.replace(
                doing.fact,
                state=RunFactState.ENDED,
                ended_at=now,
                exit=end,
                failure=failure,
                cancelled=cancelled,
                result=result,
            )
        )

    def _end(self, fact: RunFact) -> None:
        self._running.pop(fact.run, None)
        self._ended[fact.run, fact.attempt] = fact
        self._watch.finished(self._id, fact)
        self._tell(fact)

    def _tell(self, fact: RunFact) -> None:
        if self._line is not None:
            self._line.tell(fact)


class SimulatedLine:
    """A line to a simulated runner."""

    def __init__(self, runner: SimulatedRunner, listing: tuple[RunFact, ...]) -> None:
        self._runner = runner
        self.listing = listing
        self._facts: list[RunFact] = []
        self._heard: asyncio.Future[None] | None = None
        self._is_cut = False

    def send(self, tasks: Sequence[Task]) -> None:
        """Have attempts begin."""
        for task in tasks:
            if not self._is_cut:
                self._runner.begin(task)

    def cancel(self, run: RunId, grace_s: float) -> None:  # noqa: ARG002
        """Have an attempt end."""
        self._runner.cancel(run)

    def acknowledge(self, facts: Sequence[RunFact]) -> None:
        """Have the runner forget attempts that ended."""
        self._runner.forget(facts)

    async def facts(self) -> AsyncIterator[tuple[RunFact, ...]]:
        """Give what happens, as it happens."""
        while True:
            if not self._facts and not self._is_cut:
                self._heard = asyncio.get_running_loop().create_future()
                await self._heard
            found, self._facts = self._facts, []
            if found:
                yield tuple(found)
            if self._is_cut and not self._facts:
                raise EngineUnavailable("the line was cut")

    async def close(self) -> None:
        """Let go of the line."""
        self.cut()

    def tell(self, fact: RunFact) -> None:
        """Tell what happened."""
        if not self._is_cut:
            self._facts.append(fact)
            self._ring()

    def cut(self) -> None:
        """End the line."""
        self._is_cut = True
        self._ring()

    def _ring(self) -> None:
        """Wake who waits for facts."""
        if self._heard is not None and not self._heard.done():
            self._heard.set_result(None)
