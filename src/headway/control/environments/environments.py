"""Environments: shown, extended, compared. `starting` begins them, `destroying` ends them."""

from datetime import timedelta
from functools import partial

from headway.calculate.paging import page_of
from headway.control import lookup
from headway.control.config.config import readable
from headway.control.config.differences import compare
from headway.control.idempotency import answered
from headway.control.leases import tenures
from headway.control.member_rows import MemberRows
from headway.control.rollout.enlist import check_lease
from headway.control.standing import member_view, member_views, view
from headway.control.standings import everything
from headway.control.world import World
from headway.model.environment import Environment
from headway.model.view.difference import Difference
from headway.model.view.environment import EnvironmentView, MemberView
from headway.model.view.page import Page
from headway.ports.store import Reader, Writer


async def listing(world: World, limit: int, after: str | None = None) -> Page:
    """List environments that have not ended, by name, those behind a name."""

    def show(row: tuple[Environment, list[MemberRows]]) -> EnvironmentView:
        owner, members = row
        return _view(owner, tuple(view(world, owner, rows) for rows in members))

    return page_of(await everything(world), limit, lambda row: row[0].name, after, show)


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


async def wanted_scale(world: World, name: str, app: str) -> dict[str, int]:
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
    until = None if length_s is None else now + timedelta(seconds=length_s)

    def deed(tx: Writer) -> EnvironmentView:
        return _seen(world, tx, tenures.extend(tx, name, until, now, actor, shorten=shorten))

    view = await world.store.write(answered(deed))
    world.bell.environment()
    return view


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
