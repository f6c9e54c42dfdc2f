"""Apps that headway knows."""

from headway.control import lookup
from headway.control.errors import Conflict
from headway.control.world import World
from headway.model.app import App, Source
from headway.model.environment import Environment, EnvironmentState, Member
from headway.model.event import Event
from headway.model.ids import AppName, EnvironmentName
from headway.model.view import AppView
from headway.ports.store import Reader, Writer


async def listing(world: World) -> list[AppView]:
    """List all apps by name."""

    def question(reader: Reader) -> list[AppView]:
        where = _where(reader)
        rows = sorted(reader.find(App), key=lambda row: row.name)
        views = [_view(row, reader.get(Source, row.source), where) for row in rows]
        return [view for view in views if view is not None]

    return await world.store.read(question)


async def one(world: World, app: str) -> AppView:
    """Give an app.

    Raises:
        NotFound: Headway does not know it.
    """

    def question(reader: Reader) -> AppView:
        source = lookup.source(reader, app)
        row = reader.get(App, app)
        assert row is not None
        view = _view(row, source, _where(reader))
        assert view is not None
        return view

    return await world.store.read(question)


async def forget(world: World, actor: str, app: str) -> None:
    """Forget an app that is in no environment.

    Raises:
        NotFound: Headway does not know it.
        Conflict: It is in an environment.
    """

    def deed(tx: Writer) -> None:
        lookup.source(tx, app)
        where = _where(tx).get(AppName(app), [])
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


def _where(reader: Reader) -> dict[AppName, list[EnvironmentName]]:
    found: dict[AppName, list[EnvironmentName]] = {}
    for environment in reader.find(Environment, state=EnvironmentState.ACTIVE):
        for member in reader.find(Member, environment=environment.id):
            found.setdefault(member.app, []).append(environment.name)
    return found


def _view(
    row: App, source: Source | None, where: dict[AppName, list[EnvironmentName]]
) -> AppView | None:
    if source is None:
        return None
    return AppView(
        name=row.name,
        source=row.source,
        team=row.team,
        commit=source.commit,
        branch=source.branch,
        dirty=source.dirty,
        dependencies=source.manifest.dependencies,
        environments=tuple(where.get(row.name, [])),
        updated_at=row.updated_at,
    )
