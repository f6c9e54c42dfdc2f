"""The monitor: runs that wait or run longer than makes sense, nodes that start nothing."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import msgspec

from headway.calculate.runs.estimate import Estimate
from headway.model.container import Container, ContainerState
from headway.model.job import Job
from headway.model.pool import MonitorRules
from headway.model.run import Run, RunState
from headway.model.value import Value

OVERDUE_S = 60.0
"""What should have been ended by its time limit so long ago was not ended by it."""
FAILED_LEAST = 5
"""A node is at fault when so many starts in a row failed there within `FAILED_WITHIN_S`."""
FAILED_WITHIN_S = 900.0
_LONG_LEAST_S = 60.0
_SEEN_LEAST = 5


class Rules(Value, kw_only=True):
    """What is flagged, and what is acted upon."""

    stuck_s: float
    """What could start and has not for so long is looked at by somebody."""
    long_factor: float
    """What runs so many times longer than nine in ten of its like is looked at, too."""
    cancel_factor: float
    """What runs so many times longer is cancelled; 0: nothing is for that."""


def rules_of(pool: MonitorRules, installation: Rules) -> Rules:
    """Give what holds in a pool: what it does not say is as the installation is set.

    >>> usual = Rules(stuck_s=900, long_factor=4, cancel_factor=20)
    >>> rules_of(MonitorRules(stuck_s=60, cancel_factor=0), usual)
    Rules(stuck_s=60, long_factor=4, cancel_factor=0)
    """
    said = {name: getattr(pool, name) for name in pool.__struct_fields__}
    own = {name: value for name, value in said.items() if value is not None}
    return msgspec.structs.replace(installation, **own)


class Flag(Value, kw_only=True):
    """One run that somebody should look at."""

    run: str
    because: str
    cancels: bool = False
    """The monitor ends it."""


class Watched(Value, kw_only=True):
    """A run that waits or is under way."""

    run: Run
    thought: Estimate
    """Of its job's runs."""
    job: Job | None
    """As the release of its attempt declares it, where it has one."""
    rules: Rules
    """Of the pool that it is to run in."""


def flags(runs: Iterable[Watched], now: datetime) -> tuple[Flag, ...]:
    """Flag runs that are stuck, those that run too long, and those that their limit did not end."""
    found: list[Flag] = []
    for row in runs:
        if row.run.state is RunState.QUEUED:
            flag = _stuck(row.run, row.rules, now)
        else:
            flag = _overdue(row, now) or _long(row, now)
        if flag is not None:
            found.append(flag)
    return tuple(found)


def _stuck(run: Run, rules: Rules, now: datetime) -> Flag | None:
    since = max(run.created_at, run.due_at or run.created_at)
    waited_s = (now - since).total_seconds()
    if waited_s < rules.stuck_s:
        return None
    return Flag(run=run.id, because=f"{run.job} has waited for {waited_s / 60:.0f} min")


def _overdue(row: Watched, now: datetime) -> Flag | None:
    attempt, job = row.run.attempt, row.job
    if attempt is None or attempt.began_at is None or job is None:
        return None
    over_s = (now - attempt.began_at).total_seconds() - job.timeout_s - job.grace_s
    if over_s < OVERDUE_S:
        return None
    because = (
        f"{row.run.job} should have been ended on {attempt.node} {over_s / 60:.0f} min ago, "
        f"by its time limit of {job.timeout_s:g} s"
    )
    return Flag(run=row.run.id, because=because, cancels=True)


def _long(row: Watched, now: datetime) -> Flag | None:
    run, thought, rules, attempt = row.run, row.thought, row.rules, row.run.attempt
    if attempt is None or thought.seen < _SEEN_LEAST:
        return None
    ran_s = (now - (attempt.began_at or attempt.ordered_at)).total_seconds()
    if ran_s < max(_LONG_LEAST_S, rules.long_factor * thought.high_s):
        return None
    because = (
        f"{run.job} has run for {ran_s / 60:.0f} min, "
        f"nine in ten of its like took less than {thought.high_s / 60:.1f}"
    )
    factor = rules.cancel_factor
    cancels = factor > 0 and ran_s >= max(_LONG_LEAST_S, factor * thought.high_s)
    return Flag(run=run.id, because=because, cancels=cancels)


def starts_fail(here: Sequence[Container], started: frozenset[str], now: datetime) -> str:
    """Say why a node is at fault for starts that failed there; empty where it is not.

    A release that cannot be started anywhere is at fault itself: a node is only if several releases
    fail there, or one that starts elsewhere.

    Args:
        here: Containers of the node, the newest first.
        started: The releases, as `release_of` names them, that were started elsewhere meanwhile.
        now: As of when.
    """
    since = now - timedelta(seconds=FAILED_WITHIN_S)
    failed: list[Container] = []
    for row in here:
        if row.created_at < since or row.started_at is not None:
            break
        if has_failed_to_start(row):
            failed.append(row)
    releases = {release_of(row) for row in failed}
    if len(failed) < FAILED_LEAST or (len(releases) == 1 and not releases & started):
        return ""
    assert failed[0].exit is not None
    return (
        f"{len(failed)} starts in a row failed there since {failed[-1].created_at:%H:%M:%S} UTC, "
        f"the last of {failed[0].app}: {failed[0].exit.reason or failed[0].exit.sentence}"
    )


def has_failed_to_start(row: Container) -> bool:
    """Say whether a container's engine could not even start it."""
    return row.state is ContainerState.EXITED and row.started_at is None and row.exit is not None


def release_of(row: Container) -> str:
    """Name what a container is a copy of."""
    return f"{row.environment}/{row.app}/{row.release}"
