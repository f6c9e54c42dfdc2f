"""Fills the Engine port: speaks with the node agents, one for each node of this machine."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import suppress
from functools import partial
from pathlib import Path

import msgspec

from headway.engines.process import cgroups, ledger, loglines, machine, messages
from headway.engines.process.doctor import machine_checks, node_check
from headway.engines.process.identities import Identities
from headway.engines.process.link import AgentLink, checked, read_line
from headway.engines.process.messages import Answer, Request
from headway.engines.process.place import Place, alive
from headway.engines.process.proof.level import proven
from headway.engines.process.proof.trial import OWNER
from headway.engines.process.runnerline import RunnerLine, connected
from headway.engines.process.session import ProcessSession
from headway.engines.process.split import NODES_MAX, folder_of, folders, read_split, write_split
from headway.engines.process.spool import Spool
from headway.formats.units import counted
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
        self._data = data
        self._folder = data / "agent"
        self._volumes = data / "volumes"
        self._identities = Identities(self._folder)
        self._silent_s = silent_s
        self._closed_ports = closed_ports
        known = read_split(data)
        self.split = msgspec.structs.replace(
            known,
            count=nodes or known.count,
            lend=known.lend if lend is None else lend,
        )
        self._before = known
        self._places: dict[NodeId, Place] = {}
        for index in range(self.split.count):
            name = self.split.identity(index)
            self._places[name] = Place(
                self._link(index, name), partial(self.split.share, index=index)
            )
        for row in ledger.read(data).machines:
            if not row.is_ending:
                self._places[row.id] = self._lent(row)
        self._observers: list[Callable[[Place], None]] = []
        self._runs: set[RunnerLine] = set()

    def _link(self, index: int, name: NodeId) -> AgentLink:
        folder = folder_of(self._data, index)
        words = (str(folder),) if index == 0 else (str(folder), str(self._folder), str(index))
        return AgentLink(folder, words, name, self._silent_s)

    # --- nodes that come and go -------------------------------------------------------------------

    def _lent(self, row: ledger.Lent) -> Place:
        return Place(self._link(row.index, row.id), row.node)

    def join(self, row: ledger.Lent) -> Place:
        """Have one more node. Whoever observes this engine hears of it once it answers."""
        known = self._places.get(row.id)
        if known is not None:
            return known
        place = self._places[row.id] = self._lent(row)
        place.prepare()
        for follow in self._observers:
            follow(place)
        return place

    async def leave(self, node: NodeId) -> None:
        """Have a node no more. It is told away when its agent has ended."""
        place = self._places.pop(node, None)
        if place is not None:
            await place.link.close()

    async def open(self) -> None:
        """Make sure that the agents run.

        Raises:
            EngineError: None of them starts, and the text has its last words; or containers still
                run on a node that there is to be no more.
        """
        self._folder.mkdir(mode=0o711, parents=True, exist_ok=True)
        await self._end_surplus()
        await asyncio.to_thread(write_split, self._data, self.split)
        for place in self._places.values():
            place.prepare()
        opened = await asyncio.gather(
            *(place.ensure() for place in self._places.values()), return_exceptions=True
        )
        failed = [error for error in opened if isinstance(error, BaseException)]
        if len(failed) == len(opened):
            raise failed[0]

    async def _end_surplus(self) -> None:
        """End the agents of nodes that there are no more, once nothing runs there."""
        for index in range(self.split.count, NODES_MAX):
            folder = folder_of(self._data, index)
            if not folder.is_dir():
                continue
            name = self.split.identity(index)
            there = [spool.id for spool in await asyncio.to_thread(alive, folder)]
            if there:
                raise EngineError(
                    f"{name} is to be no node any more, and {counted(len(there), 'container')} "
                    f"still run there: {', '.join(there[:3])}\n"
                    f"next: headway up --nodes {max(self._before.count, index + 1)}, then "
                    f"headway nodes drain {name}; or headway down, which stops everything"
                )
            link = AgentLink(folder, (), name, _SILENT_S)
            with suppress(EngineError):
                os.kill((await link.once(Request(verb="nodes"))).pid, 15)

    async def close(self, *, stop: bool = False) -> None:
        """Let go of the agents; with `stop`, end them. Containers live on either way."""
        if stop:
            for place in self._places.values():
                with suppress(EngineError):
                    os.kill((await place.link.once(Request(verb="nodes"))).pid, 15)

    async def nodes(self) -> tuple[Node, ...]:
        """List the nodes that this machine is; `lost` are those whose agent does not answer."""
        found = await asyncio.gather(*map(self._node, self._places.values()))
        return tuple(sorted(found, key=lambda node: node.id))

    async def _node(self, place: Place) -> Node:
        try:
            answer = await place.link.call(Request(verb="nodes"))
        except EngineUnavailable:
            return self._lost(place)
        return self._part(place, answer.nodes[0])

    def _lost(self, place: Place) -> Node:
        here = machine.node(cgroups.find())
        return msgspec.structs.replace(self._part(place, here), state=NodeState.LOST)

    def _part(self, place: Place, whole: Node) -> Node:
        """Give a place's part of this machine, whose disk and ports are all places'."""
        closed = (*self._closed_ports, *whole.closed_ports)
        return msgspec.structs.replace(
            place.node(whole), machine=self.split.name, closed_ports=closed
        )

    async def start(self, order: Order, node: NodeId) -> Observed:
        """Start a container, or give the state of the one that has this id already."""
        place = self._places.get(node)
        if place is None:
            raise EngineError(f"there is no node {node}")
        answer = await place.link.call(Request(verb="start", order=order, node=node))
        assert answer.observed is not None
        return answer.observed

    async def stop(self, container: ContainerId, grace_s: float) -> None:
        """Ask a container to end."""
        link = self._of(container)
        await link.call(Request(verb="stop", container=container, grace_s=grace_s))

    async def observe(self) -> AsyncIterator[Heard]:
        """Give a listing of each node first, then each change as it happens."""
        told: asyncio.Queue[Heard] = asyncio.Queue(_TOLD_MAX)
        tasks: set[asyncio.Task[None]] = set()

        def follow(place: Place) -> None:
            task = asyncio.create_task(self._follow(place, told), name=f"agent {place.link.name}")
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        for place in self._places.values():
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
                        node = await self._node(place)
                        await told.put(Heard(node=node, facts=answer.listing))
                        is_away = False
                    elif answer.observed is not None:
                        await told.put(Heard(facts=(answer.observed,)))
            except EngineUnavailable:
                with suppress(EngineUnavailable):
                    await place.ensure()
                    continue
                if not is_away:
                    await told.put(Heard(node=self._lost(place)))
                    is_away = True
                if link.is_closed:
                    return
                await link.await_next_try()

    def _of(self, container: ContainerId) -> AgentLink:
        """Give the agent that has a container; the first, where none has."""
        first, *others = (place.link for place in self._places.values())
        for link in others:
            if (link.folder / "containers" / container).exists():
                return link
        return first

    def _spool(self, container: ContainerId) -> Spool:
        """Find what is kept of a container, also on a node that there is no more."""
        kept = [Spool(folder / "containers", container) for folder in folders(self._data)]
        return next((spool for spool in kept if spool.exists()), kept[0])

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
        spool = self._spool(container)
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
        link = self._of(container)
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
        spool = self._spool(container)
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
        await asyncio.to_thread(loglines.remove, self._folder / "runs", runs)

    async def listening(self, container: ContainerId) -> tuple[str, ...]:
        """List where the container's processes listen."""
        return (await self._ask("listening", container)).addresses

    async def usage(self, container: ContainerId) -> Usage | None:
        """Give what a running container uses."""
        return (await self._ask("usage", container)).usage

    async def measure(self) -> tuple[NodeReading, ...]:
        """Read what the containers of each node use."""
        found = await asyncio.gather(*(place.measure() for place in self._places.values()))
        return tuple(sorted((row for row in found if row), key=lambda row: row.node))

    async def remove(self, container: ContainerId) -> None:
        """Forget an ended container and its log."""
        spool = self._spool(container)
        here = {place.link.folder for place in self._places.values()}
        if spool.exists() and spool.path.parent.parent not in here:
            await asyncio.to_thread(spool.remove)  # of a node that there is no more
            return
        await self._ask("remove", container)

    async def _ask(self, verb: str, container: ContainerId) -> Answer:
        return await self._of(container).call(Request(verb=verb, container=container))

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
