"""How all apps in all environments do, of what is held in memory of their rows."""

from headway.control import lookup
from headway.control.member_rows import MemberRows
from headway.control.standing import standing, view
from headway.control.world import World
from headway.model.environment import Environment, EnvironmentState
from headway.model.ids import AppName
from headway.model.release import Release
from headway.model.view.app import Place
from headway.model.view.environment import MemberView
from headway.model.view.standing import EnvironmentStanding, Standing


async def listing(world: World) -> list[EnvironmentStanding]:
    """List the environments that have not ended, by name."""
    return [
        EnvironmentStanding(
            name=owner.name,
            state=owner.state,
            lease=owner.lease,
            because=owner.because,
            created_at=owner.created_at,
            created_by=owner.created_by,
            members=tuple(rows.settled or _standing(world, owner, rows) for rows in members),
        )
        for owner, members in await everything(world)
    ]


async def live(world: World, environment: str | None) -> list[tuple[Environment, Release]]:
    """List what serves, in one active environment or in all, by environment and app.

    Raises:
        NotFound: There is none of this name.
        Conflict: It is ending.
    """
    if environment is not None:
        await world.store.read(lambda reader: lookup.environment(reader, environment))
    return [
        (owner, release)
        for owner, members in await everything(world)
        if owner.state is EnvironmentState.ACTIVE and environment in (None, owner.name)
        for rows in members
        if (release := rows.live) is not None
    ]


async def members_of(world: World, app: AppName) -> list[MemberView]:
    """Show an app in each active environment that it is in, by their names."""
    return [
        view(world, owner, rows)
        for owner, members in await everything(world)
        if owner.state is EnvironmentState.ACTIVE
        for rows in members
        if rows.member.app == app
    ]


async def places(world: World) -> dict[AppName, list[Place]]:
    """Say which active environments each app is in, and how it does there."""
    found: dict[AppName, list[Place]] = {}
    for owner, members in await everything(world):
        if owner.state is EnvironmentState.ACTIVE:
            for rows in members:
                state, because = standing(world, rows)
                place = Place(environment=owner.name, state=state, because=because)
                found.setdefault(rows.member.app, []).append(place)
    return found


async def everything(world: World) -> list[tuple[Environment, list[MemberRows]]]:
    """Give the environments that have not ended, by name, each with its apps by name."""
    owners = sorted((await world.mirrors.environments.all()).values(), key=lambda row: row.name)
    found: dict[str, list[MemberRows]] = {owner.id: [] for owner in owners}
    for (environment, _), rows in sorted((await world.mirrors.members.all()).items()):
        if environment in found:
            found[environment].append(rows)
    return [(owner, found[owner.id]) for owner in owners]


def _standing(world: World, owner: Environment, rows: MemberRows) -> Standing:
    state, because = standing(world, rows)
    return Standing(
        environment=owner.name,
        app=rows.member.app,
        state=state,
        because=because,
        deployment=rows.deployment,
    )
