"""Making runs: checked, told apart from those that there are, and written down together."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from headway.control.errors import Conflict, Invalid
from headway.control.requests import Invocation
from headway.control.runs.circles import refuse_circles
from headway.control.runs.dispatch import Dispatch
from headway.control.runs.events import requested_event
from headway.control.runs.followers import resolved
from headway.control.runs.targets import Target
from headway.control.world import World
from headway.formats.gang_troubles import gang_troubles
from headway.formats.lock_names import Named, lock_names
from headway.formats.parameters import parameter_problems
from headway.formats.units import render_size
from headway.machine.run_ids import is_run_id
from headway.model.ids import environment_name, is_name
from headway.model.job import Job
from headway.model.problem import Problem
from headway.model.release import Release
from headway.model.run import Run, RunState
from headway.ports.store import Reader, Writer

_KEY_MAX = 200
_TAGS_MAX = 20
_AFTER_MAX = 1000
_LARGE = (
    "keep what is large in a volume or a store, and give its name; `--each FILE` makes a run of "
    "each line; parameters_bytes_max in settings.yaml is the bound"
)
_PROBLEMS_MAX = 50
_PRIORITY_MAX = 100
_AHEAD_MAX = timedelta(days=3660)
_NO_LOCKS = Named()


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
        Invalid: One is to follow a run that is not there, or itself by way of others, or is to be
            run by a release that is not there or has no such job.
    """
    following = [row for row in rows if row.after]
    if following:
        _check_followed(tx, rows)
    _check_pinned(tx, rows)
    if following:
        refuse_circles(tx, rows)
    there = tx.get_all(Run, {row.id for row in rows})  # the same request may have come again
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
    locks = _locks(target, wish)
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


def _locks(target: Target, wish: Invocation) -> Named:
    """Give the locks that a run holds as it runs, or why it cannot have them."""
    job = target.job
    if not job.locks:
        return _NO_LOCKS
    where = {"app": target.release.app, "environment": target.owner.name}
    return lock_names(job.locks, msgspec.json.decode(wish.parameters), job.parameters, where)


# --- checks --------------------------------------------------------------------------------------


def check_count(world: World, count: int) -> None:
    """Refuse more runs than one request makes.

    Raises:
        Invalid: They are more, or none.
    """
    most = world.settings.invocations_max
    if not 0 < count <= most:
        raise Invalid(
            "invocations-count",
            f"one request makes 1 to {most} runs, not {count}",
            hint="send them in several requests; invocations_max in settings.yaml is the limit",
        )


def check_room(dispatch: Dispatch, target: Target, rows: Sequence[Run]) -> None:
    """Refuse what a queue does not take.

    Raises:
        Conflict: It is full or drained.
    """
    counts: dict[str, int] = {}
    for row in rows:
        counts[row.queue] = counts.get(row.queue, 0) + 1
    for name, count in counts.items():
        line = (target.owner.id, target.release.app, name)
        hold = dispatch.hold_of(line)
        if hold is not None and hold.draining:
            raise Conflict(
                "queue-drained",
                f"queue {name} takes no runs: it was drained by {hold.by}",
                next=(f"headway queues resume -e {target.owner.name} {target.release.app}/{name}",),
            )
        most = target.release.manifest.queue(name).length_max
        depth = dispatch.lanes.depth(line)
        if depth + count > most:
            raise Conflict(
                "queue-full",
                f"queue {name} holds {depth} runs and takes {most} at most",
                hint="ask again when it is shorter, or raise its length_max",
                next=(f"headway queues ls -e {target.owner.name}",),
            )


def check(world: World, asked: Sequence[tuple[Target, Invocation]], now: datetime) -> None:
    """Refuse invocations that cannot be, each of a job as the release has it that is to run it.

    Raises:
        Invalid: Some cannot; every mistake is told, up to a number.
    """
    problems: list[str] = []
    most = world.settings.parameters_bytes_max
    for number, (target, wish) in enumerate(asked):
        where = f"runs[{number}]: " if len(asked) > 1 else ""
        problems += [f"{where}{problem}" for problem in _problems(world, target, wish, now)]
        if len(problems) > _PROBLEMS_MAX:
            break
    if problems:
        target, _ = asked[0]
        raise Invalid(
            "invocation-invalid",
            problems[0] if len(problems) == 1 else f"{len(problems)} mistakes: {problems[0]}; …",
            hint=_LARGE if any(len(bytes(wish.parameters)) > most for _, wish in asked) else "",
            problems=tuple(Problem(message=text) for text in problems[1:] and problems),
            next=(
                f"headway jobs show -e {target.owner.name} {target.release.app}/{target.job.name}",
            ),
        )


