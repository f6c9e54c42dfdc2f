"""Deployments and releases: shown, promoted, aborted. `deploying` asks for them."""

from functools import partial

import msgspec

from headway.calculate.paging import page_of
from headway.control import lookup
from headway.control.errors import Conflict, NotFound
from headway.control.idempotency import answered
from headway.control.rollout.planning import members_of, planned
from headway.control.subjects import event_of
from headway.control.world import World
from headway.model.deployment import Ask, Deployment, Phase
from headway.model.ids import environment_name
from headway.model.manifest import Strategy
from headway.model.release import Release
from headway.model.view.change import Started
from headway.model.view.page import Page
from headway.model.view.release import ReleaseView
from headway.ports.store import Reader, Writer


async def one(world: World, identity: str) -> Deployment:
    """Give a deployment.

    Raises:
        NotFound: There is none with this id.
    """
    return await world.store.read(lambda reader: get(reader, identity))


def get(reader: Reader, identity: str) -> Deployment:
    """Give a deployment.

    Raises:
        NotFound: There is none with this id.
    """
    row = reader.get(Deployment, identity)
    if row is None:
        raise NotFound("deployment-unknown", f"there is no deployment {identity}")
    return row


async def ask(world: World, actor: str, identity: str, wish: Ask) -> Deployment:
    """Promote or abort a deployment under way. Asking for the same again changes nothing.

    Raises:
        NotFound: There is none with this id.
        Conflict: It has ended, or has nothing to promote.
    """
    deed = partial(_ask, world=world, actor=actor, identity=identity, wish=wish)
    row = await world.store.write(answered(deed))
    world.bell.member((row.environment, row.app))
    return row


async def rehearse_ask(world: World, actor: str, identity: str, wish: Ask) -> Started:
    """Say what promoting or aborting a deployment would start, stop and move.

    Raises:
        NotFound: As `ask`.
        Conflict: As `ask`.
    """

    def deed(tx: Writer) -> Started:
        row = _ask(tx, world=world, actor=actor, identity=identity, wish=wish)
        return Started(environment=environment_name(row.environment), deployments=(row,))

    return await planned(world, deed, members_of)


def _ask(tx: Writer, *, world: World, actor: str, identity: str, wish: Ask) -> Deployment:
    row = get(tx, identity)
    if row.asked is wish:
        return row
    if row.is_ended:
        raise Conflict(
            "deployment-ended",
            f"{identity} has ended: it {row.phase.value.replace('_', ' ')}",
            next=(f"headway why {identity}",),
        )
    if wish is Ask.PROMOTE and row.strategy is not Strategy.CANARY:
        raise Conflict(
            "nothing-to-promote",
            f"{identity} is {row.strategy.value}: only a canary waits to be promoted",
        )
    if wish is Ask.ABORT and row.phase in (Phase.SWITCHING, Phase.REVERTING):
        raise Conflict(
            "too-late-to-abort",
            f"{identity} is {row.phase.value} already",
            next=(f"headway rollback -a {row.app}",),
        )
    now, kind = world.clock.now(), f"deployment.{wish.value}"
    tx.record(event_of(row, kind, now, f"asked by {actor}", actor))
    return tx.put(msgspec.structs.replace(row, asked=wish, asked_by=actor))


async def history(
    world: World, name: str, app: str, limit: int = 50, before: str | None = None
) -> Page:
    """List an app's deployments in an environment, newest first, also in one that has ended.

    Raises:
        NotFound: There never was such an environment.
    """

    def question(reader: Reader) -> Page:
        owner = lookup.last_life(reader, name)
        rows = reader.find(
            Deployment,
            environment=owner.id,
            app=app,
            newest_first=True,
            limit=limit + 1,
            before=before,
        )
        return page_of(rows, limit, lambda row: row.id)

    return await world.store.read(question)


async def releases(world: World, name: str, app: str) -> list[ReleaseView]:
    """List an app's releases in an environment, newest first.

    Raises:
        NotFound: The app is not in the environment.
    """

    def question(reader: Reader) -> list[ReleaseView]:
        owner = lookup.environment(reader, name)
        member = lookup.member(reader, owner, app)
        rows = reader.find(Release, environment=owner.id, app=app, newest_first=True, limit=500)
        return [
            ReleaseView(
                app=row.app,
                number=row.number,
                fingerprint=row.fingerprint,
                commit=row.commit,
                branch=row.branch,
                dirty=row.dirty,
                config_number=row.config_number,
                live=row.number == member.live,
                created_at=row.created_at,
                created_by=row.created_by,
            )
            for row in rows
        ]

    return await world.store.read(question)
