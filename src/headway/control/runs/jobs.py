"""Jobs: listed and shown."""

from collections.abc import Callable, Sequence
from heapq import nsmallest
from typing import Any, NamedTuple

from headway.calculate.demand import of_job
from headway.control import lookup, standings
from headway.control.runs.dispatch import Dispatch
from headway.control.runs.failures import BAD
from headway.control.runs.targets import Target, find_job
from headway.control.world import World
from headway.model.environment import Environment
from headway.model.ids import MemberKey, RunId
from headway.model.job import Job
from headway.model.release import Release
from headway.model.run import Run, RunState, owner_name
from headway.model.schedule import ScheduleState
from headway.model.view.job import JobView, Paused
from headway.ports.store import Reader


async def listing(
    world: World, dispatch: Dispatch, environment: str | None, app: str | None = None
) -> list[JobView]:
    """List the jobs of live releases, of one environment or of all.

    Raises:
        NotFound: The environment or the app is not there.
    """
    if environment is not None and app is not None:
        await world.store.read(
            lambda reader: lookup.member(reader, lookup.environment(reader, environment), app)
        )
    lines = await _lines(world, dispatch, environment)
    chosen = [line for line in lines if app in (None, line.release.app)]
    return await _views(world, dispatch, chosen)


class JobLine(NamedTuple):
    """A job, as far as it costs little to know."""

    owner: Environment
    release: Release
    """The one that serves, of its app."""
    job: Job
    last: RunId | None
    """Its last run."""
    state: RunState | None
    """How that one is."""
    is_running: bool


async def first(
    world: World,
    dispatch: Dispatch,
    environment: str | None,
    most: int,
    rank: Callable[[JobLine], Any],
) -> tuple[list[JobView], int]:
    """List some jobs of live releases, and count how many there are.

    Args:
        world: The world.
        dispatch: What runs and waits.
        environment: Only those of this one.
        most: How many at most.
        rank: Those with the least of it are listed.

    Raises:
        NotFound: The environment is not there.
    """
    lines = await _lines(world, dispatch, environment)
    return await _views(world, dispatch, nsmallest(most, lines, key=rank)), len(lines)


async def _views(world: World, dispatch: Dispatch, lines: Sequence[JobLine]) -> list[JobView]:
    """Show jobs, of whose last runs the rows are read."""
    wanted = [line.last for line in lines if line.last is not None]
    scheduled = {
        (line.owner.id, line.release.app) for line in lines if line.release.manifest.schedules
    }

    def question(reader: Reader) -> tuple[dict[str, Run], dict[MemberKey, list[Paused]]]:
        paused = {key: _paused(reader, *key) for key in scheduled}
        return reader.get_all(Run, wanted), paused

    rows, paused = await world.store.read(question)
    return [
        _shown(
            dispatch,
            line,
            rows.get(line.last or ""),
            paused.get((line.owner.id, line.release.app), ()),
        )
        for line in lines
    ]


def _paused(reader: Reader, environment: str, app: str) -> list[Paused]:
    """List the schedules of an app that somebody has paused."""
    return [
        Paused(name=row.name, by=row.paused_by, at=row.paused_at)
        for row in reader.find(ScheduleState, environment=environment, app=app)
        if row.paused
    ]


async def _lines(world: World, dispatch: Dispatch, environment: str | None) -> list[JobLine]:
    """Give the jobs, by environment, app and name."""
    there = [
        (owner, release, job, owner_name(owner.id, release.app, job.name))
        for owner, release in await standings.live(world, environment)
        for job in sorted(release.manifest.jobs, key=lambda job: job.name)
    ]
    names = [name for *_, name in there]
    newest = await world.store.read(
        lambda reader: reader.newest(Run, "owner", names, ("id", "state"))
    )
    lines = []
    for owner, release, job, name in there:
        last, state = newest.get(name, (None, None))
        _, running = dispatch.counts(owner.id, release.app, job.name)
        how = RunState(state) if state is not None else None
        lines.append(JobLine(owner, release, job, last, how, running > 0))
    return lines


async def take_up_failures(world: World, dispatch: Dispatch) -> None:
    """Have the jobs remembered whose last run failed, once: only what ends later is heard of."""
    if dispatch.failures.is_taken_up:
        return
    lines = await _lines(world, dispatch, None)
    bad = [line.last for line in lines if line.last is not None and line.state in BAD]
    rows = await world.store.read(lambda reader: reader.get_all(Run, bad))
    dispatch.failures.take_up(sorted(rows.values(), key=lambda row: row.ended_at or row.created_at))


async def one(
    world: World, dispatch: Dispatch, environment: str, name: str, app: str | None = None
) -> JobView:
    """Give a job.

    Raises:
        NotFound: There is none.
        Conflict: Several apps have one of this name.
    """

    def question(reader: Reader) -> JobView:
        target = find_job(reader, environment, name, app)
        owner, release, job = target.owner, target.release, target.job
        found = reader.find(
            Run, owner=owner_name(owner.id, release.app, job.name), newest_first=True, limit=1
        )
        last = found[0] if found else None
        return _shown(dispatch, target, last, _paused(reader, owner.id, release.app))

    return await world.store.read(question)


def _shown(
    dispatch: Dispatch, line: JobLine | Target, last: Run | None, paused: Sequence[Paused]
) -> JobView:
    owner, release, job = line.owner, line.release, line.job
    waiting, running = dispatch.counts(owner.id, release.app, job.name)
    schedules = tuple(row.name for row in release.manifest.schedules if row.job == job.name)
    return JobView(
        environment=owner.name,
        app=release.app,
        release=release.number,
        job=job,
        pool=of_job(release, job).pool,
        waiting=waiting,
        running=running,
        schedules=schedules,
        paused=tuple(row for row in paused if row.name in schedules),
        last=last,
    )
