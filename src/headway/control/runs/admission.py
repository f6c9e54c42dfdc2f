"""What is taken of what is asked for: invocations that can be, into queues that have room."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from difflib import get_close_matches

import msgspec

from headway.control.errors import Conflict, Invalid
from headway.control.requests import Invocation
from headway.control.runs.dispatch import Dispatch
from headway.control.runs.targets import Target
from headway.control.world import World
from headway.formats.gang_troubles import gang_troubles
from headway.formats.lock_names import Named, lock_names
from headway.formats.parameters import parameter_problems
from headway.formats.units import render_size
from headway.machine.run_ids import is_run_id
from headway.model.problem import Problem
from headway.model.run import Run

_KEY_MAX = 200
_TAGS_MAX = 20
_SHOWN = 20
_AFTER_MAX = 1000
_LARGE = (
    "keep what is large in a volume or a store, and give its name; `--each FILE` makes a run of "
    "each line; parameters_bytes_max in settings.yaml is the bound"
)
_PROBLEMS_MAX = 50
_PRIORITY_MAX = 100
_AHEAD_MAX = timedelta(days=3660)
_NO_LOCKS = Named()


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
    if not found and (problem := locks_of(target, wish).problem):
        found.append(problem)
    if job.gang:
        found += _gang_problems(target, wish)
    found += _time_problems(wish, now)
    if wish.id is not None and not is_run_id(wish.id):
        found.append(f"{wish.id!r} cannot be a run's id")
    found += _name_problems(wish)
    if wish.queue is not None and wish.queue not in target.release.manifest.queue_names:
        found.append(_no_queue(target, wish.queue))
    if wish.priority is not None and abs(wish.priority) > _PRIORITY_MAX:
        found.append("priority must be from -100 to 100")
    if len(wish.tags) > _TAGS_MAX or (
        wish.tags and any(len(text) > _KEY_MAX for pair in wish.tags.items() for text in pair)
    ):
        found.append(f"at most {_TAGS_MAX} tags, of {_KEY_MAX} characters each")
    return found + _after_problems(target, wish) if wish.after else found


def _name_problems(wish: Invocation) -> list[str]:
    found: list[str] = []
    for what, text in (("key", wish.key), ("unique", wish.unique)):
        if text is not None and not 0 < len(text) <= _KEY_MAX:
            found.append(f"{what} must have 1 to {_KEY_MAX} characters")
        if text is not None and "\0" in text:
            found.append(f"{what} has a NUL, which stores and programs take for its end")
    return found


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


def _no_queue(target: Target, name: str) -> str:
    known = target.release.manifest.queue_names
    return f"{target.release.app} has no queue {name}{_rather(name, known)}"


def _after_problems(target: Target, wish: Invocation) -> list[str]:
    if len(wish.after) > _AFTER_MAX:
        return [f"after names more than {_AFTER_MAX} runs"]
    found: list[str] = []
    for row in wish.after:
        if (row.run is None) == (not row.job):
            found.append("after names a run by its id, or by its job and key")
        elif row.run is None and target.release.manifest.job(row.job) is None:
            known = [job.name for job in target.release.manifest.jobs]
            found.append(
                f"after: {target.release.app} has no job {row.job}{_rather(row.job, known)}"
            )
        elif row.run is None and not 0 < len(row.key) <= _KEY_MAX:
            found.append(f"after {row.job} needs the key of the run that is waited for")
        elif row.run is not None and not is_run_id(row.run):
            found.append(f"after: {row.run!r} cannot be a run's id")
        elif row.run == wish.id if row.run else (row.job, row.key) == (target.job.name, wish.key):
            found.append("it would wait for itself")
    return found


def locks_of(target: Target, wish: Invocation) -> Named:
    """Give the locks that a run holds as it runs, or why it cannot have them."""
    job = target.job
    if not job.locks:
        return _NO_LOCKS
    where = {"app": target.release.app, "environment": target.owner.name}
    return lock_names(job.locks, msgspec.json.decode(wish.parameters), job.parameters, where)


def _rather(name: str, known: Iterable[str]) -> str:
    names = sorted(known)
    near = get_close_matches(name, names, n=1)
    return f": did you mean {near[0]}?" if near else f": it has {', '.join(names[:_SHOWN])}"
