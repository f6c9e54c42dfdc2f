"""Forgets environments that ended long ago, with what only they had: deployments and releases.

One of which ended runs are kept stays as long as they do: their pages tell of it.
"""

from datetime import UTC, datetime
from functools import partial

from headway.control.forgetting.old_deployments import AT_ONCE, forget_deployments
from headway.control.pacing import paced
from headway.control.removing import Removing
from headway.control.world import World
from headway.model.container import Container
from headway.model.deployment import Deployment
from headway.model.environment import Environment, EnvironmentState
from headway.model.ids import DeploymentId, EnvironmentId
from headway.model.release import Release
from headway.model.run import Run, owned_by
from headway.ports.store import Reader, Writer

_NEVER = datetime.min.replace(tzinfo=UTC)


async def forget_environments(world: World, removing: Removing) -> None:
    """Forget those that ended first, until no more are kept than the settings say."""
    for environment in await world.store.read(
        partial(_over, kept=world.settings.environments_kept)
    ):
        containers = await world.store.read(partial(_left, environment=environment))
        if containers is not None and await _has_forgotten(world, removing, containers):
            await forget_deployments(world, removing, partial(_some_deployments, environment))
            await paced(
                lambda environment=environment: world.store.write(  # type: ignore[misc]
                    partial(_forget_some, environment=environment)
                )
            )


def _over(reader: Reader, kept: int) -> list[EnvironmentId]:
    ended = reader.find(Environment, state=EnvironmentState.ENDED)
    newest_first = sorted(ended, key=lambda row: row.ended_at or _NEVER, reverse=True)
    return [row.id for row in reversed(newest_first[kept:])]


def _left(reader: Reader, environment: EnvironmentId) -> list[Container] | None:
    """Give the containers that are kept of one; None where runs of it are."""
    if reader.begins(Run, "owner", owned_by(environment)):
        return None
    return reader.find(Container, environment=environment)


async def _has_forgotten(world: World, removing: Removing, containers: list[Container]) -> bool:
    """Forget ended containers with their logs; says whether all are gone."""
    left = await removing.left(row.id for row in containers)
    gone = [row.id for row in containers if row.id not in left]

    def deed(tx: Writer) -> None:
        for container in gone:
            tx.delete(Container, container)

    if gone:
        await world.store.write(deed)
    return not left


def _some_deployments(
    environment: EnvironmentId, reader: Reader, after: DeploymentId | None
) -> list[Deployment]:
    return reader.find(Deployment, environment=environment, after=after, limit=AT_ONCE)


def _forget_some(tx: Writer, environment: EnvironmentId) -> int:
    """Delete some of what an environment had, and itself last; gives how many rows."""
    if tx.find(Deployment, environment=environment, limit=1):
        return 0  # what a build of it wrote could not be removed
    releases = tx.find(Release, environment=environment, limit=AT_ONCE)
    for release in releases:
        tx.delete(Release, environment, release.app, release.number)
    gone = len(releases)
    if gone < AT_ONCE and tx.get(Environment, environment) is not None:
        tx.delete(Environment, environment)
        gone += 1
    return gone
