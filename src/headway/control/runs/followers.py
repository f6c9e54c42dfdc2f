"""Runs that wait: for a time, or for the success of others."""

from datetime import datetime
from typing import NamedTuple

import msgspec

from headway.control.runs import locking
from headway.control.runs.events import run_event
from headway.model.ids import RunId
from headway.model.lease import Lease
from headway.model.run import After, Lane, Run, RunState, key_name, lane_of
from headway.model.settings import Settings
from headway.ports.store import Reader, Writer


class Followed:
    """Names of the runs and keys that others wait for, so that most ends look nothing up."""

    def __init__(self) -> None:
        self._names: set[str] = set()

    def open(self, counts: dict[str, int]) -> None:
        """Take over what the store has."""
        self._names = set(counts)

    def add(self, name: str) -> None:
        """Note that a run waits for this."""
        self._names.add(name)

    def is_awaited(self, run: Run) -> bool:
        """Say whether a run may be waited for."""
        return run.id in self._names or (run.key_name is not None and run.key_name in self._names)

    def drop(self, run: Run) -> None:
        """Note that those who waited for a run were told."""
        self._names.discard(run.id)
        if run.key_name is not None:
            self._names.discard(run.key_name)


class Passed(NamedTuple):
    """What a time that came has made of runs."""

    queued: list[Run]
    expired: list[Run]
    left: list[tuple[Lane, RunId]]
    """Those of the expired that were queued, by their lanes."""
    leases: list[Lease]
    """That they gave up with their places in the lines of locks, or that others have now."""
    next_us: int | None
    """The next such time, in microseconds."""


def pass_time(tx: Writer, *, settings: Settings, now: datetime, now_us: int, limit: int) -> Passed:
    """Expire what is too late and queue what is due."""
    late = tx.lowest(Run, "deadline_us", up_to=now_us, limit=limit)
    left = [(lane_of(row), row.id) for row in late if row.state is RunState.QUEUED]
    expired = [_expire(tx, row, now) for row in late]
    leases = [lease for row in expired for lease in locking.give_up(tx, row, settings, now)]
    queued = [
        tx.put(msgspec.structs.replace(row, state=RunState.QUEUED, due_at=None))
        for row in tx.lowest(Run, "due_us", up_to=now_us, limit=limit)
    ]
    if len(expired) == limit or len(queued) == limit:
        return Passed(queued, expired, left, leases, now_us)
    times = [
        at
        for field in ("due_us", "deadline_us")
        for row in tx.lowest(Run, field)
        if (at := getattr(row, field)) is not None
    ]
    return Passed(queued, expired, left, leases, min(times, default=None))


def _expire(tx: Writer, row: Run, now: datetime) -> Run:
    because = f"it had not begun by {row.deadline_at:%Y-%m-%d %H:%M:%S} UTC"
    ended = msgspec.structs.replace(row, state=RunState.EXPIRED, because=because, ended_at=now)
    tx.record(run_event(ended, now))
    return tx.put(ended)


def follow_up(tx: Writer, *, ended: list[Run], now: datetime) -> list[Run]:
    """Let those go on that waited for these ends; those that waited for a success end, too."""
    changed: list[Run] = []
    for run in ended:
        for name in (run.id, run.key_name):
            if name is None:
                continue
            changed += [_go_on(tx, row, now) for row in tx.find(Run, awaits=name)]
    return changed


def _go_on(tx: Writer, row: Run, now: datetime) -> Run:
    after = resolved(tx, row, now)
    if after.is_ended:
        tx.record(run_event(after, now))
    return tx.put(after)


def catch_up(tx: Writer, *, now: datetime) -> None:
    """Let those go on whose others ended just before a crash, when nobody was left to tell them."""
    names = list(tx.tally(Run, "awaits"))
    while names:
        name = names.pop()
        if all(resolved(tx, row, now) == row for row in tx.find(Run, awaits=name, limit=1)):
            continue
        for row in tx.find(Run, awaits=name):
            after = _go_on(tx, row, now)
            if after.is_ended:
                names += [other for other in (after.id, after.key_name) if other is not None]


def resolved(reader: Reader, run: Run, now: datetime) -> Run:
    """Take out what a run waits for no longer."""
    waits = list(run.after)
    while waits:
        other = _found(reader, run, waits[0])
        if other is None or not other.is_ended:
            break
        if other.state is not RunState.SUCCEEDED and not waits[0].any_end:
            because = f"it was to follow {other.job} {other.id}, which {_ended_as(other)}"
            return msgspec.structs.replace(
                run, state=RunState.CANCELLED, because=because, ended_at=now, after=tuple(waits)
            )
        waits.pop(0)
    state = RunState.WAITING if waits or (run.due_at and run.due_at > now) else RunState.QUEUED
    return msgspec.structs.replace(run, after=tuple(waits), state=state)


def _found(reader: Reader, run: Run, after: After) -> Run | None:
    if after.run is not None:
        return reader.get(Run, after.run)
    name = key_name(run.environment, run.app, after.job, after.key)
    rows = reader.find(Run, key_name=name, newest_first=True, limit=1)
    return rows[0] if rows else None


def _ended_as(run: Run) -> str:
    return {
        RunState.TIMED_OUT: "ran out of time",
        RunState.LOST: "was lost",
        RunState.CANCELLED: "was cancelled",
        RunState.EXPIRED: "expired",
        RunState.DEAD: "used up its retries",
    }.get(run.state, run.state.value)
