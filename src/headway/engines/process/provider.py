"""Fills the Provider port: lends pools parts of this machine, each a node with its own agent."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import suppress
from math import ceil
from pathlib import Path
from typing import Any

import msgspec

from headway.engines.process import ledger, place
from headway.engines.process.engine import ProcessEngine
from headway.engines.process.ledger import Lent
from headway.engines.process.machine import size
from headway.engines.process.place import Place
from headway.engines.process.split import LENT_MAX, folder_of
from headway.model.ids import NodeId, PoolName
from headway.model.machine import Machine
from headway.model.pool import NodeType
from headway.ports.clock import Clock
from headway.ports.engine import EngineUnavailable
from headway.ports.provider import NoCapacity, ProviderError

_ROUNDING = 1e-6
_SHARE_MAX = 90
"""So many percent can be lent, as `headway up --lend` has it."""


class MachineProvider:
    """Lends what `headway up --lend` keeps of this machine, in whatever sizes pools ask for."""

    name = "this-machine"

    def __init__(self, data: Path, engine: ProcessEngine, *, clock: Clock) -> None:
        self._data = data
        self._engine = engine
        self._clock = clock
        self._ledger = ledger.read(data)
        self._places: dict[NodeId, Place] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Go on with what was under way: nodes that were to start, and those that were to end."""
        for row in self._ledger.machines:
            if row.is_ending:
                self._do(self._end(row), row)
            else:
                self._begin(row)

    async def settle(self) -> None:
        """Wait until nothing starts or ends any more."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def close(self) -> None:
        """Let go of it all. Nodes that are lent run on."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def machines(self) -> tuple[Machine, ...]:
        """List the nodes that are lent."""
        return tuple(map(self._machine, self._ledger.machines))

    async def request(self, machine: NodeId, pool: PoolName, kind: NodeType) -> Machine:
        """Have a node of this size, if there is room for it."""
        known = self._ledger.find(machine)
        if known is not None:
            return self._machine(known)
        if machine in self._ledger.gone:
            raise ProviderError(f"{machine} was released, and ids are used once")
        since = self._clock.now()
        row = Lent(id=machine, index=self._room(kind), pool=pool, kind=kind, since=since)
        self._write(self._ledger.having(row))
        self._begin(row)
        return self._machine(row)

    async def release(self, machine: NodeId) -> None:
        """End a node and all that runs there."""
        row = self._ledger.find(machine)
        if row is None:
            if machine not in self._ledger.gone:
                self._write(self._ledger.without(machine))
        elif not row.is_ending:
            ending = msgspec.structs.replace(row, is_ending=True)
            self._write(self._ledger.having(ending))
            self._do(self._end(ending), ending)

    async def notices(self) -> AsyncIterator[Machine]:
        """Announce nothing: this machine takes no node back by itself."""
        rows: tuple[Machine, ...] = ()
        for row in rows:
            yield row
        await asyncio.Event().wait()

    def refusal(self, kind: NodeType) -> str:
        """Refuse GPUs, and what is larger than all that is lent."""
        if kind.gpus:
            return f"{kind.name} has GPUs, and this machine offers none"
        cpu, memory_mib = self._lends()
        fits = kind.cpu <= cpu + _ROUNDING and kind.memory_mib <= memory_mib
        if fits or not self._engine.split.lend:
            return ""
        most_cpu, most_mib = size()
        share = ceil(100 * max(kind.cpu / most_cpu, kind.memory_mib / most_mib))
        more = f"; next: headway down --keep && headway up -d --lend {share}"
        lends = f"{_asked(kind)}, and this machine lends {_words(cpu, memory_mib)}"
        return f"{lends}{more if share <= _SHARE_MAX else ', and has too little to lend so much'}"

    # --- inside -----------------------------------------------------------------------------------

    def _room(self, kind: NodeType) -> int:
        """Give an index for a node of a type.

        Raises:
            ProviderError: It could never be had.
            NoCapacity: There is no room for it now.
        """
        if not self._engine.split.lend:
            raise NoCapacity(
                "this machine keeps nothing for pools; next: headway down --keep && "
                "headway up -d --lend 50"
            )
        refusal = self.refusal(kind)
        if refusal:
            raise ProviderError(refusal)
        cpu, memory_mib = self._lends()
        asked = _asked(kind)
        rows = self._ledger.machines
        left_cpu = cpu - sum(row.kind.cpu for row in rows)
        left_mib = memory_mib - sum(row.kind.memory_mib for row in rows)
        if kind.cpu > left_cpu + _ROUNDING or kind.memory_mib > left_mib:
            left = _words(max(0.0, left_cpu), max(0.0, left_mib))
            raise NoCapacity(f"{asked}, and of what this machine lends {left} are left")
        index = self._ledger.free
        if index is None:
            raise NoCapacity(f"this machine lends {LENT_MAX} nodes already, none for {kind.name}")
        return index

    def _lends(self) -> tuple[float, float]:
        """Give the cores and the MiB that are kept for pools."""
        cpu, memory_mib = (whole * self._engine.split.lend / 100 for whole in size())
        return cpu, memory_mib

    def _machine(self, row: Lent) -> Machine:
        lent = self._places.get(row.id)
        return row.machine(is_up=lent is not None and lent.is_up)

    def _write(self, new: ledger.Ledger) -> None:
        """Write at once, seldom as it is: nobody can be cancelled between the file and memory."""
        ledger.write(self._data, new)
        self._ledger = new

    def _begin(self, row: Lent) -> None:
        self._places[row.id] = self._engine.join(row)
        self._do(self._start(self._places[row.id]), row)

    def _do(self, deed: Coroutine[Any, Any, None], row: Lent) -> None:
        task = asyncio.create_task(deed, name=f"machine {row.id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _start(self, lent: Place) -> None:
        """Start an agent, however often that takes. Whoever is to give up on it releases it."""
        while not lent.is_up and not lent.link.is_closed:
            with suppress(EngineUnavailable):
                await lent.ensure()
                return
            await lent.link.await_next_try()

    async def _end(self, row: Lent) -> None:
        """End an agent and what it runs; only then is it gone."""
        await self._engine.leave(row.id)
        await place.end(folder_of(self._data, row.index))
        self._write(self._ledger.without(row.id))
        self._places.pop(row.id, None)


def _asked(kind: NodeType) -> str:
    return f"{kind.name} has {kind.cpu:g} cores and {kind.memory_mib} MiB"


def _words(cpu: float, memory_mib: float) -> str:
    return f"{cpu:g} cores and {memory_mib:.0f} MiB"
