"""Apps that a start leaves at, or brings back with, a release of another source than was meant."""

from collections.abc import Mapping, Sequence

from headway.model.app import Source
from headway.model.deployment import Deployment
from headway.model.environment import Environment, Member
from headway.model.ids import AppName
from headway.model.release import Release
from headway.model.view.change import NotDeployed
from headway.ports.store import Reader

_LETTERS = 7


def not_deployed(
    reader: Reader,
    environment: Environment,
    meant: Mapping[AppName, Source],
    deployments: Sequence[Deployment],
) -> tuple[NotDeployed, ...]:
    """List them.

    Args:
        reader: Where.
        environment: Where they are started.
        meant: Which source of each app would be expected to run.
        deployments: Those under way, also what the start has begun.
    """
    last = {row.app: row for row in deployments}
    found: list[NotDeployed] = []
    for app, source in meant.items():
        member, deployment = reader.get(Member, environment.id, app), last.get(app)
        if member is None or (deployment is not None and deployment.source == source.digest):
            continue
        number = member.live if deployment is None else deployment.release
        release = reader.get(Release, environment.id, app, number) if number else None
        if release is not None and release.source == source.digest:
            continue
        what = _name(source)
        found.append(
            NotDeployed(
                app=app,
                source=source.digest,
                because=f"{_runs(member, deployment, release)}; its source {what} is not deployed",
                next=f"headway deploy DIRECTORY -e {environment.name} -a {app}",
            )
        )
    return tuple(found)


def _runs(member: Member, deployment: Deployment | None, release: Release | None) -> str:
    if deployment is None:
        return f"it goes on as v{member.live}"
    what = release.label if release is not None else "another source"
    if member.stopped:
        return f"it was stopped and comes back as {what}"
    return f"{what} is on its way ({deployment.id})"


def _name(source: Source) -> str:
    """Name a source for people: by its commit, else by its content."""
    name = source.commit.id if source.commit else source.digest.partition("-")[2]
    branch = f" of {source.branch}" if source.branch else ""
    changed = " with changes" if source.dirty else ""
    return f"{name[:_LETTERS]}{branch}{changed}"
