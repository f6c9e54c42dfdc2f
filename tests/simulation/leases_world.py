"""The loop over leases and its commands, over a real store, with a clock that is set by hand."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec

from headway.control.leases import claiming, leases
from headway.control.leases.leasing import Leasing
from headway.control.requests import LeaseRequest
from headway.control.world import World
from headway.model.environment import Environment, EnvironmentState
from headway.model.event import Event
from headway.model.ids import EnvironmentId, LeaseId, NodeId
from headway.model.lease import ClaimKind, Tenure
from headway.model.node import Node
from headway.model.settings import Settings
from headway.model.view.lease import LeaseView
from headway.stores.sqlite import SqliteStore

BEGAN = datetime(2026, 11, 21, 9, tzinfo=UTC)


class HandClock:
    def __init__(self) -> None:
        self.at = BEGAN

    def now(self) -> datetime:
        return self.at


class LeasesWorld:
    """A control plane that knows leases only; `down` and `up` are its death and its return."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "headway.db"
        self.clock = HandClock()

    async def up(self, **settings: Any) -> None:
        self.store = await SqliteStore.open(self._path)
        nobody: Any = SimpleNamespace()
        self.world = World(
            clock=self.clock,
            store=self.store,
            engine=nobody,
            router=nobody,
            sources=nobody,
            builder=nobody,
            vault=nobody,
            settings=msgspec.structs.replace(Settings(), **settings),
            started_at=BEGAN,
            version="0",
        )
        self.loop = Leasing(self.world)
        await self.loop.begin()

    async def down(self) -> None:
        await self.store.close()

    async def after(self, seconds: float) -> datetime | None:
        """Let time pass, and the loop look."""
        self.clock.at += timedelta(seconds=seconds)
        return await self.loop.beat()

    async def ask(self, holder: str, name: str = "migration", **wish: Any) -> LeaseView:
        wished = {"kind": ClaimKind.LOCK, "length_s": 30.0, "wait": True, **wish}
        identity = LeaseId(wished.pop("id", f"lse-{holder}000000"))
        return await claiming.acquire(
            self.world, holder, LeaseRequest(id=identity, name=name, **wished)
        )

    async def one(self, holder: str) -> LeaseView:
        return await leases.one(self.world, f"lse-{holder}000000")

    async def states(self, *holders: str) -> list[str]:
        return [(await self.one(holder)).lease.state.value for holder in holders]

    async def renew(self, holder: str, **options: Any) -> LeaseView:
        return await claiming.renew(self.world, holder, f"lse-{holder}000000", **options)

    async def release(self, holder: str) -> LeaseView:
        return await claiming.release(self.world, holder, f"lse-{holder}000000")

    async def environment(self, name: str, under: str | None = None) -> None:
        row = Environment(
            id=EnvironmentId(f"{name}~1"),
            lease=Tenure(holder="ana", until=None),
            under=LeaseId(f"lse-{under}000000") if under else None,
            created_at=self.clock.at,
            created_by="ana",
        )
        await self.store.write(lambda tx: tx.put(row))

    async def active(self) -> set[str]:
        rows = await self.store.read(
            lambda reader: reader.find(Environment, state=EnvironmentState.ACTIVE)
        )
        return {row.name for row in rows}

    async def events(self, holder: str) -> list[Event]:
        return await self.store.read(lambda reader: reader.events(subject=f"lse-{holder}000000"))

    def nodes(self, **cores: float) -> None:
        """Have the engine know nodes of so many cores, with a GiB for each."""
        for name, cpu in cores.items():
            node = Node(id=NodeId(name), cpu=cpu, memory_mib=int(1024 * cpu))
            self.world.roster.heard(node, self.clock.at)

    async def book(self, holder: str, cpu: float, begins_s: float = 0, **wish: Any) -> LeaseView:
        """Claim cores of the default pool for an hour."""
        wished = {"kind": ClaimKind.CAPACITY, "length_s": 3600.0, **wish}
        from_at = self.clock.at + timedelta(seconds=begins_s) if begins_s else None
        return await self.ask(holder, "default", cpu=cpu, from_at=from_at, **wished)
