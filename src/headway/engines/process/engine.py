"""Fills the Engine port: speaks with the node agents, one for each node of this machine."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import suppress
from pathlib import Path

from headway.engines.process import loglines, messages
from headway.engines.process.doctor import machine_checks, node_check
from headway.engines.process.identities import Identities
from headway.engines.process.ledger import Lent
from headway.engines.process.link import checked, read_line
from headway.engines.process.messages import Answer, Request
from headway.engines.process.place import Place
from headway.engines.process.places import Places
from headway.engines.process.proof.level import proven
from headway.engines.process.proof.trial import OWNER
from headway.engines.process.runnerline import RunnerLine, connected
from headway.engines.process.session import ProcessSession
from headway.engines.process.split import Split
from headway.machine.trees import give, remove
from headway.model.ids import ContainerId, NodeId, RunId
from headway.model.log import LogLine
from headway.model.node import ClosedPorts, Node, NodeState
from headway.model.order import Heard, NodeReading, Observed, Order, Usage
from headway.model.terminal import TerminalSize
from headway.model.view.check import Check
from headway.ports.engine import EngineError, EngineUnavailable, NoSuchContainer

_SILENT_S = 10.0
_TOLD_MAX = 1000
"""Facts that wait for a slow observer before the agents themselves wait."""


class ProcessEngine:
    """Containers as sandboxed processes of this machine, which is one node or several."""

    name = "process"

    def __init__(
        self,
        data: Path,
        *,
        nodes: int | None = None,
        lend: int | None = None,
        silent_s: float = _SILENT_S,
        closed_ports: tuple[ClosedPorts, ...] = (),
    ) -> None:
        """Take the place of an installation.

        Args:
            data: Its data directory.
            nodes: How many nodes this machine is to be; None: as many as last time.
            lend: How many percent of the machine are kept for pools; None: as many as last time.
            silent_s: How long an agent may be silent before it is asked whether it lives, and
                how long it may then take to answer.
            closed_ports: Ports of this machine that no container is to have.
        """
        self._places = Places(
            data, count=nodes, lend=lend, silent_s=silent_s, closed_ports=closed_ports
        )
        self._folder = data / "agent"
        self._volumes = data / "volumes"
        self._identities = Identities(self._folder)
        self._observers: list[Callable[[Place], None]] = []
        self._runs: set[RunnerLine] = set()

    @property
    def split(self) -> Split:
        """How this machine is split into nodes."""
        return self._places.split

    def join(self, row: Lent) -> Place:
        """Have one more node. Whoever observes this engine hears of it once it answers."""
        place, is_new = self._places.join(row)
        if is_new:
            for follow in self._observers:
                follow(place)
        return place

    async def leave(self, node: NodeId) -> None:
        """Have a node no more. It is told away when its agent has ended."""
        await self._places.leave(node)

    async def open(self) -> None:
        """Make sure that the agents run.

        Raises:
            EngineError: None of them starts, and the text has its last words; or containers still
                run on a node that there is to be no more.
        """
        await self._places.open()

    async def close(self, *, stop: bool = False) -> None:
        """Let go of the agents; with `stop`, end them. Containers live on either way."""
        if stop:
            for place in self._places:
                await place.link.end()

    async def nodes(self) -> tuple[Node, ...]:
        """List the nodes that this machine is; `lost` are those whose agent does not answer."""
        found = await asyncio.gather(*map(self._places.node, self._places))
        return tuple(sorted(found, key=lambda node: node.id))

    async def look_at_ports(self, node: NodeId, ports: Collection[int]) -> Node:
        """Give a node as it is, once it was looked who has some ports of its machine."""
        return await self._places.with_ports(self._places.one(node), ports)

    async def start(self, order: Order, node: NodeId) -> Observed:
        """Start a container, or give the state of the one that has this id already."""
        place = self._places.one(node)
        answer = await place.link.call(Request(verb="start", order=order, node=node))
        assert answer.observed is not None
        return answer.observed

    async def stop(self, container: ContainerId, grace_s: float) -> None:
        """Ask a container to end."""
        link = self._places.agent_of(container)
        await link.call(Request(verb="stop", container=container, grace_s=grace_s))

    async def observe(self) -> AsyncIterator[Heard]:
        """Give a listing of each node first, then each change as it happens."""
        told: asyncio.Queue[Heard] = asyncio.Queue(_TOLD_MAX)
        tasks: set[asyncio.Task[None]] = set()

        def follow(place: Place) -> None:
            task = asyncio.create_task(self._follow(place, told), name=f"agent {place.link.name}")
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        for place in self._places:
            follow(place)
        self._observers.append(follow)
        try:
            while True:
                yield await told.get()
        finally:
            self._observers.remove(follow)
            ending = list(tasks)
            for task in ending:
                task.cancel()
            await asyncio.gather(*ending, return_exceptions=True)

    async def _follow(self, place: Place, told: asyncio.Queue[Heard]) -> None:
        """Follow one agent through its deaths; one that starts again at once is not told away."""
        link, is_away = place.link, False
        while True:
            try:
                async for answer in link.observe():
                    if answer.listing is not None:
                        node = await self._places.node(place)
                        await told.put(Heard(node=node, facts=answer.listing))
                        is_away = False
                    elif answer.observed is not None:
                        await told.put(Heard(facts=(answer.observed,)))
            except EngineUnavailable:
                with suppress(EngineUnavailable):
                    await place.ensure()
                    continue
                if not is_away:
                    await told.put(Heard(node=self._places.lost(place)))
                    is_away = True
                if link.is_closed:
                    return
                await link.await_next_try()

    async def logs(
        self,
        container: ContainerId,
        *,
        after: int = 0,
        before: int | None = None,
        tail: int | None = None,
        follow: bool = False,
    ) -> AsyncIterator[LogLine]:
        """Give the lines behind a cursor, oldest first."""
        spool = self._places.spool_of(container)
        if not spool.exists():
            raise NoSuchContainer(f"nothing is kept of {container}")

        def is_over() -> bool:
            return spool.ended() is not None or not spool.exists()

        try:
            async for line in loglines.read(
                spool.path,
                after=after,
                before=before,
                tail=tail,
                follow=follow,
                is_over=is_over,
            ):
                yield line
        except FileNotFoundError:  # removed while it was read
            return

    async def exec(
        self,
        container: ContainerId,
        argv: tuple[str, ...],
        *,
        terminal: TerminalSize | None = None,
    ) -> ProcessSession:
        """Run a command inside a running container."""
        link = self._places.agent_of(container)
        await link.ensure()
        reader, writer = await link.connect()
        request = Request(verb="exec", container=container, argv=argv, terminal=terminal)
        try:
            writer.write(messages.encode(request))
            await writer.drain()
            checked(messages.decode_answer(await read_line(reader)))
        except BaseException:
            writer.close()
            raise
        return ProcessSession(reader, writer)

    async def attach(self, container: ContainerId) -> "RunnerLine":
        """Open the line to a runner."""
        spool = self._places.spool_of(container)
        line = await connected(spool, self._runs.discard)
        self._runs.add(line)
        return line

    async def run_logs(
        self,
        run: RunId,
        attempt: int,
        *,
        after: int = 0,
        before: int | None = None,
        tail: int | None = None,
        follow: bool = False,
    ) -> AsyncIterator[LogLine]:
        """Give the lines that an attempt wrote."""
        folder, stem = self._folder / "runs" / run[:5], f"{run}.{attempt}.log"

        def is_over() -> bool:
            at_work = any((run, attempt) in line.active for line in self._runs)
            return not at_work and not loglines.is_written(folder, stem)

        async for line in loglines.read(
            folder,
            after=after,
            before=before,
            tail=tail,
            follow=follow,
            is_over=is_over,
            stem=stem,
        ):
            yield line

    async def remove_runs(self, runs: Collection[RunId]) -> None:
        """Forget the logs of runs."""
        try:
            await asyncio.to_thread(loglines.remove, self._folder / "runs", runs)
        except OSError as error:
            raise EngineError(f"a log cannot be removed: {error}") from error

    async def listening(self, container: ContainerId) -> tuple[str, ...]:
        """List where the container's processes listen."""
        return (await self._ask("listening", container)).addresses

    async def usage(self, container: ContainerId) -> Usage | None:
        """Give what a running container uses."""
        return (await self._ask("usage", container)).usage

    async def measure(self) -> tuple[NodeReading, ...]:
        """Read what the containers of each node use."""
        found = await asyncio.gather(*(place.measure() for place in self._places))
        return tuple(sorted((row for row in found if row), key=lambda row: row.node))

    async def remove(self, container: ContainerId) -> None:
        """Forget an ended container and its log."""
        spool = self._places.spool_of(container)
        if spool.exists() and not self._places.has(spool):
            await asyncio.to_thread(spool.remove)  # of a node that there is no more
            return
        await self._ask("remove", container)

    async def _ask(self, verb: str, container: ContainerId) -> Answer:
        return await self._places.agent_of(container).call(Request(verb=verb, container=container))

    async def volume(self, owner: str, name: str) -> str:
        """Give the path of a volume of `environment/app`, made when it is missing."""
        path = self._volumes / owner / name
        if not path.is_dir():
            path.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
            path.mkdir(mode=0o700, exist_ok=True)
            uid = self._identities.of(owner)
            if uid is not None:
                os.chown(path, uid, uid)
        return str(path)

    async def remove_volumes(self, owner: str) -> None:
        """Delete every volume below an owner."""
        await asyncio.to_thread(remove, self._volumes / owner)

    async def hand_over(self, path: Path, owner: str) -> None:
        """Give a directory that no container has written to yet to an owner's user."""
        uid = self._identities.of(owner)
        if uid is not None:
            await asyncio.to_thread(give, path, uid)

    async def checks(self) -> list[Check]:
        """Say what this machine can give containers, and what it cannot."""
        found = await asyncio.to_thread(machine_checks, self._identities.of(OWNER))
        nodes = await self.nodes()
        if len(nodes) > 1 or nodes[0].state is NodeState.LOST:
            found += [node_check(node) for node in nodes]
        heard = next((node for node in nodes if node.state is not NodeState.LOST), None)
        return found if heard is None else [*found, *await proven(self, heard.limits)]
