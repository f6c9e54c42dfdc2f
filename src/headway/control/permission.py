"""What a deed is done to, and whether who asks may do it."""

from collections.abc import Sequence

import msgspec

from headway.control import lookup
from headway.control.containers import one as container
from headway.control.deeds import is_held, on, on_source, owned, sent
from headway.control.deployments import one as deployment
from headway.control.leases.leases import one as lease
from headway.control.permits import check, refusal
from headway.control.requests import DeadQuestion
from headway.control.runs.admission import check_count
from headway.control.runs.dispatch import Dispatch
from headway.control.runs.runs import one as run
from headway.control.runs.schedules import of_name
from headway.control.world import World
from headway.model.environment import Member
from headway.model.ids import Digest
from headway.model.lease import ClaimKind
from headway.model.role import HELD, INSTALLATION, LOCKS, OWN, Deed
from headway.ports.store import Reader

__all__ = ["INSTALLATION", "LOCKS", "OWN", "check", "on", "on_source", "refusal"]


async def on_apps(world: World, *apps: str) -> Deed:
    """A deed that is done to apps."""
    return await world.store.read(lambda reader: on(owned(reader, apps)))


async def on_environment(world: World, name: str, actor: str | None = None) -> Deed:
    """A deed that is done to all apps of an environment.

    With an actor: one that its holder may do, whosever the apps are, as it ends or keeps them only.

    Raises:
        NotFound: There is none of this name.
    """

    def question(reader: Reader) -> Deed:
        owner = lookup.standing(reader, name)
        if is_held(owner, actor):
            return msgspec.structs.replace(HELD, environment=owner.id)
        apps = [row.app for row in reader.find(Member, environment=owner.id)]
        return msgspec.structs.replace(on(owned(reader, apps)), environment=owner.id)

    return await world.store.read(question)


async def on_run(world: World, identity: str) -> Deed:
    """A deed that is done to a run."""
    return await on_apps(world, (await run(world, identity)).app)


async def on_dead(world: World, question: DeadQuestion) -> Deed:
    """A deed that is done to runs on the dead-letter list."""
    if question.runs:
        rows = [await run(world, identity) for identity in question.runs]
        return await on_apps(world, *dict.fromkeys(row.app for row in rows))
    if question.app is not None:
        return await on_apps(world, question.app)
    if question.environment is not None:
        return await on_environment(world, question.environment)
    return INSTALLATION


async def on_deployment(world: World, identity: str) -> Deed:
    """A deed that is done to a deployment."""
    return await on_apps(world, (await deployment(world, identity)).app)


async def on_container(world: World, identity: str) -> Deed:
    """A deed that is done to a container."""
    return await on_apps(world, (await container(world, identity)).app)


async def on_job(
    world: World,
    dispatch: Dispatch,
    environment: str,
    name: str,
    app: str | None,
    pinned: Sequence[int | None],
) -> Deed:
    """A deed that is done to a job, by runs of which each may be pinned to a release.

    Raises:
        Invalid: They are more than one request makes, or none.
        NotFound: There is no such job.
        Conflict: Several apps have one of this name.
    """
    check_count(world, len(pinned))
    target = await dispatch.targets.find(environment, name, app, pinned)
    return await on_apps(world, target.release.app)


async def on_schedule(world: World, environment: str, name: str) -> Deed:
    """A deed that is done to a schedule."""
    row = await world.store.read(
        lambda reader: of_name(reader, lookup.environment(reader, environment), name)
    )
    return await on_apps(world, row.app)


async def on_deploy(world: World, app: str, source: str | None) -> Deed:
    """A deed that moves an app to another release, of a source if one is named."""

    def question(reader: Reader) -> Deed:
        sources = [Digest(source)] if source else []
        return on([*owned(reader, [app]), *sent(reader, sources)])

    return await world.store.read(question)


async def on_lease(world: World, actor: str, identity: str) -> Deed:
    """A deed that is done to a lease: its holder's matter, or an operator's."""
    view = await lease(world, identity)
    held = view.lease
    if "~" in held.id:
        return await on_environment(world, held.id.partition("~")[0], actor)
    return LOCKS if held.holder == actor else INSTALLATION


def on_claim(kind: ClaimKind) -> Deed:
    """A deed that claims something."""
    return LOCKS if kind is ClaimKind.LOCK else INSTALLATION