def _problems(world: World, target: Target, wish: Invocation, now: datetime) -> list[str]:
    job = target.job
    most = world.settings.parameters_bytes_max
    given = bytes(wish.parameters)
    if len(given) > most:
        return [f"parameters have {len(given):,} bytes, and may have {render_size(most)}"]
    found = parameter_problems(job.parameters, given)
    if not found and (problem := _locks(target, wish).problem):
        found.append(problem)
    if job.gang:
        found += _gang_problems(target, wish)
    found += _time_problems(wish, now)
    if wish.id is not None and not is_run_id(wish.id):
        found.append(f"{wish.id!r} cannot be a run's id")
    for what, text in (("key", wish.key), ("unique", wish.unique)):
        if text is not None and not 0 < len(text) <= _KEY_MAX:
            found.append(f"{what} must have 1 to {_KEY_MAX} characters")
    if wish.queue is not None and not is_name(wish.queue):
        found.append(f"{wish.queue!r} cannot be a queue's name")
    if wish.priority is not None and abs(wish.priority) > _PRIORITY_MAX:
        found.append("priority must be from -100 to 100")
    if len(wish.tags) > _TAGS_MAX or (
        wish.tags and any(len(text) > _KEY_MAX for pair in wish.tags.items() for text in pair)
    ):
        found.append(f"at most {_TAGS_MAX} tags, of {_KEY_MAX} characters each")
    return found + _after_problems(job, wish) if wish.after else found


def _gang_problems(target: Target, wish: Invocation) -> list[str]:
    """Say why a run and what starts together with it can never start."""
    job, manifest = target.job, target.release.manifest
    troubles = list(gang_troubles(job, manifest.job))
    found = [trouble.message for trouble in troubles]
    wrong_ones = {trouble.member for trouble in troubles}
    for name in job.gang:
        member = manifest.job(name)
        if member is None:
            found.append(f"its gang needs the job {name}, which {target.release.label} has not")
        elif name not in wrong_ones:
            wrong = parameter_problems(member.parameters, bytes(wish.parameters))
            found += [f"{name}, of its gang, gets the same parameters: {text}" for text in wrong]
    queue = manifest.queue(wish.queue or job.queue)
    if queue.concurrency is not None and queue.concurrency < job.gang_size:
        found.append(
            f"its gang has {job.gang_size} runs, and {queue.name} {queue.concurrency} at once"
        )
    return found


def _time_problems(wish: Invocation, now: datetime) -> list[str]:
    found: list[str] = []
    for what, at in (("at", wish.at), ("deadline_at", wish.deadline_at)):
        if at is None:
            continue
        if at.tzinfo is None:
            found.append(f"{what} needs an offset, such as 2026-01-31T09:00:00+01:00 or …Z")
        elif at < now - timedelta(seconds=60):
            found.append(f"{what} is in the past: {at:%Y-%m-%d %H:%M:%S%z}")
        elif at > now + _AHEAD_MAX:
            found.append(f"{what} is more than ten years ahead")
    if wish.at is not None and wish.delay_s is not None:
        found.append("give at or delay_s, not both")
    if wish.delay_s is not None and not 0 <= wish.delay_s <= _AHEAD_MAX.total_seconds():
        found.append("delay_s must be from 0 to ten years")
    return found


def _after_problems(job: Job, wish: Invocation) -> list[str]:
    if len(wish.after) > _AFTER_MAX:
        return [f"after names more than {_AFTER_MAX} runs"]
    found: list[str] = []
    for row in wish.after:
        if (row.run is None) == (not row.job):
            found.append("after names a run by its id, or by its job and key")
        elif row.run is None and not row.key:
            found.append(f"after {row.job} needs the key of the run that is waited for")
        elif row.run is not None and not is_run_id(row.run):
            found.append(f"after: {row.run!r} cannot be a run's id")
        elif row.run == wish.id if row.run else (row.job, row.key) == (job.name, wish.key):
            found.append("it would wait for itself")
    return found
