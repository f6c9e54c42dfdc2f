"""An engine in memory: containers start at once, and runs do what their parameters say.

Its runners know the parameters `sleep_s`, `fail`, `exit`, `result` and `hang`, so that a scenario
writes down what is to happen. Faults are asked for by `kill`.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import msgspec

from headway.model.container import ContainerKind, Exit
from headway.model.ids import ContainerId, NodeId, RunId
from headway.model.log import LogLine
from headway.model.node import Node, NodeState
from headway.model.order import Heard, Observed, ObservedState, Order, Usage
from headway.model.run import RunFact, RunFactState, RunFailure, Task
from headway.model.terminal import TerminalSize
from headway.ports.engine import EngineUnavailable, NoSuchContainer, Session


class Watch(Protocol):
    """Is told what really happens, whatever anybody hears of it."""

    def started(self, order: Order, fact: Observed) -> None:
        """A container began to run."""

    def stopping(self, container: ContainerId) -> None:
        """A container was told to stop."""

    def ended(self, fact: Observed) -> None:
        """A container runs no more."""

    def began(self, runner: ContainerId, task: Task) -> None:
        """An attempt began."""

    def finished(self, runner: ContainerId, fact: RunFact) -> None:
        """An attempt is over; `fact` says how, or only that it began when its runner died."""


class _Nobody:
    """Watches nothing."""

    def started(self, order: Order, fact: Observed) -> None: ...

    def stopping(self, container: ContainerId) -> None: ...

    def ended(self, fact: Observed) -> None: ...

    def began(self, runner: ContainerId, task: Task) -> None: ...

    def finished(self, runner: ContainerId, fact: RunFact) -> None: ...


@dataclass(slots=True)
class _Doing:
    """An attempt under way."""

    fact: RunFact
    wish: dict[str, Any]
    end: asyncio.Handle


class SimulatedRunner:
    """One simulated runner; `attach` gives lines to it."""

    def __init__(self, engine: "SimulatedEngine", identity: ContainerId) -> None:
        self._engine = engine
        self._id = identity
        self._running: dict[RunId, _Doing] = {}
        self._ended: dict[tuple[RunId, int], RunFact] = {}
        self._known: set[tuple[RunId, int]] = set()
        self._line: SimulatedLine | None = None
        self.is_hung = False

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
        self._engine.begun.append(key)
        self._engine.watch.began(self._id, task)
        began_at = self._engine.now()
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
            self._engine.watch.finished(self._id, doing.fact)
        self._running.clear()
        if self._line is not None:
            self._line.cut()

    def _time_out(self, run: RunId, limit_s: float) -> None:
        now = self._engine.now()
        end = Exit(signal=15, reason=f"time limit {limit_s:g} s reached", at=now)
        ended = _ended(self._running[run].fact, now)
        self._end(msgspec.structs.replace(ended, exit=end, limit="time"))

    def _do(self, run: RunId, cancelled: bool = False) -> None:
        doing = self._running[run]
        wish, now = doing.wish, self._engine.now()
        end = Exit(status=wish.get("exit", 1 if "fail" in wish or cancelled else 0), at=now)
        failure = RunFailure(type="Failure", message=wish["fail"]) if "fail" in wish else None
        result = msgspec.Raw(msgspec.json.encode(wish.get("result")))
        self._end(
            msgspec.structs.replace(
                _ended(doing.fact, now),
                exit=end,
                failure=failure,
                result=result,
                cancelled=cancelled,
            )
        )

    def _end(self, fact: RunFact) -> None:
        self._running.pop(fact.run, None)
        self._ended[fact.run, fact.attempt] = fact
        self._engine.watch.finished(self._id, fact)
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
        self.cut()

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

    def __init__(
        self,
        nodes: Sequence[Node],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        watch: Watch | None = None,
    ) -> None:
        self._nodes = tuple(nodes)
        self.now = now
        self.watch: Watch = watch or _Nobody()
        self._ports = 20_000
        self.containers: dict[ContainerId, Observed] = {}
        self.runners: dict[ContainerId, SimulatedRunner] = {}
        self.attached = 0
        """How often a line to a runner was opened."""
        self.begun: list[tuple[RunId, int]] = []
        """Every attempt that ever began, in order."""
        self._listeners: dict[Callable[[Heard], None], None] = {}
        self._away: set[NodeId] = set()

    async def nodes(self) -> tuple[Node, ...]:
        """List the nodes."""
        return tuple(
            msgspec.structs.replace(node, state=NodeState.LOST) if node.id in self._away else node
            for node in self._nodes
        )

    def go_away(self, node: NodeId) -> None:
        """Have a node not answer. What runs there runs on, lines to its runners too."""
        self._away.add(node)
        self._tell(self._listing(node))

    def come_back(self, node: NodeId) -> None:
        """Have a node answer again, with what runs there and what ended meanwhile."""
        self._away.discard(node)
        self._tell(self._listing(node))

    def join(self, node: Node) -> None:
        """Have one node more."""
        self._nodes = (*(row for row in self._nodes if row.id != node.id), node)
        self._away.discard(node.id)
        self._tell(self._listing(node.id))

    def leave(self, node: NodeId) -> None:
        """Have a node be gone, with all that runs there; nobody is told what became of it."""
        if all(row.id != node for row in self._nodes):
            return
        self.go_away(node)
        for fact in [fact for fact in self.containers.values() if fact.node == node]:
            runner = self.runners.pop(fact.id, None)
            if runner is not None:
                runner.kill()
            del self.containers[fact.id]
        self._nodes = tuple(row for row in self._nodes if row.id != node)

    def _listing(self, identity: NodeId) -> Heard:
        node = next(node for node in self._nodes if node.id == identity)
        if identity in self._away:
            return Heard(node=msgspec.structs.replace(node, state=NodeState.LOST))
        facts = tuple(fact for fact in self.containers.values() if fact.node == identity)
        return Heard(node=node, facts=facts)

    def _tell(self, heard: Heard) -> None:
        for listener in list(self._listeners):
            listener(heard)

    def on_change(self, listener: Callable[[Heard], None]) -> Callable[[], None]:
        """Have a listener called with what is told; gives what ends that."""
        self._listeners[listener] = None

        def forget() -> None:
            self._listeners.pop(listener, None)

        return forget

    def listings(self) -> list[Heard]:
        """Give each node as it is now, with what is on it."""
        return [self._listing(node.id) for node in self._nodes]

    @property
    def known_nodes(self) -> tuple[Node, ...]:
        """The nodes that there are."""
        return self._nodes

    def _check(self, node: NodeId) -> None:
        if node in self._away:
            raise EngineUnavailable(f"{node} does not answer")

    async def start(self, order: Order, node: NodeId) -> Observed:
        """Start a container: it runs at once."""
        self._check(node)
        known = self.containers.get(order.id)
        if known is not None:
            return known
        ports = {name: self._ports + place for place, name in enumerate(order.expose)}
        self._ports += len(ports)
        fact = Observed(
            id=order.id, state=ObservedState.RUNNING, node=node, ports=ports, started_at=self.now()
        )
        self.containers[order.id] = fact
        self.watch.started(order, fact)
        if order.kind is ContainerKind.RUNNER:
            self.runners[order.id] = SimulatedRunner(self, order.id)
        return fact

    async def stop(self, container: ContainerId, grace_s: float) -> None:  # noqa: ARG002
        """End a container at once."""
        known = self.containers.get(container)
        if known is not None:
            self._check(known.node)
        self.watch.stopping(container)
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

    def lose(self, node: NodeId) -> None:
        """End all that runs on a node, as its death does; nobody can say how it ended."""
        for fact in list(self.containers.values()):
            if fact.node == node and fact.exit is None:
                self._end(fact.id, "its node died", ObservedState.LOST)

    def _end(
        self, container: ContainerId, reason: str, state: ObservedState = ObservedState.EXITED
    ) -> None:
        known = self.containers.get(container)
        if known is None or known.exit is not None:
            return
        runner = self.runners.pop(container, None)
        if runner is not None:
            runner.kill()
        end = Exit(signal=9, reason=reason, at=self.now())
        fact = msgspec.structs.replace(known, state=state, exit=end)
        self.containers[container] = fact
        self.watch.ended(fact)
        if fact.node not in self._away:
            self._tell(Heard(facts=(fact,)))

    async def observe(self) -> AsyncIterator[Heard]:
        """Give all containers, node by node, then each change."""
        changes: asyncio.Queue[Heard] = asyncio.Queue()
        forget = self.on_change(changes.put_nowait)
        try:
            for heard in self.listings():
                yield heard
            while True:
                yield await changes.get()
        finally:
            forget()

    async def attach(self, container: ContainerId) -> SimulatedLine:
        """Open the line to a runner."""
        runner = self.runners.get(container)
        if runner is None:
            raise NoSuchContainer(f"{container} does not run")
        if runner.is_hung:
            raise EngineUnavailable(f"{container} does not answer")
        self.attached += 1
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


def _ended(fact: RunFact, now: datetime) -> RunFact:
    return msgspec.structs.replace(fact, state=RunFactState.ENDED, ended_at=now)
