"""A provider in memory: machines start after their type's time, and it may be told to fail.

It goes by the running event loop's time, so that it is as fast as a loop whose time is virtual.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from datetime import timedelta

import msgspec

from headway.calculate.billing import price
from headway.model.ids import NodeId, PoolName
from headway.model.machine import Machine, MachineState
from headway.model.node import Node
from headway.model.pool import NodeType
from headway.ports.clock import Clock
from headway.ports.provider import NoCapacity, ProviderError, ProviderUnavailable

_ENDS_S = 5.0


def _nobody(_: object) -> None:
    """Hear of it and do nothing."""


class SimulatedProvider:
    """Lends simulated machines, and keeps their bill."""

    name = "simulated"

    def __init__(
        self,
        types: Iterable[NodeType],
        *,
        clock: Clock,
        joined: Callable[[Node], None] = _nobody,
        left: Callable[[NodeId], None] = _nobody,
        room: Mapping[str, int] | None = None,
    ) -> None:
        """Make a provider that lends nothing yet.

        Args:
            types: What it offers.
            clock: What `since` and `ends_at` go by.
            joined: Called when a machine has started, with the node that it is.
            left: Called when a machine is gone.
            room: How many of a type there are; of one that is not named, any number.
        """
        self._types = {kind.name: kind for kind in types}
        self._clock = clock
        self._joined = joined
        self._left = left
        self.room = dict(room or {})
        self.answers = True
        """Told not to, it raises `ProviderUnavailable` and has done nothing."""
        self.forgets_to_answer = 0
        """So many requests are done and not answered."""
        self.slow_s = 0.0
        """Every answer takes so long."""
        self.short: dict[str, float] = {}
        """Type to the share of its capacity that its machines really have."""
        self.stillborn = 0
        """So many of the next machines never become nodes, and are paid for."""
        self.on_release: Callable[[Machine], None] = _nobody
        """Told of each machine that is given back, before it ends."""
        self._short: dict[NodeId, float] = {}
        self._machines: dict[NodeId, Machine] = {}
        self._released: set[NodeId] = set()
        self._tags: dict[NodeId, dict[str, str]] = {}
        self._timers: dict[NodeId, list[asyncio.TimerHandle]] = {}
        self._listeners: list[asyncio.Queue[Machine | None]] = []
        self._paid = 0.0
        self.requested: Counter[str] = Counter()

    async def machines(self) -> tuple[Machine, ...]:
        """List its machines."""
        await self._answer()
        return tuple(self._machines[name] for name in sorted(self._machines))

    async def request(self, machine: NodeId, pool: PoolName, kind: NodeType) -> Machine:
        """Have a machine start after its type's `start_s`."""
        await self._answer()
        known = self._machines.get(machine)
        if known is None:
            known = self._begin(machine, pool, kind.name)
            self._tags[machine] = kind.tags
        if self.forgets_to_answer:
            self.forgets_to_answer -= 1
            raise ProviderUnavailable("the answer was lost")
        return known

    async def release(self, machine: NodeId) -> None:
        """Have a machine end in a moment."""
        await self._answer()
        self._released.add(machine)
        known = self._machines.get(machine)
        if known is None or known.state is MachineState.ENDING:
            return
        self.on_release(known)
        self._machines[machine] = msgspec.structs.replace(known, state=MachineState.ENDING)
        self._later(machine, _ENDS_S, self.vanish)

    async def notices(self) -> AsyncIterator[Machine]:
        """Give each machine whose end was announced."""
        if not self.answers:
            raise ProviderUnavailable("the provider does not answer")
        heard: asyncio.Queue[Machine | None] = asyncio.Queue()
        self._listeners.append(heard)
        try:
            for row in list(self._machines.values()):
                if row.ends_at is not None:
                    yield row
            while (announced := await heard.get()) is not None:
                yield announced
            raise ProviderUnavailable("the provider does not answer any more")
        finally:
            self._listeners.remove(heard)

    # --- what a scenario does -----------------------------------------------------------------

    def close(self) -> None:
        """Have nothing happen any more."""
        for timers in self._timers.values():
            for timer in timers:
                timer.cancel()

    def cut(self) -> None:
        """Answer nobody, until `answers` is set again."""
        self.answers = False
        for listener in self._listeners:
            listener.put_nowait(None)

    def lent(self) -> list[Machine]:
        """Give its machines, whether or not it answers."""
        return list(self._machines.values())

    def knows(self, machine: NodeId) -> bool:
        """Whether a machine was asked for under this id, or given back."""
        return machine in self._machines or machine in self._released

    def is_spot(self, machine: Machine) -> bool:
        """Whether it may be taken back at short notice."""
        kind = self._types.get(machine.type)
        return kind is not None and kind.spot

    def shorten(self, machine: NodeId, share: float) -> None:
        """Let a machine that is about to be asked for have less than its type promises."""
        self._short[machine] = share

    def offer(self, kind: NodeType) -> None:
        """Offer a type, or one anew."""
        self._types[kind.name] = kind

    def announce(self, machine: NodeId, within_s: float) -> None:
        """Take a machine back after so long, as spot machines are."""
        known = self._machines.get(machine)
        if known is None or known.state is MachineState.ENDING:
            return
        ends_at = self._clock.now() + timedelta(seconds=within_s)
        row = self._machines[machine] = msgspec.structs.replace(known, ends_at=ends_at)
        self._later(machine, within_s, self.vanish)
        for listener in self._listeners if self.answers else ():
            listener.put_nowait(row)

    def vanish(self, machine: NodeId) -> None:
        """Have a machine be gone now, as one that dies; it is listed no more."""
        known = self._machines.pop(machine, None)
        self._tags.pop(machine, None)
        for timer in self._timers.pop(machine, ()):
            timer.cancel()
        if known is not None:
            self._released.add(machine)
            self._paid += self._owed(known)
            self._left(machine)

    def foist(self, machine: Machine) -> None:
        """List and bill a machine that nobody requested."""
        self._machines[machine.id] = machine

    def bill(self) -> float:
        """Give what all machines have cost so far."""
        return self._paid + sum(self._owed(row) for row in self._machines.values())

    def refusal(self, kind: NodeType) -> str:
        """Refuse the types that it was not given."""
        return "" if kind.name in self._types else self._unknown(kind.name)

    # --- inside -------------------------------------------------------------------------------

    def _unknown(self, kind: str) -> str:
        return f"there is no type {kind!r}: {', '.join(sorted(self._types))}"

    async def _answer(self) -> None:
        if self.slow_s:
            await asyncio.sleep(self.slow_s)
        if not self.answers:
            raise ProviderUnavailable("the provider does not answer")

    def _begin(self, machine: NodeId, pool: PoolName, kind: str) -> Machine:
        chosen = self._types.get(kind)
        if chosen is None:
            raise ProviderError(self._unknown(kind))
        if machine in self._released:
            raise ProviderError(f"{machine} was released, and ids are used once")
        there = sum(row.type == kind for row in self._machines.values())
        if there >= self.room.get(kind, there + 1):
            raise NoCapacity(f"all {there} machines of type {kind} are lent")
        row = Machine(
            id=machine,
            pool=pool,
            type=kind,
            state=MachineState.STARTING,
            since=self._clock.now(),
        )
        self._machines[machine] = row
        self.requested[kind] += 1
        if self.stillborn:
            self.stillborn -= 1
        else:
            self._later(machine, chosen.start_s, self._run)
        return row

    def _run(self, machine: NodeId) -> None:
        known = self._machines.get(machine)
        if known is None or known.state is not MachineState.STARTING:
            return
        row = self._machines[machine] = msgspec.structs.replace(known, state=MachineState.RUNNING)
        self._joined(self._node(row))

    def _node(self, row: Machine) -> Node:
        kind = self._types[row.type]
        share = self._short.get(row.id, self.short.get(row.type, 1.0))
        return Node(
            id=row.id,
            cpu=kind.cpu * share,
            memory_mib=int(kind.memory_mib * share),
            gpus=kind.gpus,
            custom=kind.custom,
            tags={**self._tags[row.id], "node": row.id, "pool": row.pool},
            pool=row.pool,
            type=row.type,
            price_hour=kind.price_hour,
            spot=kind.spot,
            since=row.since,
        )

    def _later(self, machine: NodeId, after_s: float, deed: Callable[[NodeId], None]) -> None:
        timer = asyncio.get_running_loop().call_later(after_s, deed, machine)
        self._timers.setdefault(machine, []).append(timer)

    def _owed(self, row: Machine) -> float:
        kind = self._types.get(row.type)
        lived_s = (self._clock.now() - row.since).total_seconds()
        return price(kind, lived_s) if kind else 0.0
