"""The nodes that this machine is, and which of them has a container."""

import asyncio
from collections.abc import Collection, Iterator
from functools import partial
from pathlib import Path

import msgspec

from headway.engines.process import cgroups, ledger, machine
from headway.engines.process.link import AgentLink
from headway.engines.process.messages import Request
from headway.engines.process.place import Place, alive
from headway.engines.process.split import NODES_MAX, folder_of, folders, read_split, write_split
from headway.engines.process.spool import Spool
from headway.formats.units import counted
from headway.model.ids import ContainerId, NodeId
from headway.model.node import ClosedPorts, Node, NodeState
from headway.ports.engine import EngineError, EngineUnavailable


class Places:
    """Its own nodes, and those that pools have of it."""

    def __init__(
        self,
        data: Path,
        *,
        count: int | None,
        lend: int | None,
        silent_s: float,
        closed_ports: tuple[ClosedPorts, ...],
    ) -> None:
        self._data = data
        self._shared = data / "agent"
        self._silent_s = silent_s
        self._closed_ports = closed_ports
        known = read_split(data)
        self.split = msgspec.structs.replace(
            known,
            count=count or known.count,
            lend=known.lend if lend is None else lend,
        )
        self._count_before = known.count
        self._of: dict[NodeId, Place] = {}
        for index in range(self.split.count):
            name = self.split.identity(index)
            self._of[name] = Place(self._link(index, name), partial(self.split.share, index=index))
        for row in ledger.read(data).machines:
            if not row.is_ending:
                self._of[row.id] = self._lent(row)

    def __iter__(self) -> Iterator[Place]:
        return iter(list(self._of.values()))

    def one(self, node: NodeId) -> Place:
        """Give a node.

        Raises:
            EngineError: There is none of this id.
        """
        place = self._of.get(node)
        if place is None:
            raise EngineError(f"there is no node {node}")
        return place

    def _link(self, index: int, name: NodeId) -> AgentLink:
        folder = folder_of(self._data, index)
        words = (str(folder),) if index == 0 else (str(folder), str(self._shared), str(index))
        return AgentLink(folder, words, name, self._silent_s)

    def _lent(self, row: ledger.Lent) -> Place:
        return Place(self._link(row.index, row.id), row.node)

    def join(self, row: ledger.Lent) -> tuple[Place, bool]:
        """Have one more node; says whether it is new."""
        known = self._of.get(row.id)
        if known is not None:
            return known, False
        place = self._of[row.id] = self._lent(row)
        place.prepare()
        return place, True

    async def leave(self, node: NodeId) -> None:
        """Have a node no more."""
        place = self._of.pop(node, None)
        if place is not None:
            await place.link.close()

    async def open(self) -> None:
        """Make sure that the agents run.

        Raises:
            EngineError: None of them starts; or containers still run on a node that there is to
                be no more.
        """
        self._shared.mkdir(mode=0o711, parents=True, exist_ok=True)
        await self._end_surplus()
        await asyncio.to_thread(write_split, self._data, self.split)
        for place in self:
            place.prepare()
        opened = await asyncio.gather(*(place.ensure() for place in self), return_exceptions=True)
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
                    f"next: headway up --nodes {max(self._count_before, index + 1)}, then "
                    f"headway nodes drain {name}; or headway down, which stops everything"
                )
            await AgentLink(folder, (), name, self._silent_s).end()

    async def node(self, place: Place) -> Node:
        """Ask a node how it is; it is `lost` where its agent does not answer."""
        try:
            answer = await place.link.call(Request(verb="nodes"))
        except EngineUnavailable:
            return self.lost(place)
        return self._part(place, answer.nodes[0])

    async def with_ports(self, place: Place, ports: Collection[int]) -> Node:
        """Have a node look who has some ports; it is not waited for where it is silent.

        Raises:
            EngineUnavailable: It is.
        """
        request = Request(verb="nodes", ports=tuple(ports))
        return self._part(place, (await place.link.at_once(request)).nodes[0])

    def lost(self, place: Place) -> Node:
        """Give a node as one whose agent does not answer."""
        here = machine.node(cgroups.find())
        return msgspec.structs.replace(self._part(place, here), state=NodeState.LOST)

    def _part(self, place: Place, whole: Node) -> Node:
        """Give a place's part of this machine, whose disk and ports are all places'."""
        closed = (*self._closed_ports, *whole.closed_ports)
        return msgspec.structs.replace(
            place.node(whole), machine=self.split.name, closed_ports=closed
        )

    def agent_of(self, container: ContainerId) -> AgentLink:
        """Give the agent that has a container; the first, where none has."""
        first, *others = (place.link for place in self._of.values())
        for link in others:
            if (link.folder / "containers" / container).exists():
                return link
        return first

    def spool_of(self, container: ContainerId) -> Spool:
        """Find what is kept of a container, also on a node that there is no more."""
        kept = [Spool(folder / "containers", container) for folder in folders(self._data)]
        return next((spool for spool in kept if spool.exists()), kept[0])

    def has(self, spool: Spool) -> bool:
        """Say whether what is kept of a container is on a node that there is."""
        return any(place.link.folder / "containers" == spool.path.parent for place in self)
