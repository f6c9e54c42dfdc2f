"""An engine in memory: containers start at once, on nodes that are given. Faults are asked for."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from headway.model.container import ContainerKind, Exit
from headway.model.ids import ContainerId, NodeId, RunId
from headway.model.log import LogLine
from headway.model.node import ClosedPorts, Node, NodeState
from headway.model.order import Heard, NodeReading, Observed, ObservedState, Order, Reading, Usage
from headway.model.terminal import TerminalSize
from headway.ports.engine import EngineError, EngineUnavailable, NoSuchContainer, Session
from headway.sim.runner import SimulatedLine, SimulatedRunner
from headway.sim.watch import NOBODY, Watch

_NOTHING = Reading()


class SimulatedEngine:
    """Containers in memory, on nodes that are given."""

    name = "simulated"

    def __init__(
        self,
        nodes: Sequence[Node],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        watch: Watch = NOBODY,
    ) -> None:
        self._nodes = tuple(nodes)
        self.now = now
        self.watch = watch
        self._ports = 20_000
        self.containers: dict[ContainerId, Observed] = {}
        self.runners: dict[ContainerId, SimulatedRunner] = {}
        self.readings: dict[ContainerId, Reading] = {}
        """What containers are made to use."""
        self.written: dict[ContainerId, tuple[LogLine, ...]] = {}
        """What they are made to write."""
        self.attached = 0
        """How often a line to a runner was opened."""
        self.begun: list[tuple[RunId, int]] = []
        """Every attempt that ever began, in order."""
        self._listeners: dict[Callable[[Heard], None], None] = {}
        self._away: set[NodeId] = set()
        self.strangers: dict[tuple[NodeId, int], str] = {}
        """Who has ports of nodes' machines, of which nobody is told who does not ask."""

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
        self.lose(node)
        for fact in [fact for fact in self.containers.values() if fact.node == node]:
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

    async def look_at_ports(self, node: NodeId, ports: Collection[int]) -> Node:
        """Give a node with what strangers have of some ports."""
        self._check(node)
        known = next((row for row in self._nodes if row.id == node), None)
        if known is None:
            raise EngineError(f"there is no node {node}")
        looked = {*ports}
        others = [row for row in known.closed_ports if not (row.is_for_now and row.first in looked)]
        taken = [
            ClosedPorts(first=port, last=port, by=self.strangers[node, port], is_for_now=True)
            for port in sorted(looked)
            if (node, port) in self.strangers
        ]
        now = msgspec.structs.replace(known, closed_ports=(*others, *taken))
        if now != known:
            self.join(now)
        return now

    async def start(self, order: Order, node: NodeId) -> Observed:
        """Start a container: it runs at once."""
        self._check(node)
        known = self.containers.get(order.id)
        if known is not None:
            return known
        for port in order.host_ports.values():
            if (node, port) in self.strangers:
                raise EngineError(f"port {port} is taken by {self.strangers[node, port]}")
        ports = {name: self._ports + place for place, name in enumerate(order.expose)}
        self._ports += len(ports)
        fact = Observed(
            id=order.id, state=ObservedState.RUNNING, node=node, ports=ports, started_at=self.now()
        )
        self.containers[order.id] = fact
        self.watch.started(order, fact)
        if order.kind is ContainerKind.RUNNER:
            self.runners[order.id] = SimulatedRunner(order.id, self.now, self.watch, self.begun)
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
        end = Exit(signal=9, reason=reason, at=self.now(), told=reason == "stopped")
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
        before: int | None = None,  # noqa: ARG002
        tail: int | None = None,  # noqa: ARG002
        follow: bool = False,  # noqa: ARG002
    ) -> AsyncIterator[LogLine]:
        """Give all that one was made to write."""
        if container not in self.containers:
            raise NoSuchContainer(f"nothing is kept of {container}")
        for line in self.written.get(container, ()):
            yield line

    async def run_logs(
        self,
        run: RunId,  # noqa: ARG002
        attempt: int,  # noqa: ARG002
        *,
        after: int = 0,  # noqa: ARG002
        before: int | None = None,  # noqa: ARG002
        tail: int | None = None,  # noqa: ARG002
        follow: bool = False,  # noqa: ARG002
    ) -> AsyncIterator[LogLine]:
        """Give nothing: nothing is written here."""
        lines: tuple[LogLine, ...] = ()
        for line in lines:
            yield line

    async def remove_runs(self, runs: Collection[RunId]) -> None:
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

    async def measure(self) -> tuple[NodeReading, ...]:
        """Give what each container is made to use by `readings`, and nothing of the others."""
        found: dict[NodeId, dict[ContainerId, Reading]] = {
            node.id: {} for node in self._nodes if node.id not in self._away
        }
        for fact in self.containers.values():
            if fact.exit is None and fact.node in found:
                found[fact.node][fact.id] = self.readings.get(fact.id, _NOTHING)
        return tuple(
            NodeReading(
                node=node,
                at_s=self.now().timestamp(),
                total=Reading(
                    cpu_s=sum(row.cpu_s for row in rows.values()),
                    memory_bytes=sum(row.memory_bytes for row in rows.values()),
                ),
                containers=rows,
            )
            for node, rows in sorted(found.items())
        )

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
