"""Writes down what becomes of leases: every row, its event, and what it holds, in one go."""

from datetime import datetime

import msgspec

from headway.calculate.lease import Turnover, end_environment, settle
from headway.control.leases.keeping import remember
from headway.control.rollout.transcribe import transcribe
from headway.control.world import World
from headway.model.environment import Environment, EnvironmentState
from headway.model.event import Event
from headway.model.lease import ClaimKind, Fences, Lease
from headway.model.settings import Settings
from headway.ports.store import Writer

_AT_ONCE = 100
"""Rows deleted in one transaction."""


def settled(tx: Writer, key: str, settings: Settings, now: datetime) -> list[Lease]:
    """End what has run out among the leases on one thing, grant what is free; gives the changes."""
    line = tx.find(Lease, open_claim=key)
    fences = tx.get(Fences, Fences().name) or Fences()
    turn = settle(line, now, fences.last)
    if turn.fence != fences.last:
        tx.put(msgspec.structs.replace(fences, last=turn.fence))
    return [written(tx, change, "headway", settings, now) for change in turn.changes]


def written(tx: Writer, change: Turnover, actor: str, settings: Settings, now: datetime) -> Lease:
    """Write one lease with its event; with one that is over ends what it holds."""
    row = tx.put(change.row)
    tx.record(event_of(row, now, actor, change.kind, change.because))
    if row.is_ended:
        _end_held(tx, row, settings, now)
    return row


def _end_held(tx: Writer, lease: Lease, settings: Settings, now: datetime) -> None:
    """End what was started under a lease, and nothing else."""
    for environment in tx.find(Environment, under=lease.id, state=EnvironmentState.ACTIVE):
        because = f"{lease.id}, which it was started under, is over: {lease.because}"
        transcribe(tx, (end_environment(environment, because),), settings, now)


def forget_over(tx: Writer, kept: int) -> int:
    """Delete leases that are over, those that ended first, beyond so many; gives how many."""
    over = tx.count(Lease, "ended_us") - kept
    gone = tx.lowest(Lease, "ended_us", limit=min(over, _AT_ONCE)) if over > 0 else []
    for row in gone:
        tx.delete(Lease, row.id)
    return len(gone)


async def made_known(world: World, rows: list[Lease]) -> None:
    """Tell who waits for these leases, and whoever goes by what leases keep."""
    for row in rows:
        event = world.awaited.pop(row.id, None)
        if event is not None:
            event.set()
    if any(row.claim.kind is not ClaimKind.LOCK for row in rows):
        await remember(world)
        world.bell.environment()
    world.bell.lease()


def event_of(row: Lease, now: datetime, actor: str, kind: str, because: str) -> Event:
    """Make the event of what a lease has become."""
    data = {"claim": row.claim.key, "holder": row.holder, "fence": row.fence}
    return Event(at=now, actor=actor, kind=kind, subject=row.id, because=because, data=data)
