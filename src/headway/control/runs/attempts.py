"""What runs become, row and event in one transaction."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple

import msgspec

from headway.calculate.runs.attempt import begun, concluded, lost
from headway.calculate.runs.gang import left_with_one, tried_once
from headway.control.runs import locking
from headway.control.runs.events import run_event
from headway.control.runs.gangs import Together, end_with, make
from headway.control.runs.preemptions import Taking
from headway.model.event import Event
from headway.model.ids import ContainerId, EnvironmentId, RunId
from headway.model.job import Job
from headway.model.lease import Lease
from headway.model.run import Attempt, Lane, Run, RunFact, RunState, lane_of
from headway.model.settings import Settings
from headway.ports.store import Writer


class Started(NamedTuple):
    """What starts of what was to."""

    rows: list[Run]
    locked: set[RunId]
    """Those that stay queued: somebody has one of their locks."""


def start(
    tx: Writer,
    attempts: dict[RunId, Attempt],
    now: datetime,
    gangs: Mapping[RunId, Together] = MappingProxyType({}),
    expected: Mapping[RunId, Lane] = MappingProxyType({}),
) -> Started:
    """Write down that queued runs start; from here on their attempts may have begun.

    Those that are `expected` were picked before it was known that they are there, in these lanes:
    by their ids others may have been asked for.

    Each holds its locks from this transaction on, to that in which its attempt ends, and those that
    start together with one are made in it, too.
    """
    rows: list[Run] = []
    locked: set[RunId] = set()
    there = tx.get_all(Run, attempts)
    for run, attempt in attempts.items():
        row = there.get(run)
        if row is None or row.state is not RunState.QUEUED:
            continue
        if run in expected and lane_of(row) != expected[run]:
            continue
        fence = locking.take(tx, row, now) if row.locks else 0
        if fence is None:
            locked.add(run)
            continue
        numbered = msgspec.structs.replace(attempt, number=len(row.attempts) + 1, fence=fence)
        together = gangs.get(run)
        started = tx.put(
            msgspec.structs.replace(
                row,
                state=RunState.STARTING,
                because="",
                due_at=None,
                gang=together.gang if together else None,
                attempts=(*row.attempts, numbered),
            )
        )
        rows.append(started)
        if together is not None:
            rows += make(tx, started, together, now)
    return Started(rows, locked)


def begin(tx: Writer, facts: list[RunFact], now: datetime) -> None:
    """Write down that attempts began."""
    there = tx.get_all(Run, {fact.run for fact in facts})
    for fact in facts:
        row = there.get(fact.run)
        if row is not None and _is_under_way(row, fact.attempt):
            after = begun(row, fact, now)
            if after != row:
                there[row.id] = tx.put(after)


class Ended(NamedTuple):
    """Attempts that ended."""

    rows: list[Run]
    leases: list[Lease]
    """Of their locks, and of who has those now."""
    to_end: list[Run]
    """Others of their gangs, which are to be told to end."""


def conclude(
    tx: Writer,
    facts: list[RunFact],
    jobs: dict[RunId, Job],
    settings: Settings,
    now: datetime,
    jitter: float,
    leaving: str = "",
) -> Ended:
    """Write down ends. One of an attempt that is not the current one is told too late.

    `leaving` is why the runner was told to end its attempts; those that did so are handed back,
    as are those whose place was taken, and leaders one of whose gang was handed back.
    """
    found = Ended([], [], [])
    there = tx.get_all(Run, {fact.run for fact in facts})
    for fact in facts:
        row = there.get(fact.run)
        if row is None or not _is_under_way(row, fact.attempt):
            continue
        job = tried_once(jobs.get(row.id) or Job(name=row.job), row)
        taken = row.attempt.preempted if row.attempt else ""
        why = taken or leaving or left_with_one(row, job)
        if why and fact.cancelled and not row.cancelling:
            after = lost(row, job, why, now, is_handed_back=True)
        else:
            after = concluded(row, job, fact, now, jitter)
        there |= _write_end(tx, after, settings, now, found)
    return found


def _write_end(
    tx: Writer, after: Run, settings: Settings, now: datetime, found: Ended
) -> dict[str, Run]:
    """Write down an end and what follows of it at once; gives the rows that this changed."""
    tx.record(run_event(after, now))
    row = tx.put(after)
    found.rows.append(row)
    found.leases.extend(locking.give_up(tx, after, settings, now))
    to_end = end_with(tx, after, now)
    found.to_end.extend(to_end)
    return {changed.id: changed for changed in (row, *to_end)}


def preempt(
    tx: Writer, takings: list[Taking], numbers: dict[RunId, int], now: datetime
) -> list[Run]:
    """Write down whose place is taken, before anybody is told to end; `numbers` of the attempts.

    So whoever hears that they have ended knows that nobody cancelled them, also after a crash.
    """
    rows: list[Run] = []
    for taking in takings:
        for run in taking.found.runs:
            row = tx.get(Run, run)
            number = numbers.get(run)
            if row is None or number is None or not _is_under_way(row, number):
                continue
            rows.append(_preempted(tx, row, taking.because, now))
        tx.record(
            Event(
                at=now,
                actor="headway",
                kind="run.preempting" if taking.run else "app.preempting",
                subject=taking.run or taking.app,
                environment=taking.environment,
                app=taking.app,
                because=f"{taking.found.because}: {taking.found.what}",
            )
        )
    return rows


def is_preempted(row: Run) -> bool:
    """Say whether another takes the place of the attempt under way."""
    return bool(row.attempt and row.attempt.preempted)


def is_to_end(row: Run) -> bool:
    """Say whether the runner of the attempt under way is to be told to end it."""
    return row.cancelling or is_preempted(row) or bool(row.attempt and row.attempt.broken)


def _preempted(tx: Writer, row: Run, because: str, now: datetime) -> Run:
    attempt = row.attempt
    assert attempt is not None
    if attempt.preempted:
        return row
    attempt = msgspec.structs.replace(attempt, preempted=because)
    after = msgspec.structs.replace(row, attempts=(*row.attempts[:-1], attempt))
    tx.record(run_event(after, now, kind="run.preempted", because=because))
    return tx.put(after)


class Gone(NamedTuple):
    """An attempt whose runner is gone."""

    runner: ContainerId
    job: Job
    is_handed_back: bool = False


def lose(
    tx: Writer,
    gone: dict[RunId, Gone],
    because: str,
    ending: str,
    settings: Settings,
    now: datetime,
) -> Ended:
    """Write down that nobody will say how attempts ended. `ending` is why none may follow."""
    found = Ended([], [], [])
    there = tx.get_all(Run, gone)
    for run, (runner, job, is_handed_back) in gone.items():
        row = there.get(run)
        if row is None or row.attempt is None or not row.is_active or row.attempt.runner != runner:
            continue
        if ending:
            row = msgspec.structs.replace(row, cancelling=True, because=ending)
        its = tried_once(job, row)
        handed_back = is_handed_back or is_preempted(row) or bool(left_with_one(row, its))
        after = lost(row, its, because, now, is_handed_back=handed_back)
        there |= _write_end(tx, after, settings, now, found)
    return found


def _is_under_way(row: Run, attempt: int) -> bool:
    return row.is_active and (last := row.attempt) is not None and last.number == attempt


def cancel_open(
    tx: Writer, *, environment: EnvironmentId, limit: int, settings: Settings, now: datetime
) -> tuple[Ended, list[tuple[Lane, RunId]]]:
    """Cancel runs of an ending environment that have not begun; also gives what left its lane."""
    rows = [row for row in tx.find(Run, open_in=environment, limit=limit) if not row.is_active]
    left = [(lane_of(row), row.id) for row in rows if row.state is RunState.QUEUED]
    cancelled = Ended([], [], [])
    for row in rows:
        ended = msgspec.structs.replace(
            row, state=RunState.CANCELLED, because="its environment ends", ended_at=now
        )
        _write_end(tx, ended, settings, now, cancelled)
    return cancelled, left
