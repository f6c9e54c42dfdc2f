"""The loop that keeps the router's table as the members' containers are."""

import asyncio
from collections.abc import Iterable

from headway.calculate.route import MemberRoutes, table
from headway.control.world import World
from headway.model.ids import EnvironmentId, MemberKey
from headway.model.route import RouteTable


class Routing:
    """Joins the members' routes and applies the table when it differs; changes are coalesced.

    After a start the router still follows the last table. It is left alone until every member
    of that time has told its routes: a table of half of them would take away the others'.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._members: dict[MemberKey, MemberRoutes] = {}
        self._changed: dict[MemberKey, None] = {}
        self._awaited: set[MemberKey] = set()
        self._wake = asyncio.Event()
        self._applied: RouteTable | None = None

    @property
    def applied(self) -> RouteTable:
        """The table that the router follows."""
        return self._applied or RouteTable()

    def leads_to(self, environment: EnvironmentId) -> bool:
        """Say whether the router may still know an app of an environment."""
        if self._applied is None:
            return True
        return any(route.environment == environment for route in self._applied.routes)

    def expect(self, keys: Iterable[MemberKey]) -> None:
        """Apply nothing before each of these has told its routes, or cannot."""
        self._awaited = set(keys)
        self._wake.set()

    def give_up(self, key: MemberKey) -> None:
        """Do not wait for a member about which nothing can be decided."""
        if key in self._awaited:
            self._awaited.remove(key)
            self._wake.set()

    def update(self, key: MemberKey, routes: MemberRoutes | None) -> None:
        """Take over the routes of a member; None when it is gone."""
        self.give_up(key)
        if self._members.get(key) == routes:
            return
        if routes is None:
            del self._members[key]
        else:
            self._members[key] = routes
        self._changed[key] = None
        self._wake.set()

    async def run(self) -> None:
        """Apply the table whenever it changed, for ever."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            if self._awaited:
                continue
            changed, self._changed = self._changed, {}
            is_first = self._applied is None
            wanted = table(self._members.values())
            try:
                if wanted != self._applied:
                    await self._world.router.apply(wanted)
                    self._applied = wanted
            except Exception:
                self._changed |= changed
                self._wake.set()
                raise
            self._world.troubles.pop("routing", None)
            if is_first:
                self._world.bell.environment()
            for key in changed:
                self._world.bell.member(key)
