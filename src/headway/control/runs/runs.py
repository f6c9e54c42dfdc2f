"""Runs: listed, shown, cancelled. `replays` makes them again."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import msgspec

from headway.control import lookup
from headway.control.errors import Conflict, NotFound
from headway.control.idempotency import answered
from headway.control.leases.settling import made_known
from headway.control.requests import RunQuestion
from headway.control.runs import locking
from headway.control.runs.dispatch import Dispatch
from headway.control.runs.events import run_event
from headway.control.runs.targets import find_job, refuse_unknown
from headway.control.world import World
from headway.model.environment import NOT_ENDED, Environment
from headway.model.ids import EnvironmentId, environment_name
from headway.model.lease import Lease
from headway.model.progress import progress_of
from headway.model.run import ACTIVE, ENDED, UNSUCCESSFUL, Run, RunState, owner_name
from headway.model.view.run import RunPage, RunView
from headway.model.words import and_more
from headway.ports.engine import EngineError
from headway.ports.store import Reader, Writer

_LOOKED_AT_MAX = 20_000
"""Runs read for one answer; the answer says where to go on."""
_PAGE = 500
_APART = timedelta(seconds=60)
"""So far the order in which runs were written down and that of their times may differ."""
_PROGRESS_LINES = 200
"""Lines from the end of a log in which progress is looked for."""


async def listing(world: World, question: RunQuestion) -> RunPage:
    """List runs, newest first, as far as they match.

    Raises:
        NotFound: The environment or the job is not there.
    """

    def asked(reader: Reader) -> RunPage:
        owner = lookup.last_life(reader, question.environment) if question.environment else None
        page = _listing(reader, question, owner.id if owner else None)
        if not page.rows and question.app is None:
            refuse_unknown(reader, owner, question.job)
        return page

    return await world.store.read(asked)


async def page(world: World, dispatch: Dispatch, question: RunQuestion) -> RunPage:
    """List runs, newest first, and why those of them wait that do.

    Raises:
        NotFound: The environment or the job is not there.
    """
    found = await listing(world, question)
    said = {row.id: why for row in found.rows if (why := waits(dispatch, row))}
    return msgspec.structs.replace(found, waits=said)


def _listing(reader: Reader, question: RunQuestion, environment: EnvironmentId | None) -> RunPage:
    fields = _fields(reader, question, environment)
    found: list[Run] = []
    before, looked_at = question.before, 0
    while looked_at < _LOOKED_AT_MAX:
        rows = reader.find(Run, newest_first=True, limit=_PAGE, before=before, **fields)
        for row in rows:
            looked_at += 1
            before = row.id
            if question.since is not None and row.created_at < question.since - _APART:
                return RunPage(rows=tuple(found))
            if environment in (None, row.environment) and question.matches(row):
                found.append(row)
                if len(found) == question.limit:
                    return RunPage(rows=tuple(found), before=row.id)
        if len(rows) < _PAGE:
            return RunPage(rows=tuple(found))
    return RunPage(rows=tuple(found), before=before)


def _fields(
    reader: Reader, question: RunQuestion, environment: EnvironmentId | None
) -> dict[str, Any]:
    """Choose the index that leaves least to look at."""
    states = question.state
    if states == (RunState.DEAD,):
        return {"dead": 1}
    if states and ACTIVE.issuperset(states):
        return {"active": 1, "state": states}
    if states and UNSUCCESSFUL.issuperset(states):
        return {"unsuccessful": 1, "state": states}
    if states and ENDED.isdisjoint(states):
        return {"open_in": environment or _environments(reader), "state": states}
    if states and RunState.SUCCEEDED not in states:
        return {"state": states}
    if environment is None or question.job is None or question.environment is None:
        return {"state": states} if states else {}
    app, _, name = question.job.rpartition("/")
    app = app or question.app or ""
    if not app:  # a job that was taken out of its app is found by `app/job` only
        target = find_job(reader, question.environment, name)
        app = target.release.app
    return {"owner": owner_name(environment, app, name)}


def _environments(reader: Reader) -> tuple[EnvironmentId, ...]:
    """Give those in which runs may be that have not ended."""
    return tuple(row.id for row in reader.find(Environment, state=NOT_ENDED))


async def one(world: World, identity: str) -> Run:
    """Give a run.

    Raises:
        NotFound: There is none with this id.
    """
    return await world.store.read(lambda reader: get(reader, identity))


def get(reader: Reader, identity: str) -> Run:
    """Give a run.

    Raises:
        NotFound: There is none with this id.
    """
    row = reader.get(Run, identity)
    if row is None:
        raise NotFound("run-unknown", f"there is no run {identity}", next=("headway runs ls",))
    return row


async def view(world: World, dispatch: Dispatch, identity: str) -> RunView:
    """Show a run: how far it is, or why it waits.

    Raises:
        NotFound: There is none with this id.
    """
    row = await one(world, identity)
    return RunView(
        run=row,
        environment=environment_name(row.environment),
        progress=await _progress(world, row),
        waits=waits(dispatch, row),
        in_vain=dispatch.starts.is_in_vain(row),
    )


def waits(dispatch: Dispatch, row: Run) -> str:
    """Say why a run waits, exactly, and until when; empty when it does not."""
    because = _waits(dispatch, row)
    if because and row.deadline_us is not None:
        because += f"; it expires at {row.deadline_at:%Y-%m-%d %H:%M:%S} UTC"
    return because


def _waits(dispatch: Dispatch, row: Run) -> str:
    if row.state is RunState.QUEUED:
        return dispatch.starts.reason(row)
    if row.state is RunState.STARTING:
        return "its runner was told to start it"
    if row.state is not RunState.WAITING:
        return ""
    if row.after:
        first = row.after[0]
        name = first.run or f"{first.job} with the key {first.key}"
        ends = "the end" if first.any_end else "the success"
        return f"for {ends} of {and_more([name], len(row.after))}"
    until = f"until {row.due_at:%Y-%m-%d %H:%M:%S} UTC" if row.due_at else ""
    return f"{until}: {row.because}" if row.because else until


async def _progress(world: World, row: Run) -> dict[str, Any] | None:
    """Find the last line of progress among the last lines of the log.

    What has succeeded is done, however far it said to be.
    """
    attempt = row.attempt
    if attempt is None or attempt.began_at is None or row.state is RunState.SUCCEEDED:
        return None
    found: dict[str, Any] | None = None
    with suppress(EngineError):
        lines = world.engine.run_logs(row.id, attempt.number, tail=_PROGRESS_LINES)
        async for line in lines:
            found = progress_of(line.text) or found
    return found


def _nothing(_: Writer) -> bool:
    """Write nothing more."""
    return True


async def cancel(
    world: World,
    dispatch: Dispatch,
    actor: str,
    identity: str,
    *,
    because: str = "",
    also: Callable[[Writer], bool] = _nothing,
) -> Run:
    """Have a run end: at once where it has not begun, else by SIGTERM and then SIGKILL.

    One that is cancelled already, or is about to be, is given as it is.

    Args:
        world: The world.
        dispatch: Its loop of runs.
        actor: Who says so.
        identity: Which.
        because: Why; as a person says so, where it is empty.
        also: Is written with it; when it says no, nothing is done.

    Raises:
        NotFound: There is none with this id.
        Conflict: It has ended otherwise.
    """
    now = world.clock.now()

    leases: list[Lease] = []

    def deed(tx: Writer) -> tuple[Run, Run]:
        leases.clear()
        row = get(tx, identity)
        if row.cancelling or row.state is RunState.CANCELLED:
            return row, row
        if row.is_ended:
            raise Conflict("run-ended", f"{identity} has ended already: {row.state.value}")
        if not also(tx):
            return row, row
        why = because or f"cancelled by {actor}"
        if row.is_active:
            after = msgspec.structs.replace(row, cancelling=True, because=why)
            tx.record(run_event(after, now, actor, "run.cancelling"))
        else:
            after = msgspec.structs.replace(
                row, state=RunState.CANCELLED, because=why, ended_at=now
            )
            tx.record(run_event(after, now, actor))
            leases.extend(locking.give_up(tx, after, world.settings, now))
        return row, tx.put(after)

    before, after = await world.store.write(answered(deed, lambda rows: rows[1]))
    if after.cancelling or after.is_ended:
        dispatch.cancelled(before, after)
    if leases:
        await made_known(world, leases)
    return after
