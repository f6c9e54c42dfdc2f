"""Environments: shown, extended, stopped, copied, compared, ended. `starting` begins them."""

from collections import Counter
from datetime import datetime, timedelta
from functools import partial

import msgspec

from headway.control import lookup
from headway.control.config import readable
from headway.control.differences import compare
from headway.control.enlist import check_lease, ensure_environment, ensure_member
from headway.control.errors import Conflict
from headway.control.idempotency import answered
from headway.control.orders import config_place
from headway.control.planning import members_of, planned, ring
from headway.control.requests import StartRequest
from headway.control.standing import member_view, member_views, view
from headway.control.standings import everything
from headway.control.starting import begin, start
from headway.control.under import refuse_own_length
from headway.control.world import MemberKey, World
from headway.model.config import Config, ConfigChange, Setting
from headway.model.deployment import Ask, Deployment
from headway.model.environment import NOT_ENDED, Environment, EnvironmentState, Member
from headway.model.event import Event
from headway.model.ids import AppName, Digest
from headway.model.lease import Tenure
from headway.model.run import Run
from headway.model.view.change import PlannedChange, Started
from headway.model.view.difference import Difference
from headway.model.view.environment import EnvironmentView, MemberView
from headway.model.view.page import Page
from headway.ports.store import Reader, Writer

__all__ = [
    "copy",
    "destroy",
    "diff",
    "extend",
    "listing",
    "member",
    "one",
    "scale",
    "start",
    "stop",
]

_RUNS_COUNTED = 1000
"""So many runs that have not ended are read to say how many would be cancelled."""


async def listing(world: World, limit: int, after: str | None = None) -> Page:
    """List environments that have not ended, by name, those behind a name."""
    rows = [row for row in await everything(world) if after is None or row[0].name > after]
    shown = tuple(
        _view(owner, tuple(view(world, owner, rows) for rows in members))
        for owner, members in rows[:limit]
    )
    return Page(items=shown, next=rows[limit - 1][0].name if len(rows) > limit else None)


async def one(world: World, name: str) -> EnvironmentView:
    """Give an environment with its members.

    Raises:
        NotFound: There is none of this name.
    """

    def question(reader: Reader) -> EnvironmentView:
        return _seen(world, reader, lookup.standing(reader, name))

    return await world.store.read(question)


async def member(world: World, name: str, app: str) -> MemberView:
    """Give an app in an environment.

    Raises:
        NotFound: It is not there.
    """

    def question(reader: Reader) -> MemberView:
        owner = lookup.environment(reader, name)
        row = lookup.member(reader, owner, app)
        return member_view(world, reader, owner, row)

    return await world.store.read(question)


async def scale(world: World, name: str, app: str) -> dict[str, int]:
    """Say how many copies of each process type of an app are wanted; daemons are left out.

    Raises:
        NotFound: It is not there.
    """

    def question(reader: Reader) -> dict[str, int]:
        row = lookup.member(reader, lookup.environment(reader, name), app)
        live = lookup.live(reader, row)
        processes = live.manifest.processes if live else ()
        return {one.name: row.scale.get(one.name, one.scale) for one in processes if not one.daemon}

    return await world.store.read(question)


async def extend(
    world: World, actor: str, name: str, length_s: float | None, *, shorten: bool = False
) -> EnvironmentView:
    """Renew a lease: from now, for so long; None: without end.

    Raises:
        NotFound: There is none of this name.
        Conflict: It would end earlier than it does, and `shorten` does not say so; or it lasts as
            long as the lease it was started under.
        Invalid: The length cannot be.
    """
    check_lease(length_s, world.settings)
    now = world.clock.now()

    def deed(tx: Writer) -> EnvironmentView:
        row = lookup.environment(tx, name)
        refuse_own_length(row)
        until = now + timedelta(seconds=length_s) if length_s is not None else None
        if until and not shorten and (row.lease.until is None or until < row.lease.until):
            ends = f"at {row.lease.until:%Y-%m-%d %H:%M} UTC" if row.lease.until else "never"
            raise Conflict(
                "lease-longer",
                f"the lease of {name} ends {ends}, which is later",
                hint="a lease is renewed from now on",
                next=(f"headway extend -e {name} LENGTH --shorten",),
            )
        lease = Tenure(holder=row.lease.holder, until=until)
        stored = tx.put(msgspec.structs.replace(row, lease=lease))
        tx.record(
            Event(
                at=now,
                actor=actor,
                kind="lease.extended",
                subject=row.id,
                environment=row.id,
                because=f"{actor} renewed it, {_ends(until)}",
            )
        )
        return _seen(world, tx, stored)

    view = await world.store.write(answered(deed))
    world.bell.environment()
    return view


