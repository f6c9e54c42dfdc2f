"""Apps that headway knows."""

from collections.abc import Mapping
from typing import NamedTuple

from headway.control import lookup, standings
from headway.control.errors import Conflict
from headway.control.world import World
from headway.model.app import App, Source
from headway.model.environment import Environment, EnvironmentState, Member
from headway.model.event import Event
from headway.model.ids import AppName, EnvironmentName
from headway.model.view.app import AppView, Place
from headway.ports.store import Reader, Writer


async def listing(world: World) -> list[AppView]:
    """List all apps by name."""
    return (await part(world)).apps


class AppPart(NamedTuple):
    """Some of the apps, by name."""

    apps: list[AppView]
    total: int
    """So many there are."""
    has_more: bool = False
    """Whether there are more behind these."""


async def part(world: World, after: str = "", limit: int | None = None) -> AppPart:
    """List the apps behind a name, but for a limit all of them."""
    there = await standings.places(world)
    known = await world.mirrors.apps.all()
    names = sorted(name for name in known if name > after)
    shown = names[:limit]
    views = [_view(*known[name], there) for name in shown]
    return AppPart(views, len(known), len(names) > len(shown))


async def one(world: World, app: str) -> AppView:
    """Give an app.

    Raises:
        NotFound: Headway does not know it.
    """

    def question(reader: Reader) -> tuple[App, Source]:
        source = lookup.source(reader, app)
        row = reader.get(App, app)
        assert row is not None
        return row, source

    row, source = await world.store.read(question)
    return _view(row, source, await standings.places(world))


async def needed_by(world: World, app: AppName) -> list[AppName]:
    """List the apps whose newest source depends on one, by name."""
    known = await world.mirrors.apps.all()
    return sorted(name for name, row in known.items() if app in row.source.manifest.dependencies)


async def forget(world: World, actor: str, app: str) -> None:
    """Forget an app that is in no environment.

    Raises:
        NotFound: Headway does not know it.
        Conflict: It is in an environment.
    """

    def deed(tx: Writer) -> None:
        lookup.source(tx, app)
        where = _where(tx, AppName(app))
        if where:
            raise Conflict(
                "app-in-use",
                f"{app} is in {', '.join(where)}",
                next=tuple(f"headway envs destroy {name}" for name in where),
            )
        tx.delete(App, app)
        tx.record(
            Event(
                at=world.clock.now(),
                actor=actor,
                kind="app.forgotten",
                subject=app,
                app=AppName(app),
                because=f"asked by {actor}",
            )
        )

    await world.store.write(deed)


def _where(reader: Reader, app: AppName) -> list[EnvironmentName]:
    """Say which active environments an app is in, in the transaction that goes by it."""
    owners = reader.find(Environment, state=EnvironmentState.ACTIVE)
    return [owner.name for owner in owners if reader.get(Member, owner.id, app) is not None]


def _view(row: App, source: Source, where: Mapping[AppName, list[Place]]) -> AppView:
    return AppView(
        name=row.name,
        source=row.source,
        team=row.team,
        commit=source.commit,
        branch=source.branch,
        dirty=source.dirty,
        dependencies=source.manifest.dependencies,
        environments=tuple(place.environment for place in where.get(row.name, [])),
        places=tuple(where.get(row.name, [])),
        updated_at=row.updated_at,
    )
