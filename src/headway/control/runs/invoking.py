"""Making runs: checked, told apart from those that there are, and written down together."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from headway.control.errors import Invalid
from headway.control.requests import Invocation
from headway.control.runs.admission import check, check_count, check_room, locks_of
from headway.control.runs.circles import refuse_circles
from headway.control.runs.dispatch import Dispatch
from headway.control.runs.events import requested_event
from headway.control.runs.followers import resolved
from headway.control.runs.same_ids import already_there
from headway.control.runs.targets import Target
from headway.control.world import World
from headway.model.ids import environment_name
from headway.model.release import Release
from headway.model.run import Run, RunState
from headway.ports.store import Reader, Writer


async def invoke(
    world: World,
    dispatch: Dispatch,
    actor: str,
    environment: str,
    name: str,
    invocations: Sequence[Invocation],
    *,
    app: str | None = None,
) -> list[Run]:
    """Make runs of a job, all of them or none, and give them in the order of the invocations.

    Raises:
        NotFound: There is no such job.
        Invalid: Some cannot be; every mistake is told.
        Conflict: The queue is full or drained.
    """
    check_count(world, len(invocations))
    pinned = [row.release for row in invocations]
    target = await dispatch.targets.find(environment, name, app, pinned)
    now = world.clock.now()
    asked = [
        (target if row.release is None else await _as_pinned(dispatch, target, row), row)
        for row in invocations
    ]
    check(world, asked, now)
    wanted = [made(its, named(world, row, now), actor, now) for its, row in asked]
    check_room(dispatch, target, wanted)
    rows = [await dispatch.at_once(wanted[0])] if len(wanted) == 1 else wanted
    expected = dispatch.coming(rows)
    try:
        stored = await world.store.write(lambda tx: put_all(tx, rows, actor, now))
    except BaseException as error:
        dispatch.not_made(rows, expected, is_sure=isinstance(error, Exception))
        raise
    fresh = {row.id: row for row, is_new in stored if is_new}
    missing = [row for row in rows if row.id not in fresh]
    dispatch.not_made(missing, expected, is_sure=True)
    dispatch.made(list(fresh.values()))
    return [row for row, _ in stored]


async def _as_pinned(dispatch: Dispatch, target: Target, wish: Invocation) -> Target:
    """Give the job as the release has it that is to run it. One that lacks is refused later."""
    assert wish.release is not None
    key = (target.owner.id, target.release.app)
    release = await dispatch.book.release(key, wish.release)
    job = release.manifest.job(target.job.name) if release else None
    return Target(target.owner, release, job) if release and job else target


def put_all(tx: Writer, rows: Sequence[Run], actor: str, now: datetime) -> list[tuple[Run, bool]]:
    """Write runs down, but for those whose id, key or `unique` key is another's: that is given.

    Each comes with whether it was written down now.

    Raises:
        Conflict: The id of one is another run's.
        Invalid: One is to follow a run that is not there, or itself by way of others, or is to be
            run by a release that is not there or has no such job.
    """
    following = [row for row in rows if row.after]
    _check_pinned(tx, rows)
    if following:
        _check_followed(tx, rows)
        refuse_circles(tx, rows)
    there = already_there(tx, rows)
    if following or any(row.key or row.unique for row in rows):
        stored = _put_by_names(tx, rows, there, now)
    else:
        stored = _put_by_ids(tx, rows, there)
    fresh = [wish for wish, (_, is_new) in zip(rows, stored, strict=True) if is_new]
    if fresh:
        repeated = tx.get(Run, fresh[0].again) if fresh[0].again else None
        event = requested_event(fresh[0], now, actor, others=len(fresh) - 1, repeated=repeated)
        tx.record(event)
    return stored


def _put_by_ids(tx: Writer, rows: Sequence[Run], there: dict[str, Run]) -> list[tuple[Run, bool]]:
    """Write down those whose id is nobody's yet, all at once."""
    new: dict[str, Run] = {}
    for row in rows:
        if row.id not in there:
            new.setdefault(row.id, row)
    fresh = {row.id: row for row in tx.insert(list(new.values()))}
    known = there | fresh
    return [(known[row.id], fresh.pop(row.id, None) is not None) for row in rows]


