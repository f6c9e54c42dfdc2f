"""The installation itself: what is routed where, and whether all is well."""

import platform

from headway.control.pool import monitor
from headway.control.queries import doctor
from headway.formats.units import counted
from headway.model.ids import AppName, EnvironmentName, environment_name
from headway.model.value import Value
from headway.model.view.check import Check
from headway.web.page import Ask, Page, View
from headway.web.traffic import ReleaseShare, shares


class RouteRow(Value, kw_only=True):
    """One address and who answers there."""

    environment: EnvironmentName
    app: AppName
    hosts: tuple[str, ...]
    port: int | None
    shares: tuple[ReleaseShare, ...]
    is_answered: bool


class RoutesPage(View, kw_only=True):
    """The route table as it is applied; what nobody answers comes first."""

    rows: tuple[RouteRow, ...]
    http_port: int

    @property
    def title(self) -> str:
        """Its name."""
        return "Routes"


class StatusPage(View, kw_only=True):
    """How headway itself does."""

    version: str
    python: str
    started_at: str
    checks: tuple[Check, ...]

    @property
    def title(self) -> str:
        """Its name."""
        return "Status"

    @property
    def sentence(self) -> str:
        """All of it in a line."""
        bad = sum(not row.ok for row in self.checks)
        return f"{counted(bad, 'thing')} to look at" if bad else "all is well"


async def _see_routes(ask: Ask) -> RoutesPage:
    view = await ask.world.router.view()
    rows = [
        RouteRow(
            environment=environment_name(route.environment),
            app=route.app,
            hosts=route.hosts,
            port=route.port,
            shares=shares([route], view.traffic, route.environment, route.app),
            is_answered=any(target.weight for target in route.targets),
        )
        for route in ask.heart.routing.applied.routes
    ]
    rows.sort(key=lambda row: (row.is_answered, row.environment, row.app))
    return RoutesPage(rows=tuple(rows), http_port=ask.world.router.http_port)


async def _see_status(ask: Ask) -> StatusPage:
    found = await doctor.checks(ask.world, ask.house.data, ask.house.machine_checks)
    found += await monitor.checks(ask.world, ask.heart.pools)
    return StatusPage(
        version=ask.world.version,
        python=platform.python_version(),
        started_at=ask.world.started_at.isoformat(),
        checks=tuple(sorted(found, key=lambda row: row.ok)),
    )


OFFERS = (
    Page("/routes", "routes.html", _see_routes),
    Page("/status", "status.html", _see_status, is_live=False),
)
