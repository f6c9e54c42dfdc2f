"""Jobs: listed and shown."""

from headway.calculate.demand import of_job
from headway.control import lookup
from headway.control.runs.dispatch import Dispatch
from headway.control.runs.targets import find_job
from headway.control.world import World
from headway.model.environment import Environment, Member
from headway.model.job import Job
from headway.model.release import Release
from headway.model.run import Run
from headway.model.view import JobView
from headway.ports.store import Reader


async def listing(
    world: World, dispatch: Dispatch, environment: str | None, app: str | None = None
) -> list[JobView]:
    """List the jobs of live releases, of one environment or of all.

    Raises:
        NotFound: The environment or the app is not there.
    """

    def question(reader: Reader) -> list[JobView]:
        owners = lookup.environments(reader, environment)
        if environment is not None and app is not None:
            lookup.member(reader, owners[0], app)
        return [
            _view(reader, dispatch, owner, release, job)
            for owner in owners
            for release in _live(reader, owner)
            if app in (None, release.app)
            for job in sorted(release.manifest.jobs, key=lambda job: job.name)
        ]

    return await world.store.read(question)


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
        return _view(reader, dispatch, target.owner, target.release, target.job)

    return await world.store.read(question)


def _live(reader: Reader, owner: Environment) -> list[Release]:
    members = sorted(reader.find(Member, environment=owner.id), key=lambda row: row.app)
    return [release for row in members if (release := lookup.live(reader, row))]


def _view(
    reader: Reader, dispatch: Dispatch, owner: Environment, release: Release, job: Job
) -> JobView:
    last = reader.find(
        Run, owner=f"{owner.id}/{release.app}/{job.name}", newest_first=True, limit=1
    )
    waiting, running = dispatch.counts(owner.id, release.app, job.name)
    return JobView(
        environment=owner.name,
        app=release.app,
        release=release.number,
        job=job,
        pool=of_job(release, job).pool,
        waiting=waiting,
        running=running,
        schedules=tuple(row.name for row in release.manifest.schedules if row.job == job.name),
        last=last[0] if last else None,
    )