def _put_by_names(
    tx: Writer, rows: Sequence[Run], there: dict[str, Run], now: datetime
) -> list[tuple[Run, bool]]:
    """Write down one after another: each may be another's by its key, or follow one before it."""
    stored: list[tuple[Run, bool]] = []
    for row in rows:
        same = there.get(row.id) or _same(tx, row)
        if same is not None:
            stored.append((same, False))
            continue
        there[row.id] = tx.put(resolved(tx, row, now) if row.after else row)
        stored.append((there[row.id], True))
    return stored


def _check_followed(reader: Reader, rows: Sequence[Run]) -> None:
    coming = {row.id for row in rows}
    for row in rows:
        for after in row.after:
            if after.run is None or after.run in coming:
                continue
            other = reader.get(Run, after.run)
            if other is None or other.environment != row.environment:
                name = environment_name(row.environment)
                raise Invalid(
                    "run-unknown",
                    f"there is no run {after.run} in {name} to follow",
                    next=(f"headway runs ls -e {name}",),
                )


def _check_pinned(reader: Reader, rows: Sequence[Run]) -> None:
    wanted = {(row.environment, row.app, row.pinned, row.job) for row in rows if row.pinned}
    for environment, app, number, job in wanted:
        assert number is not None
        release = reader.get(Release, environment, app, number)
        name = environment_name(environment)
        if release is None:
            because = f"there is no v{number} of {app} in {name}"
        elif release.manifest.job(job) is None:
            because = f"v{number} of {app} in {name} has no job {job}"
        else:
            continue
        raise Invalid("release-unknown", because, next=(f"headway history -e {name} -a {app}",))


def _same(tx: Reader, row: Run) -> Run | None:
    """Find the run of the same key that asking for this one gives instead."""
    if row.key_name is not None:
        found = tx.find(Run, key_name=row.key_name, newest_first=True, limit=1)
        if found:
            return found[0]
    if row.unique_name is not None:
        found = tx.find(Run, unique_name=row.unique_name, limit=1)
        if found:
            return found[0]
    return None


def named(world: World, wish: Invocation, now: datetime) -> Invocation:
    """Give an invocation an id, where who asks has chosen none."""
    if wish.id is not None:
        return wish
    return msgspec.structs.replace(wish, id=world.run_ids.make(now))


def made(target: Target, wish: Invocation, actor: str, now: datetime) -> Run:
    """Give the run that an invocation asks for, as it is before anything happens to it.

    Raises:
        Invalid: Its parameters name no lock.
    """
    assert wish.id is not None  # it was named
    job, release = target.job, target.release
    queue = release.manifest.queue(wish.queue or job.queue)
    locks = locks_of(target, wish)
    if locks.problem:
        raise Invalid("invocation-invalid", locks.problem)
    due_at = wish.at
    if wish.delay_s is not None:
        due_at = now + timedelta(seconds=wish.delay_s)
    waits = bool(wish.after) or (due_at is not None and due_at > now)
    return Run(
        id=wish.id,
        environment=target.owner.id,
        app=release.app,
        job=job.name,
        parameters=wish.parameters.copy(),  # else the whole request's body would stay with it
        state=RunState.WAITING if waits else RunState.QUEUED,
        pinned=wish.release,
        key=wish.key,
        unique=wish.unique,
        locks=locks.names,
        queue=queue.name,
        priority=job.priority if wish.priority is None else wish.priority,
        tags=wish.tags,
        fair=wish.tags.get(queue.fair_by, ""),
        due_at=due_at if waits else None,
        after=wish.after,
        deadline_at=wish.deadline_at,
        created_at=now,
        created_by=actor,
    )
