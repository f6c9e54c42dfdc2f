"""The loop that keeps the router's table as the members' containers are."""

import asyncio

from headway.calculate.route import MemberRoutes, table
from headway.control.world import MemberKey, World
from headway.model.route import RouteTable

_RETRY_S = 1.0


class Routing:
    """Joins the members' routes and applies the table when it differs; changes are coalesced."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._members: dict[MemberKey, MemberRoutes] = {}
        self._changed: set[MemberKey] = set()
        self._wake = asyncio.Event()
        self._applied: RouteTable | None = None

    @property
    def applied(self) -> RouteTable:
        """The table that the router follows."""
        return self._applied or RouteTable()

    def update(self, key: MemberKey, routes: MemberRoutes | None) -> None:
        """Take over the routes of a member; None when it is gone."""
        if self._members.get(key) == routes:
            return
        if routes is None:
            del self._members[key]
        else:
            self._members[key] = routes
        self._changed.add(key)
        self._wake.set()

    async def run(self) -> None:
        """Apply the table whenever it changed, for ever."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            changed, self._changed = self._changed, set()
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
            for key in changed:
                self._world.bell.member(key)
