"""The loop of the monitor: what it flags is told once, and what it may act upon it acts upon."""

import asyncio
from datetime import datetime, timedelta
from functools import partial

from headway.calculate.runs.monitor import (
    FAILED_LEAST,
    Flag,
    has_failed_to_start,
    release_of,
    starts_fail,
)
from headway.control import nodes
from headway.control.errors import HeadwayError
from headway.control.pool.monitor import flagged
from headway.control.pool.orders import becoming
from headway.control.pool.pooling import Pools
from headway.control.runs import runs
from headway.control.runs.dispatch import Dispatch
from headway.control.world import World
from headway.machine.own_log import Log
from headway.model.container import Container, ContainerState
from headway.model.event import Event
from headway.model.ids import NodeId
from headway.model.node import Holder, NodeState
from headway.model.pool_node import PoolNode, PoolNodeState
from headway.ports.store import Reader, Writer

NAME = "monitor"
_EVERY_S = 300.0
_HOUR = timedelta(hours=1)
_ENDED_SEEN = 1000
_HERE_SEEN = 50
_log = Log()


class Monitoring:
    """Looks every five minutes. What it did stands in the events, which bound it by the hour."""

    def __init__(self, world: World, dispatch: Dispatch, pools: Pools) -> None:
        self._world = world
        self._dispatch = dispatch
        self._pools = pools

    async def run(self) -> None:
        """Look for ever."""
        while True:
            await asyncio.sleep(_EVERY_S)
            await self.beat()

    async def beat(self) -> None:
        """Look once."""
        for flag in await flagged(self._world, self._pools):
            await self._tell(flag)
            if flag.cancels:
                await self._cancel(flag)
        faulty = self._pools.seen.faulty = await self._failing()
        for node, because in faulty.items():
            await self._replace(node, because)

    # --- runs -------------------------------------------------------------------------------------

    async def _tell(self, flag: Flag) -> None:
        """Have `why` tell of it; once for each run and attempt of it."""
        now = self._world.clock.now()

        def deed(tx: Writer) -> None:
            told = tx.events(subject=flag.run, newest_first=True, limit=20)
            kinds = [row.kind for row in told]
            began = kinds.index("run.running") if "run.running" in kinds else len(kinds)
            if "run.flagged" not in kinds[:began]:
                tx.record(_event(flag.run, "run.flagged", flag.because, now))

        await self._world.store.write(deed)

    async def _cancel(self, flag: Flag) -> None:
        most = self._world.settings.monitor_cancels_hour_max
        also = partial(self._done, kind="monitor.cancelled", what=flag.run, because=flag.because)
        because = f"the monitor ends it: {flag.because}"
        try:
            await runs.cancel(
                self._world,
                self._dispatch,
                NAME,
                flag.run,
                because=because,
                also=lambda tx: also(tx, most=most),
            )
        except HeadwayError as error:  # it has ended meanwhile
            _log.info("not cancelled", run=flag.run, because=str(error))

    # --- nodes ------------------------------------------------------------------------------------

    async def _failing(self) -> dict[NodeId, str]:
        ended = await self._world.store.read(_ended)
        counts: dict[NodeId, int] = {}
        for row in ended:
            if has_failed_to_start(row):
                counts[row.node] = counts.get(row.node, 0) + 1
        found: dict[NodeId, str] = {}
        for node in self._world.nodes:
            if node.state is not NodeState.READY or counts.get(node.id, 0) < FAILED_LEAST:
                continue
            here, started = await self._world.store.read(partial(_starts, node=node.id))
            because = starts_fail(here, started, self._world.clock.now())
            if because:
                found[node.id] = because
        return found

    async def _replace(self, node: NodeId, because: str) -> None:
        """Have a node that a provider lends be given back; others are flagged only."""
        lent = await self._world.store.read(lambda tx: tx.get(PoolNode, node))
        if lent is None or not lent.is_wanted:
            return
        most = self._world.settings.monitor_drains_hour_max
        now = self._world.clock.now()
        leaving = becoming(node, PoolNodeState.LEAVING, because, now)

        def also(tx: Writer) -> bool:
            may = self._done(tx, kind="monitor.drained", what=node, because=because, most=most)
            return may and leaving(tx)

        await nodes.drain(self._world, "", node, None, because, holder=Holder.MONITOR, also=also)

    def _done(self, tx: Writer, *, kind: str, what: str, because: str, most: int) -> bool:
        """Write down what is done, unless as much was done within an hour."""
        now = self._world.clock.now()
        recent = tx.events(subject=NAME, newest_first=True, limit=1000)
        count = sum(row.kind == kind and row.at > now - _HOUR for row in recent)
        if count >= most:
            return False
        tx.record(_event(NAME, kind, f"{what}: {because}", now))
        return True


def _event(subject: str, kind: str, because: str, now: datetime) -> Event:
    return Event(at=now, actor=NAME, kind=kind, subject=subject, because=because)


def _ended(reader: Reader) -> list[Container]:
    state = ContainerState.EXITED
    return reader.find(Container, state=state, newest_first=True, limit=_ENDED_SEEN)


def _starts(reader: Reader, *, node: NodeId) -> tuple[list[Container], frozenset[str]]:
    """Give the newest containers of a node, and what was started elsewhere."""
    here = reader.find(Container, node=node, newest_first=True, limit=_HERE_SEEN)
    there = reader.find(Container, newest_first=True, limit=_ENDED_SEEN)
    started = {release_of(row) for row in there if row.node != node and row.started_at is not None}
    return here, frozenset(started)