def _ends(until: datetime | None) -> str:
    return f"until {until:%Y-%m-%d %H:%M} UTC" if until else "without end"


async def stop(
    world: World, actor: str, name: str, apps: tuple[AppName, ...], reason: str, plan: bool
) -> Started:
    """Stop apps and keep their place: releases, config, volumes. No app named: all of them.

    Raises:
        NotFound: The environment, or an app of it, is not there.
        Conflict: Other apps that run need one of them.
    """
    deed = partial(_stop, world=world, actor=actor, name=name, apps=apps, reason=reason)
    touched: list[MemberKey] = []

    def stopped(tx: Writer) -> Started:
        answer = deed(tx)
        owner = lookup.environment(tx, name)
        touched.extend((owner.id, app) for app in apps or _apps(tx, owner))
        return answer

    if plan:
        return await planned(world, stopped, lambda _: touched)
    answer = await world.store.write(answered(stopped))
    for key in touched:
        world.bell.member(key)
    return answer


def _stop(
    tx: Writer, *, world: World, actor: str, name: str, apps: tuple[AppName, ...], reason: str
) -> Started:
    owner = lookup.environment(tx, name)
    chosen = apps or tuple(_apps(tx, owner))
    _refuse_needed(tx, owner, chosen)
    unchanged: list[AppName] = []
    for app in chosen:
        row = lookup.member(tx, owner, app)
        active = tx.find(Deployment, environment=owner.id, app=app, is_ended=False)
        if row.stopped and not active:
            unchanged.append(app)
            continue
        for deployment in active:
            asked = msgspec.structs.replace(deployment, asked=Ask.ABORT, asked_by=actor)
            tx.put(asked)
        tx.put(msgspec.structs.replace(row, stopped=True))
        tx.record(
            Event(
                at=world.clock.now(),
                actor=actor,
                kind="member.stopped",
                subject=f"{owner.id}/{app}",
                environment=owner.id,
                app=app,
                because=reason or f"asked by {actor}",
            )
        )
    return Started(environment=owner.name, unchanged=tuple(unchanged))


def _apps(reader: Reader, owner: Environment) -> list[AppName]:
    return sorted(row.app for row in reader.find(Member, environment=owner.id))


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


async def destroy(world: World, actor: str, name: str, reason: str, plan: bool) -> Started:
    """End an environment: containers, volumes, config and routes. Its history stays.

    One that is ending already is left to that.

    Raises:
        NotFound: There is none of this name.
    """
    now = world.clock.now()
    touched: list[MemberKey] = []

    def deed(tx: Writer) -> Started:
        row = lookup.standing(tx, name)
        if row.state is EnvironmentState.ENDING:
            return Started(environment=row.name)
        because = reason or f"destroyed by {actor}"
        ending = msgspec.structs.replace(row, state=EnvironmentState.ENDING, because=because)
        tx.put(ending)
        tx.record(
            Event(
                at=now,
                actor=actor,
                kind="environment.ending",
                subject=row.id,
                environment=row.id,
                because=because,
            )
        )
        touched.extend((row.id, app) for app in _apps(tx, row))
        return Started(environment=row.name)

    if plan:
        started = await planned(world, deed, lambda _: touched)
        gone = await world.store.read(lambda reader: _gone(reader, name))
        return msgspec.structs.replace(started, plan=(*started.plan, *gone))
    started = await world.store.write(answered(deed))
    for key in touched:
        world.bell.member(key)
    world.bell.environment()
    return started


def _gone(reader: Reader, name: str) -> tuple[PlannedChange, ...]:
    """List what of an environment is no more once its containers have ended."""
    owner = lookup.standing(reader, name)
    found: list[PlannedChange] = []
    runs = _runs_gone(reader, owner)
    for row in sorted(reader.find(Member, environment=owner.id), key=lambda row: row.app):
        what = runs.get(row.app)
        if what:
            found.append(PlannedChange(app=row.app, verb="end_runs", what=what, because=what))
        live = lookup.live(reader, row)
        for volume in live.manifest.volumes if live else ():
            what = f"delete volume {volume.name} with all its data"
            found.append(PlannedChange(app=row.app, verb="delete_volume", what=what, because=what))
        config = reader.get(Config, owner.id, row.app)
        if config is not None and config.settings:
            what = f"delete its config: {', '.join(sorted(config.settings))}"
            found.append(PlannedChange(app=row.app, verb="delete_config", what=what, because=what))
    return tuple(found)


