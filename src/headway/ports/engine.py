"""The door to where containers run."""

from collections.abc import AsyncIterator, Collection, Sequence
from pathlib import Path
from typing import Protocol

from headway.model.ids import ContainerId, NodeId, RunId
from headway.model.log import LogLine
from headway.model.node import Node
from headway.model.order import Heard, NodeReading, Observed, Order, Usage
from headway.model.run import RunFact, Task
from headway.model.terminal import TerminalSize


class EngineError(Exception):
    """The engine could not do what it was asked; the text says what and why."""


class EngineUnavailable(EngineError):
    """The engine does not answer now. Asking again later is right and harmless."""


class NoSuchContainer(EngineError):
    """The engine never had this container, or has forgotten it."""


class Session(Protocol):
    """A command running in a container, with its input and output."""

    def output(self) -> AsyncIterator[tuple[str, bytes]]:
        """Give what the command writes as (`stdout` or `stderr`, bytes), until it ends."""
        ...

    async def send(self, data: bytes) -> None:
        """Write to the command's input. Empty bytes end the input."""
        ...

    async def resize(self, size: TerminalSize) -> None:
        """Tell the command's terminal its size; without a terminal this does nothing."""
        ...

    async def close(self) -> int:
        """End the session, the command with it, and give its exit status (128 + n by signal n)."""
        ...


class Runner(Protocol):
    """The line to a running container of kind `runner`, which does runs.

    A runner outlives its line. It knows each attempt by (run, attempt): the same task twice is one
    attempt. It keeps what became of an attempt until that was acknowledged. There is one line at
    a time: a new one ends the one before, and what was sent on that and not read does not begin.
    """

    listing: tuple[RunFact, ...]
    """When the line was opened: attempts that run, and those that ended unacknowledged. An attempt
    of this runner that is neither has never begun."""

    def send(self, tasks: Sequence[Task]) -> None:
        """Have attempts begin. What becomes of them is told by `facts`."""
        ...

    def cancel(self, run: RunId, grace_s: float) -> None:
        """Have an attempt end: SIGTERM to its main process, SIGKILL to all of it after the grace.

        One that is not there is no error.
        """
        ...

    def acknowledge(self, facts: Sequence[RunFact]) -> None:
        """Have the runner forget attempts that ended."""
        ...

    def facts(self) -> AsyncIterator[tuple[RunFact, ...]]:
        """Give what happens, as it happens, some facts at a time.

        A beginning may be left out where its end is told in the same breath.
        Ends with `EngineUnavailable` when the line is cut.
        """
        ...

    async def close(self) -> None:
        """Let go of the line: who takes its facts has EngineUnavailable. The runs live on."""
        ...


class Engine(Protocol):
    """Starts, stops and watches containers on its nodes.

    Starts and stops are idempotent by id, over restarts of either side. The engine decides
    nothing: it does not restart, place or judge.
    """

    name: str

    async def nodes(self) -> tuple[Node, ...]:
        """List the nodes, sorted by id; one that does not answer is `lost`, and is listed."""
        ...

    async def look_at_ports(self, node: NodeId, ports: Collection[int]) -> Node:
        """Give a node as it is, once it was looked who has some ports of its machine.

        Those that somebody has who is no container of this node are closed (`Node.closed_ports`)
        until they are free again, of which `observe` tells, and this where it is asked before.

        Raises:
            EngineError: There is no such node, or it does not answer now.
        """
        ...

    async def start(self, order: Order, node: NodeId) -> Observed:
        """Start a container, or give the state of the one that has this id already.

        Returns once the start is durable: a crash of either side after this loses nothing.

        Raises:
            EngineError: It can never start, such as when the command's directory is missing.
            EngineUnavailable: Nobody knows whether it started. Ask again with the same order.
        """
        ...

    async def stop(self, container: ContainerId, grace_s: float) -> None:
        """Ask a container to end: SIGTERM, and SIGKILL to all of it after the grace.

        Returns once the request is durable, not once the container ended. An unknown or ended
        container is no error. A second stop with a shorter grace shortens it.
        """
        ...

    def observe(self) -> AsyncIterator[Heard]:
        """Give a listing of each node first, then each change as it happens.

        A node is listed again when it comes, goes away, comes back or changes; one node's trouble
        says nothing of the others. Ends with `EngineUnavailable` when the engine as a whole goes
        away; call again to resume with new listings.
        """
        ...

    def logs(
        self,
        container: ContainerId,
        *,
        after: int = 0,
        before: int | None = None,
        tail: int | None = None,
        follow: bool = False,
    ) -> AsyncIterator[LogLine]:
        """Give the lines behind a cursor, oldest first; with `tail`, the last so many of them.

        With `before`, only those ahead of the line that has this cursor.
        With `follow`, goes on until the container has ended and all was given.

        Raises:
            NoSuchContainer: Nothing is kept of it.
        """
        ...

    async def exec(
        self,
        container: ContainerId,
        argv: tuple[str, ...],
        *,
        terminal: TerminalSize | None = None,
    ) -> Session:
        """Run a command inside a running container, under the same limits and the same user.

        With `terminal` it has one, of that size; without, its output and error output are apart.

        Raises:
            NoSuchContainer: It does not run.
        """
        ...

    async def attach(self, container: ContainerId) -> Runner:
        """Open the line to a runner.

        Raises:
            NoSuchContainer: It does not run.
            EngineUnavailable: It does not answer now.
        """
        ...

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
        """Give the lines that an attempt wrote, as `logs` does; none when it wrote nothing.

        With `follow`, goes on until the attempt has ended and all was given.
        """
        ...

    async def remove_runs(self, runs: Collection[RunId]) -> None:
        """Forget the logs of runs. Unknown is no error.

        Raises:
            EngineError: Those of one cannot be removed; those of others may be gone.
        """
        ...

    async def listening(self, container: ContainerId) -> tuple[str, ...]:
        """List where the container's processes listen, such as `127.0.0.1:5000`."""
        ...

    async def usage(self, container: ContainerId) -> Usage | None:
        """Give what a running container uses, or None when it does not run."""
        ...

    async def measure(self) -> tuple[NodeReading, ...]:
        """Read what the containers of each node use; nodes that do not answer are left out.

        It is asked every few seconds, so it is one question for each node, and waits for none that
        is known not to answer.
        """
        ...

    async def remove(self, container: ContainerId) -> None:
        """Forget an ended container and its log. Unknown is no error.

        Raises:
            EngineError: It still runs.
        """
        ...

    async def remove_volumes(self, owner: str) -> None:
        """Delete every volume below an owner (an environment, or `environment/app`)."""
        ...

    async def volume(self, owner: str, name: str) -> str:
        """Give the path on the node of a volume of `environment/app`, made when it is missing."""
        ...

    async def hand_over(self, path: Path, owner: str) -> None:
        """Give a directory that no container has written to yet to the user of an owner.

        Afterwards containers of the owner may write there, where it is mounted writable.
        """
        ...
