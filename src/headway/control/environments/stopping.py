"""`stop`: apps of an environment rest, and keep their place in it."""

from datetime import datetime

import msgspec

from headway.control import lookup
from headway.control.errors import Conflict
from headway.control.idempotency import answered
from headway.control.rollout.planning import planned
from headway.control.subjects import event_of
from headway.control.world import World
from headway.model.deployment import Ask, Deployment
from headway.model.environment import Environment, Member
from headway.model.ids import AppName, MemberKey
from headway.model.view.change import Started
from headway.ports.store import Reader, Writer


async def stop(
    world: World, actor: str, name: str, apps: tuple[AppName, ...], reason: str, plan: bool
) -> Started:
    """Stop apps and keep their place: releases, config, volumes. No app named: all of them.

    Raises:
        NotFound: The environment, or an app of it, is not there.
        Conflict: Other apps that run need one of them.
    """
    now = world.clock.now()
    touched: list[MemberKey] = []

    def deed(tx: Writer) -> Started:
        owner = lookup.environment(tx, name)
        chosen = tuple(dict.fromkeys(apps or lookup.apps(tx, owner)))
        _refuse_needed(tx, owner, chosen)
        touched.extend((owner.id, app) for app in chosen)
        rows = [lookup.member(tx, owner, app) for app in chosen]
        resting = tuple(row.app for row in rows if row.stopped and not _under_way(tx, row))
        for row in rows:
            if row.app not in resting:
                _stop(tx, row, actor, reason or f"asked by {actor}", now)
        return Started(environment=owner.name, unchanged=resting)

    if plan:
        return await planned(world, deed, lambda _: touched)
    started = await world.store.write(answered(deed))
    for key in touched:
        world.bell.member(key)
    return started


def _under_way(reader: Reader, row: Member) -> list[Deployment]:
    return reader.find(Deployment, environment=row.environment, app=row.app, is_ended=False)


def _stop(tx: Writer, row: Member, actor: str, because: str, now: datetime) -> None:
    for deployment in _under_way(tx, row):
        tx.put(msgspec.structs.replace(deployment, asked=Ask.ABORT, asked_by=actor))
    tx.put(msgspec.structs.replace(row, stopped=True))
    tx.record(event_of(row, "member.stopped", now, because, actor))


def _refuse_needed(reader: Reader, owner: Environment, chosen: tuple[AppName, ...]) -> None:
    for row in reader.find(Member, environment=owner.id):
        if row.app in chosen or row.stopped:
            continue
        needed = [app for app in chosen if app in lookup.needs(reader, row)]
        if needed:
            raise Conflict(
                "app-needed",
                f"{row.app} runs in {owner.name} and needs {', '.join(needed)}",
                next=(f"headway stop -e {owner.name} {row.app} {' '.join(needed)}",),
            )
