"""The simulated engine as a control plane reaches it: slow, cut off, forgetful, or twice."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from pathlib import Path
from typing import Any, TypeVar

from headway.model.ids import ContainerId, NodeId, RunId
from headway.model.log import LogLine
from headway.model.node import Node
from headway.model.order import Heard, NodeReading, Observed, Order, Usage
from headway.model.run import RunFact, Task
from headway.model.terminal import TerminalSize
from headway.ports.engine import Engine, EngineUnavailable, Session
from headway.sim.engine import SimulatedEngine
from headway.sim.life import Belt, Life
from headway.sim.runner import SimulatedLine

T = TypeVar("T")


class Agent:
    """What stands between control planes and containers, and may be away."""

    def __init__(self) -> None:
        self.is_away = False
        self.watchers: dict[_Watcher, None] = {}

    def cut(self) -> None:
        """End every observation."""
        for watcher in list(self.watchers):
            watcher.cut()


class _Watcher:
    """One observation under way."""

    def __init__(self, life: Life) -> None:
        self._belt = Belt(life, life.delay_s)
        self._life = life
        self.found: deque[Heard | None] = deque()
        self.ring = asyncio.Event()

    def take(self, heard: Heard) -> None:
        """Pass a fact on, later; perhaps once more, later still."""
        self._belt.put(lambda: self._put(heard))
        if heard.node is None and self._life.happens("twice_share"):
            later_s = self._life.chance.uniform(0, 2 * self._life.faults.slow_s)
            asyncio.get_running_loop().call_later(later_s, self._put, heard)

    def cut(self) -> None:
        """Say that no more will come."""
        self._put(None)

    def _put(self, heard: Heard | None) -> None:
        self.found.append(heard)
        self.ring.set()


class UnreliableEngine:
    """Fills the Engine port for one life of a control plane."""

    name = "simulated"

    def __init__(self, engine: SimulatedEngine, agent: Agent, life: Life) -> None:
        self._engine = engine
        self._agent = agent
        self._life = life

    async def _call(self, deed: Callable[[], Awaitable[T]]) -> T:
        life = self._life
        life.step()
        await asyncio.sleep(life.delay_s())
        life.step()
        if self._agent.is_away:
            raise EngineUnavailable("the agent does not answer")
        if life.happens("unavailable_share"):
            raise EngineUnavailable("the agent is busy")
        result = await deed()
        await asyncio.sleep(life.delay_s())
        life.step()
        if life.happens("lost_answers_share"):
            raise EngineUnavailable("the answer was lost")
        return result

    async def nodes(self) -> tuple[Node, ...]:
        """List the nodes."""
        return await self._call(self._engine.nodes)

    async def look_at_ports(self, node: NodeId, ports: Collection[int]) -> Node:
        """Ask a node who has some ports of its machine."""
        return await self._call(lambda: self._engine.look_at_ports(node, ports))

    async def start(self, order: Order, node: NodeId) -> Observed:
        """Start a container."""
        return await self._call(lambda: self._engine.start(order, node))

    async def stop(self, container: ContainerId, grace_s: float) -> None:
        """Stop a container."""
        await self._call(lambda: self._engine.stop(container, grace_s))

    async def observe(self) -> AsyncIterator[Heard]:
        """Give each node as it was when this was asked, then what changed since."""
        self._life.step()
        if self._agent.is_away:
            raise EngineUnavailable("the agent does not answer")
        watcher = _Watcher(self._life)
        self._agent.watchers[watcher] = None
        forget = self._engine.on_change(watcher.take)
        try:
            listings = self._engine.listings()
            for listing in listings:
                await asyncio.sleep(self._life.delay_s())
                self._life.step()
                yield listing
            while True:
                await watcher.ring.wait()
                watcher.ring.clear()
                found, watcher.found = watcher.found, deque()
                for heard in found:
                    self._life.step()
                    if heard is None:
                        raise EngineUnavailable("the agent died")
                    yield heard
        finally:
            forget()
            self._agent.watchers.pop(watcher, None)

    async def attach(self, container: ContainerId) -> "UnreliableLine":
        """Open the line to a runner."""
        line = await self._call(lambda: self._engine.attach(container))
        return UnreliableLine(line, self._life)

    def logs(
        self,
        container: ContainerId,
        *,
        after: int = 0,
        before: int | None = None,
        tail: int | None = None,
        follow: bool = False,
    ) -> AsyncIterator[LogLine]:
        """Give nothing: nothing is written here."""
        return self._engine.logs(container, after=after, before=before, tail=tail, follow=follow)

    def run_logs(
        self,
        run: RunId,
        attempt: int,
        *,
        after: int = 0,
        before: int | None = None,
        tail: int | None = None,
        follow: bool = False,
    ) -> AsyncIterator[LogLine]:
        """Give nothing: nothing is written here."""
        return self._engine.run_logs(
            run, attempt, after=after, before=before, tail=tail, follow=follow
        )

    async def exec(
        self,
        container: ContainerId,
        argv: tuple[str, ...],
        *,
        terminal: TerminalSize | None = None,
    ) -> Session:
        """Refuse: nothing runs here."""
        return await self._engine.exec(container, argv, terminal=terminal)

    async def remove_runs(self, runs: Collection[RunId]) -> None:
        """Forget the logs of runs."""
        await self._call(lambda: self._engine.remove_runs(runs))

    async def listening(self, container: ContainerId) -> tuple[str, ...]:
        """Give where a container listens."""
        return await self._call(lambda: self._engine.listening(container))

    async def usage(self, container: ContainerId) -> Usage | None:
        """Give what a container uses."""
        return await self._call(lambda: self._engine.usage(container))

    async def measure(self) -> tuple[NodeReading, ...]:
        """Give what containers use."""
        return await self._call(self._engine.measure)

    async def remove(self, container: ContainerId) -> None:
        """Forget an ended container."""
        await self._call(lambda: self._engine.remove(container))

    async def remove_volumes(self, owner: str) -> None:
        """Forget volumes."""
        await self._call(lambda: self._engine.remove_volumes(owner))

    async def volume(self, owner: str, name: str) -> str:
        """Give a name of a volume."""
        return await self._call(lambda: self._engine.volume(owner, name))

    async def hand_over(self, path: Path, owner: str) -> None:
        """Change nothing."""
        await self._engine.hand_over(path, owner)

    def __getattr__(self, name: str) -> Any:
        """Give what the engine has beside the port's own."""
        return getattr(self._engine, name)