def _runs_gone(reader: Reader, owner: Environment) -> dict[AppName, str]:
    """Say for each app how many of its runs would be cancelled, and how many ended."""
    running = Counter(row.app for row in reader.find(Run, open_in=owner.id, active=1))
    found = reader.find(Run, open_in=owner.id, limit=_RUNS_COUNTED)
    waiting = Counter(row.app for row in found if not row.is_active)
    more = " or more" if len(found) == _RUNS_COUNTED else ""
    told: dict[AppName, str] = {}
    for app in {*running, *waiting}:
        parts = []
        if waiting[app]:
            are = "run that waits" if waiting[app] == 1 and not more else "runs that wait"
            parts.append(f"cancel {waiting[app]}{more} {are}")
        if running[app]:
            are = "run that runs" if running[app] == 1 else "runs that run"
            parts.append(f"end {running[app]} {are}")
        told[app] = ", ".join(parts)
    return told


async def copy(
    world: World, actor: str, name: str, to: str, lease_s: float | None, plan: bool
) -> Started:
    """Start the same apps, with the same config and scale, in a new environment. No data of it.

    The sources are those of the releases that serve; of an app that has none, the newest.

    Raises:
        NotFound: There is no environment of this name.
        Conflict: The new name is taken.
    """

    def deed(tx: Writer) -> Started:
        left = lookup.environment(tx, name)
        if tx.find(Environment, name=to, state=NOT_ENDED):
            raise Conflict("environment-exists", f"there is an environment {to} already")
        now = world.clock.now()
        right = ensure_environment(tx, to, actor, now, world.settings, lease_s)
        apps = _apps(tx, left)
        chosen: dict[AppName, Digest] = {}
        for app in apps:
            row = lookup.member(tx, left, app)
            fresh = ensure_member(tx, right.id, app, world.settings.members_max)
            tx.put(msgspec.structs.replace(fresh, scale=row.scale))
            _copy_config(world, tx, left, right, app, actor)
            live = lookup.live(tx, row)
            if live is not None:
                chosen[app] = live.source
        request = StartRequest(
            apps=tuple(apps), chosen=chosen, lease_s=lease_s, reason=f"copy of {name}"
        )
        return begin(tx, world=world, actor=actor, name=to, request=request)

    if plan:
        return await planned(world, deed, members_of)
    started = await world.store.write(answered(deed))
    ring(world, started)
    return started


def _copy_config(
    world: World, tx: Writer, left: Environment, right: Environment, app: AppName, actor: str
) -> None:
    """Seal every value again: a sealed value opens only where it was sealed for."""
    config = tx.get(Config, left.id, app)
    if config is None:
        return
    settings: dict[str, Setting] = {}
    for key, setting in config.settings.items():
        text = world.vault.open(setting.sealed, config_place(left.id, app, key))
        settings[key] = msgspec.structs.replace(
            setting, sealed=world.vault.seal(text, config_place(right.id, app, key))
        )
    change = ConfigChange(number=1, at=world.clock.now(), by=actor, set=tuple(sorted(settings)))
    tx.put(Config(environment=right.id, app=app, settings=settings, history=(change,)))


async def diff(world: World, name: str, other: str) -> list[Difference]:
    """Compare two environments: releases and config. Secrets show only that they differ.

    Raises:
        NotFound: One of them is not there.
    """

    def question(reader: Reader) -> list[Difference]:
        left, right = lookup.environment(reader, name), lookup.environment(reader, other)
        return compare(reader, left, right, partial(readable, world))

    return await world.store.read(question)


def _seen(world: World, reader: Reader, row: Environment) -> EnvironmentView:
    return _view(row, member_views(world, reader, row))


def _view(row: Environment, members: tuple[MemberView, ...]) -> EnvironmentView:
    return EnvironmentView(
        name=row.name,
        id=row.id,
        state=row.state,
        lease=row.lease,
        under=row.under,
        because=row.because,
        created_at=row.created_at,
        created_by=row.created_by,
        members=members,
    )
