"""Reads what a decision needs to see: what is active, never history."""

from collections.abc import Iterable

import msgspec

from headway.control.world import World
from headway.model.app import Source
from headway.model.build import Build
from headway.model.container import Container
from headway.model.deployment import MOVING, Deployment, Phase
from headway.model.environment import Environment, Member
from headway.model.ids import AppName, Digest, EnvironmentId
from headway.model.lease import Lease
from headway.model.manifest import Manifest
from headway.model.release import Release
from headway.model.route import RouterView
from headway.model.snapshot import MemberSnapshot, Readiness
from headway.ports.store import Reader


async def read_member(
    world: World, environment: EnvironmentId, app: AppName
) -> MemberSnapshot | None:
    """Read one app in one environment; the router is asked only where its answer matters."""
    snapshot = await world.store.read(lambda reader: member(world, reader, environment, app))
    if snapshot is None or not _needs_router(snapshot):
        return snapshot
    view = await world.router.view()
    return msgspec.structs.replace(snapshot, router=view)


def _needs_router(snapshot: MemberSnapshot) -> bool:
    return any(row.draining_at and not row.is_ended for row in snapshot.containers) or any(
        row.phase in MOVING for row in snapshot.deployments
    )


def member(
    world: World,
    reader: Reader,
    environment: EnvironmentId,
    app: AppName,
    view: RouterView | None = None,
) -> MemberSnapshot | None:
    """Read one app in one environment."""
    owner = reader.get(Environment, environment)
    row = reader.get(Member, environment, app)
    if owner is None or row is None:
        return None
    deployments = tuple(
        sorted(
            reader.find(Deployment, environment=environment, app=app, is_ended=False),
            key=lambda deployment: deployment.number,
        )
    )
    containers = tuple(
        with_probe(world, container)
        for container in reader.find(Container, environment=environment, app=app, retired=False)
    )
    first = deployments[0] if deployments else None
    build = reader.get(Build, first.build) if first and first.build else None
    return MemberSnapshot(
        environment=owner,
        member=row,
        deployments=deployments,
        releases=_releases(reader, row, deployments, containers),
        build=build,
        containers=containers,
        dependencies=_dependencies(reader, environment, first),
        vacated=frozenset(world.roster.vacated),
        lease=reader.get(Lease, owner.under) if owner.under else None,
        router=view or RouterView(),
        knows_nodes=world.knows_nodes,
    )


def with_probe(world: World, container: Container) -> Container:
    """Show the newest answer of its health check; the store has only answers that differ."""
    answer = world.probes.last(container.id)
    if answer is None or container.is_ended:
        return container
    return msgspec.structs.replace(container, probe=answer)


def _releases(
    reader: Reader,
    row: Member,
    deployments: tuple[Deployment, ...],
    containers: tuple[Container, ...],
) -> dict[int, Release]:
    numbers = {row.live}
    for deployment in deployments:
        numbers |= {deployment.release, deployment.previous}
    numbers |= {container.release for container in containers}
    found = [
        reader.get(Release, row.environment, row.app, number)
        for number in sorted(number for number in numbers if number)
    ]
    return {release.number: release for release in found if release is not None}


def _dependencies(
    reader: Reader, environment: EnvironmentId, deployment: Deployment | None
) -> dict[AppName, Readiness]:
    if deployment is None or deployment.phase is not Phase.WAITING:
        return {}
    return {app: readiness(reader, environment, app) for app in deployment.waits_for}


def readiness(reader: Reader, environment: EnvironmentId, app: AppName) -> Readiness:
    """Say whether an app can be depended on now."""
    row = reader.get(Member, environment, app)
    active = reader.find(Deployment, environment=environment, app=app, is_ended=False)
    if row is not None and row.live is not None and not row.stopped:
        return Readiness(ready=True, because=f"v{row.live} is live")
    if active:
        return Readiness(ready=False, because=f"it is {active[0].phase.value}")
    last = reader.find(Deployment, environment=environment, app=app, newest_first=True, limit=1)
    if row is not None and row.stopped:
        return Readiness(ready=False, because="it is stopped", hopeless=True)
    if last:
        because = f"its deployment {last[0].phase.value}: {last[0].because}"
        return Readiness(ready=False, because=because, hopeless=True)
    return Readiness(ready=False, because="it is not in this environment", hopeless=True)


def to_build(reader: Reader, deployments: Iterable[Deployment]) -> dict[Digest, Manifest]:
    """Give the manifests of the sources that deployments build."""
    wanted = {row.source for row in deployments if row.source is not None}
    found = (reader.get(Source, digest) for digest in wanted)
    return {source.digest: source.manifest for source in found if source is not None}
