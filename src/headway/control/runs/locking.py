"""The locks of runs: stood in line for, taken as they start, given up as they end."""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import count

import msgspec

from headway.calculate.lease import Turnover, ended
from headway.calculate.queueing import Entry
from headway.calculate.runs.locking import Locks, held, holder_of, lock_key, standing
from headway.control.leases.settling import event_of, settled, written
from headway.model.event import Event
from headway.model.ids import LeaseId, RunId
from headway.model.lease import Fences, Lease, LeaseState
from headway.model.run import Run, RunState
from headway.model.settings import Settings
from headway.ports.store import Reader, Store, Writer

_LOOKED_AT = 128
"""First runs of a lane of which the lines of their locks are read for a decision."""


async def lines(store: Store, lanes: Iterable[Sequence[Entry]]) -> Locks:
    """Read the lines of the locks that the first runs of lanes hold as they run."""
    names = {
        name: None
        for entries in lanes
        for _, entry in zip(range(_LOOKED_AT), entries, strict=False)
        for name in entry.locks
    }
    if not names:
        return Locks({})
    return Locks(await store.read(lambda reader: _lines(reader, names)))


def are_more(lanes: Iterable[Sequence[Entry]]) -> bool:
    """Say whether runs with locks stand behind those of which the lines are read."""
    return any(len(entries) > _LOOKED_AT and entries[_LOOKED_AT].locks for entries in lanes)


def _lines(reader: Reader, names: Iterable[str]) -> dict[str, list[Lease]]:
    found: dict[str, list[Lease]] = {name: [] for name in names}
    for row in reader.find(Lease, open_claim=tuple(map(lock_key, found))):
        found[row.claim.name].append(row)
    return found


def take(tx: Writer, run: Run, now: datetime) -> int | None:
    """Have a run that starts hold all of its locks; gives its fence, or None: others have one."""
    lines = _lines(tx, run.locks)
    if Locks(lines).wanted(run.id, run.locks):
        return None
    fences = tx.get(Fences, Fences().name) or Fences()
    fence = fences.last + 1
    tx.put(msgspec.structs.replace(fences, last=fence))
    for name in run.locks:
        row = next((row for row in lines[name] if row.run == run.id), None)
        lease = held(row or _placed(tx, run, name, lines[name], now), fence, now)
        tx.record(_event(tx.put(lease), "lease.held", now))
    return fence


def stand(tx: Writer, runs: Iterable[RunId], limit: int, now: datetime) -> None:
    """Have queued runs stand in line for locks, each at the end; again, it changes nothing.

    In which is decided here: others may have come since somebody looked. A line takes `limit` who
    wait. Who finds it full stands behind it the next time.
    """
    for identity in runs:
        run = tx.get(Run, identity)
        if run is None or run.state is not RunState.QUEUED:
            continue
        lines = _lines(tx, run.locks)
        for name in Locks(lines).wanted(identity, run.locks):
            line = lines[name]
            waiting = sum(row.state is LeaseState.WAITING for row in line)
            if all(row.run != identity for row in line):
                if waiting >= limit:
                    break
                _placed(tx, run, name, line, now)


def leave(tx: Writer, runs: Iterable[RunId], settings: Settings, now: datetime) -> list[Lease]:
    """Have runs that could not start leave their lines; gives the leases that changed."""
    changed: list[Lease] = []
    for identity in runs:
        run = tx.get(Run, identity)
        if run is not None and run.state is RunState.QUEUED:
            because = "it could not start with it; it comes back at the end of the line when it can"
            changed += _over(tx, run, because, settings, now)
    return changed


def give_up(tx: Writer, run: Run, settings: Settings, now: datetime) -> list[Lease]:
    """Give up what a run holds or waits for, as it has ended or waits for another attempt.

    Gives the leases that changed: its own, and those of who has a lock now.
    """
    if not run.locks:
        return []
    return _over(tx, run, f"{holder_of(run)} is {run.state.value}", settings, now)


def _over(tx: Writer, run: Run, because: str, settings: Settings, now: datetime) -> list[Lease]:
    changed: list[Lease] = []
    for row in _of(tx, run):
        over = Turnover(row=ended(row, because, now), kind="lease.ended")
        changed.append(written(tx, over, "headway", settings, now))
        changed += settled(tx, row.claim.key, settings, now)
    return changed


def _of(reader: Reader, run: Run) -> list[Lease]:
    """Find the open leases of a run."""
    if not run.locks:
        return []
    found = _lines(reader, run.locks)
    return [row for name in run.locks for row in found[name] if row.run == run.id]


def _placed(tx: Writer, run: Run, name: str, line: Sequence[Lease], now: datetime) -> Lease:
    row = tx.put(standing(run, name, line, _identity(tx, run, name), now))
    tx.record(_event(row, "lease.asked", now))
    return row


def _identity(tx: Reader, run: Run, name: str) -> LeaseId:
    """Choose the id of the next lease of a run on a lock."""
    said = (f"{run.id}/{name}/{number}" for number in count())
    digests = (hashlib.sha256(text.encode()).hexdigest()[:16] for text in said)
    ids = (LeaseId(f"lse-{digest}") for digest in digests)
    return next(identity for identity in ids if tx.get(Lease, identity) is None)


def _event(row: Lease, kind: str, now: datetime) -> Event:
    because = row.because if kind == "lease.held" else row.reason
    return event_of(row, now, "headway", kind, because)
