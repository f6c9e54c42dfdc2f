"""The loop over leases: what runs out ends, who is next gets it, what it held is taken down."""

import asyncio
from datetime import datetime, timedelta

import msgspec

from headway.calculate.lease import SILENCE_S, timed
from headway.control.leases.clearing import Clearing
from headway.control.leases.keeping import keep, remember
from headway.control.leases.settling import made_known, settled
from headway.control.waiting import rung
from headway.control.world import World
from headway.model.lease import Lease, LeaseState
from headway.ports.store import Writer


class Leasing:
    """Looks at leases when the clock makes something of them."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._wake = asyncio.Event()
        self._clearing = Clearing(world)
        world.bell.lease.calls(self._wake.set)
        world.bell.node.calls(self._wake.set)

    async def run(self) -> None:
        """Look whenever a lease changed or its time has come, for ever."""
        await self.begin()
        while True:
            self._wake.clear()
            wake_at = await self.beat()
            await rung(self._wake, wake_at, self._world.clock.now())

    async def begin(self) -> None:
        """Keep who waited their place: nobody could be heard while headway was down."""
        await remember(self._world)
        heard_at = self._world.clock.now() + timedelta(seconds=SILENCE_S)

        def deed(tx: Writer) -> None:
            for row in tx.lowest(Lease, "due_us", limit=self._world.settings.leases_max):
                if row.state is LeaseState.WAITING:
                    tx.put(timed(msgspec.structs.replace(row, waits_until=heard_at)))

        await self._world.store.write(deed)

    async def beat(self) -> datetime | None:
        """Settle all that is due, and say when something is due next."""
        next_at = await self._settle_due()
        keep(self._world)
        await self._clearing.look()
        times = (next_at, self._world.kept.change_at)
        return min((at for at in times if at is not None), default=None)

    async def _settle_due(self) -> datetime | None:
        while True:
            first = await self._world.store.read(lambda reader: reader.lowest(Lease, "due_us"))
            if not first or first[0].due_at is None:
                return None
            if first[0].due_at > self._world.clock.now():
                return first[0].due_at
            await self._settle(first[0].claim.key)

    async def _settle(self, key: str) -> None:
        world = self._world

        def deed(tx: Writer) -> list[Lease]:
            return settled(tx, key, world.settings, world.clock.now())

        await made_known(world, await world.store.write(deed))
