"""Gangs: runs that are made as another starts and end with it, all of it written down first."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from headway.calculate.runs.gang import broken, cancelled
from headway.control.runs.events import run_event
from headway.model.gang import Gang
from headway.model.run import Attempt, Run, RunState
from headway.ports.store import Writer


class Together(NamedTuple):
    """What starts with a run."""

    gang: Gang
    jobs: Sequence[str]
    """Of the members behind the leader, by their numbers."""
    attempts: Sequence[Attempt]


def make(tx: Writer, leader: Run, together: Together, now: datetime) -> list[Run]:
    """Write down the runs that start with their leader, in the transaction in which that does."""
    rows: list[Run] = []
    members = together.gang.members[1:]
    for number, (identity, job, attempt) in enumerate(
        zip(members, together.jobs, together.attempts, strict=True), start=1
    ):
        row = Run(
            id=identity,
            environment=leader.environment,
            app=leader.app,
            job=job,
            parameters=leader.parameters,
            state=RunState.STARTING,
            pinned=leader.pinned,
            queue=leader.queue,
            priority=leader.priority,
            tags=leader.tags,
            fair=leader.fair,
            schedule=leader.schedule,
            scheduled_by=leader.scheduled_by,
            gang=msgspec.structs.replace(together.gang, number=number),
            attempts=(msgspec.structs.replace(attempt, number=1),),
            created_at=now,
            created_by=leader.created_by,
        )
        rows.append(tx.put(row))
    because = f"together with {len(rows)} of its gang"
    tx.record(run_event(leader, now, kind="run.gang", because=because))
    return rows


def end_with(tx: Writer, ended: Run, now: datetime) -> list[Run]:
    """Write down who is to end as one of its gang has ended; gives them, to be told."""
    gang = ended.gang
    if gang is None:
        return []
    if gang.number == 0:
        return _end_members(tx, ended, gang, now)
    leader = tx.get(Run, gang.leader)
    after = broken(leader, ended) if leader is not None else None
    if after is None or after.attempt is None:
        return []
    tx.record(run_event(after, now, kind="run.gang_broken", because=after.attempt.broken))
    return [tx.put(after)]


def _end_members(tx: Writer, leader: Run, gang: Gang, now: datetime) -> list[Run]:
    rows: list[Run] = []
    for identity in gang.members[1:]:
        row = tx.get(Run, identity)
        after = cancelled(row, leader) if row is not None else None
        if after is not None:
            tx.record(run_event(after, now, kind="run.cancelling"))
            rows.append(tx.put(after))
    return rows
