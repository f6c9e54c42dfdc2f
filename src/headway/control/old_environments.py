"""Forgets environments that ended long ago, with what only they had: deployments and releases.

One of which ended runs are kept stays as long as they do: their pages tell of it.
"""

from datetime import UTC, datetime
from functools import partial

from headway.control.old_deployments import AT_ONCE, forget_deployments
from headway.control.pacing import paced
from headway.control.world import World
from headway.machine.own_log import Log
from headway.model.container import Container
from headway.model.deployment import Deployment
from headway.model.environment import Environment, EnvironmentState
from headway.model.ids import DeploymentId, EnvironmentId
from headway.model.release import Release
from headway.model.run import Run, owned_by
from headway.ports.engine import EngineError
from headway.ports.store import Reader, Writer

_log = Log()
_NEVER = datetime.min.replace(tzinfo=UTC)


async def forget_environments(world: World) -> None:
    """Forget those that ended first, until no more are kept than the settings say."""
    for environment in await world.store.read(
        partial(_over, kept=world.settings.environments_kept)
    ):
        containers = await world.store.read(partial(_left, environment=environment))
        if containers is not None and await _has_forgotten(world, containers):
            await forget_deployments(world, partial(_some_deployments, environment))
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


async def _has_forgotten(world: World, containers: list[Container]) -> bool:
    """Forget ended containers with their logs; says whether all are gone."""
    if not containers:
        return True
    for row in containers:
        try:
            await world.engine.remove(row.id)
        except EngineError as error:  # without its row nobody would find its log again
            _log.warning("an ended container could not be removed", error=str(error))
            return False

    def deed(tx: Writer) -> None:
        for row in containers:
            tx.delete(Container, row.id)

    await world.store.write(deed)
    return True


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