class UnreliableLine:
    """A line to a runner: what goes over it takes its time, and is lost when it is cut."""

    def __init__(self, line: SimulatedLine, life: Life) -> None:
        self._line = line
        self._life = life
        self._out = Belt(life, life.delay_s, outlives=True)
        self.listing = line.listing
        self._again: list[tuple[float, tuple[RunFact, ...]]] = []
        """What is to be told once more, and when."""

    def send(self, tasks: Sequence[Task]) -> None:
        """Have attempts begin, unless the line is cut before they are read."""
        self._life.step()
        self._out.put(lambda: self._line.send(tasks))

    def cancel(self, run: RunId, grace_s: float) -> None:
        """Have an attempt end."""
        self._life.step()
        self._out.put(lambda: self._line.cancel(run, grace_s))

    def acknowledge(self, facts: Sequence[RunFact]) -> None:
        """Have the runner forget attempts that ended."""
        self._life.step()
        self._out.put(lambda: self._line.acknowledge(facts))

    async def facts(self) -> AsyncIterator[tuple[RunFact, ...]]:
        """Give what happens; some of it again, behind what happened later."""
        async for facts in self._line.facts():
            self._life.step()
            await asyncio.sleep(self._life.delay_s())
            self._life.step()
            again, self._again = self._due(), [row for row in self._again if not self._is_due(row)]
            yield (*again, *facts)
            if self._life.happens("twice_share"):
                later_s = self._life.chance.uniform(0, 2 * self._life.faults.slow_s)
                self._again.append((asyncio.get_running_loop().time() + later_s, facts))

    def _due(self) -> tuple[RunFact, ...]:
        return tuple(fact for row in self._again if self._is_due(row) for fact in row[1])

    def _is_due(self, row: tuple[float, tuple[RunFact, ...]]) -> bool:
        return row[0] <= asyncio.get_running_loop().time()

    async def close(self) -> None:
        """Let go of the line."""
        await self._line.close()


_: Callable[[SimulatedEngine, Agent, Life], Engine] = UnreliableEngine
