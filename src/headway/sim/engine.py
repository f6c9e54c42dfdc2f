"""An engine in memory: containers start at once, and runs do what their parameters say.

Its runners know the parameters `sleep_s`, `fail`, `exit`, `result` and `hang`, so that a scenario
writes down what is to happen. Faults are asked for by `kill`.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from headway.model.container import ContainerKind, Exit
from headway.model.ids import ContainerId, NodeId, RunId
from headway.model.log import LogLine
from headway.model.node import Node
from headway.model.order import Observed, ObservedState, Order, Usage
from headway.model.run import RunFact, RunFactState, RunFailure, Task
from headway.model.terminal import TerminalSize
from headway.ports.engine import EngineUnavailable, NoSuchContainer, Session


class SimulatedRunner:
    """One simulated runner; `attach` gives lines to it."""

    def __init__(self, begun: list[tuple[RunId, int]]) -> None:
        self._begun = begun
        self._running: dict[RunId, tuple[RunFact, asyncio.Task[None]]] = {}
        self._ended: dict[tuple[RunId, int], RunFact] = {}
        self._known: set[tuple[RunId, int]] = set()
        self._line: SimulatedLine | None = None

    def attach(self) -> "SimulatedLine":
        """Open the line; the one before ends."""
        if self._line is not None:
            self._line.cut()
        began = tuple(fact for fact, _ in self._running.values())
        self._line = SimulatedLine(self, (*began, *self._ended.values()))
        return self._line

    def begin(self, task: Task) -> None:
        """Begin an attempt, unless it was begun before."""
        key = (task.run, task.attempt)
        if key in self._known:
            return
        self._known.add(key)
        self._begun.append(key)
        fact = RunFact(
            run=task.run, attempt=task.attempt, state=RunFactState.BEGAN, began_at=_now()
        )
        self._running[task.run] = (fact, asyncio.create_task(self._do(task, fact)))
        self._tell(fact)

    def cancel(self, run: RunId) -> None:
        """End an attempt."""
        found = self._running.get(run)
        if found is not None:
            found[1].cancel()

    def forget(self, facts: Sequence[RunFact]) -> None:
        """Keep ends no longer."""
        for fact in facts:
            self._ended.pop((fact.run, fact.attempt), None)

    def cut(self) -> None:
        """Cut the line."""
        if self._line is not None:
            self._line.cut()

    def kill(self) -> None:
        """End everything without a word."""
        for _, task in self._running.values():
            task.cancel()
        self._running.clear()
        if self._line is not None:
            self._line.cut()

    async def _do(self, task: Task, fact: RunFact) -> None:
        wish: dict[str, Any] = msgspec.json.decode(task.parameters)
        cancelled = False
        try:
            async with asyncio.timeout(task.timeout_s):
                await asyncio.sleep(wish.get("sleep_s", 0))
        except asyncio.CancelledError:
            cancelled = True
        except TimeoutError:
            reason = f"time limit {task.timeout_s:g} s reached"
            end = Exit(signal=15, reason=reason, at=_now())
            self._end(msgspec.structs.replace(_ended(fact), exit=end, limit="time"))
            return
        if task.run not in self._running:  # killed
            return
        end = Exit(status=wish.get("exit", 1 if "fail" in wish or cancelled else 0), at=_now())
        failure = RunFailure(type="Failure", message=wish["fail"]) if "fail" in wish else None
        result = msgspec.Raw(msgspec.json.encode(wish.get("result")))
        self._end(
            msgspec.structs.replace(
                _ended(fact), exit=end, failure=failure, result=result, cancelled=cancelled
            )
        )

    def _end(self, fact: RunFact) -> None:
        self._running.pop(fact.run, None)
        self._ended[fact.run, fact.attempt] = fact
        self._tell(fact)

    def _tell(self, fact: RunFact) -> None:
        if self._line is not None:
            self._line.tell(fact)


class SimulatedLine:
    """A line to a simulated runner."""

    def __init__(self, runner: SimulatedRunner, listing: tuple[RunFact, ...]) -> None:
        self._runner = runner
        self.listing = listing
        self._facts: asyncio.Queue[RunFact | None] = asyncio.Queue()
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
            found = [await self._facts.get()]
            while not self._facts.empty():
                found.append(self._facts.get_nowait())
            known = tuple(fact for fact in found if fact is not None)
            if known:
                yield known
            if None in found:
                raise EngineUnavailable("the line was cut")

    async def close(self) -> None:
        """Let go of the line."""
        self._is_cut = True

    def tell(self, fact: RunFact) -> None:
        """Tell what happened."""
        if not self._is_cut:
            self._facts.put_nowait(fact)

    def cut(self) -> None:
        """End the line."""
        self._is_cut = True
        self._facts.put_nowait(None)


class SimulatedEngine:
    """Containers in memory, on nodes that are given."""

    name = "simulated"

    def __init__(self, nodes: Sequence[Node]) -> None:
        self._nodes = tuple(nodes)
        self.containers: dict[ContainerId, Observed] = {}
        self.runners: dict[ContainerId, SimulatedRunner] = {}
        self.begun: list[tuple[RunId, int]] = []
        """Every attempt that ever began, in order."""
        self._observers: list[asyncio.Queue[Observed]] = []

    async def nodes(self) -> tuple[Node, ...]:
        """List the nodes."""
        return self._nodes

    async def start(self, order: Order, node: NodeId) -> Observed:
        """Start a container: it runs at once."""
        known = self.containers.get(order.id)
        if known is not None:
            return known
        ports = {name: 20_000 + len(self.containers) for name in order.expose}
        fact = Observed(
            id=order.id, state=ObservedState.RUNNING, node=node, ports=ports, started_at=_now()
        )
        self.containers[order.id] = fact
        if order.kind is ContainerKind.RUNNER:
            self.runners[order.id] = SimulatedRunner(self.begun)
        return fact

    async def stop(self, container: ContainerId, grace_s: float) -> None:  # noqa: ARG002
        """End a container at once."""
        self._end(container, "stopped")

    def cut_lines(self) -> None:
        """Cut every line to a runner; the runners live on."""
        for runner in self.runners.values():
            runner.cut()

    def kill(self, container: ContainerId) -> None:
        """End a container as a crash would."""
        runner = self.runners.get(container)
        if runner is not None:
            runner.kill()
        self._end(container, "")

    def _end(self, container: ContainerId, reason: str) -> None:
        known = self.containers.get(container)
        if known is None or known.exit is not None:
            return
        runner = self.runners.pop(container, None)
        if runner is not None:
            runner.kill()
        end = Exit(signal=9, reason=reason, at=_now())
        fact = msgspec.structs.replace(known, state=ObservedState.EXITED, exit=end)
        self.containers[container] = fact
        for observer in self._observers:
            observer.put_nowait(fact)

    async def observe(self) -> AsyncIterator[tuple[Observed, ...]]:
        """Give all containers, then each change."""
        changes: asyncio.Queue[Observed] = asyncio.Queue()
        self._observers.append(changes)
        try:
            yield tuple(self.containers.values())
            while True:
                yield (await changes.get(),)
        finally:
            with suppress(ValueError):
                self._observers.remove(changes)

    async def attach(self, container: ContainerId) -> SimulatedLine:
        """Open the line to a runner."""
        runner = self.runners.get(container)
        if runner is None:
            raise NoSuchContainer(f"{container} does not run")
        return runner.attach()

    async def logs(
        self,
        container: ContainerId,
        *,
        after: int = 0,  # noqa: ARG002
        tail: int | None = None,  # noqa: ARG002
        follow: bool = False,  # noqa: ARG002
    ) -> AsyncIterator[LogLine]:
        """Give nothing: nothing is written here."""
        if container not in self.containers:
            raise NoSuchContainer(f"nothing is kept of {container}")
        lines: tuple[LogLine, ...] = ()
        for line in lines:
            yield line

    async def run_logs(
        self,
        run: RunId,  # noqa: ARG002
        attempt: int,  # noqa: ARG002
        *,
        after: int = 0,  # noqa: ARG002
        tail: int | None = None,  # noqa: ARG002
        follow: bool = False,  # noqa: ARG002
    ) -> AsyncIterator[LogLine]:
        """Give nothing: nothing is written here."""
        lines: tuple[LogLine, ...] = ()
        for line in lines:
            yield line

    async def remove_run(self, run: RunId) -> None:
        """Forget what was never kept."""

    async def exec(
        self,
        container: ContainerId,
        argv: tuple[str, ...],  # noqa: ARG002
        *,
        terminal: TerminalSize | None = None,  # noqa: ARG002
    ) -> Session:
        """Refuse: nothing runs here."""
        raise NoSuchContainer(f"{container} is simulated: nothing can be run in it")

    async def listening(self, container: ContainerId) -> tuple[str, ...]:  # noqa: ARG002
        """Give nothing: nothing listens here."""
        return ()

    async def usage(self, container: ContainerId) -> Usage | None:
        """Give nothing, of what runs."""
        known = self.containers.get(container)
        return Usage() if known is not None and known.exit is None else None

    async def remove(self, container: ContainerId) -> None:
        """Forget an ended container."""
        self.containers.pop(container, None)

    async def remove_volumes(self, owner: str) -> None:
        """Forget what was never kept."""

    async def volume(self, owner: str, name: str) -> str:
        """Give a name of a volume."""
        return f"/simulated/{owner}/{name}"

    async def hand_over(self, path: Path, owner: str) -> None:
        """Change nothing: nobody writes here."""


def _ended(fact: RunFact) -> RunFact:
    return msgspec.structs.replace(fact, state=RunFactState.ENDED, ended_at=_now())


def _now() -> datetime:
    return datetime.now(UTC)
