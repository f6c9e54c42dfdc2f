"""Apps: the list, and one of them with where it runs."""

from headway.control import standings
from headway.control.queries import apps
from headway.model.ids import AppName
from headway.model.view.app import AppView
from headway.model.view.environment import MemberView
from headway.web.page import Ask, Crumb, Page, View

_SHOWN = 100


class AppsPage(View, kw_only=True):
    """The apps that headway knows, by name."""

    apps: tuple[AppView, ...]
    after: str | None = None
    """Behind which name there are more."""
    total: int

    @property
    def title(self) -> str:
        """Its name."""
        return "Apps"


class AppPage(View, kw_only=True):
    """One app, wherever it is."""

    app: AppView
    members: tuple[MemberView, ...] = ()
    needed_by: tuple[AppName, ...] = ()

    @property
    def title(self) -> str:
        """Its name."""
        return self.app.name

    @property
    def crumbs(self) -> tuple[Crumb, ...]:
        """The way to it."""
        return (Crumb("Apps", "/apps"),)


async def _see_all(ask: Ask) -> AppsPage:
    found = await apps.part(ask.world, ask.query.get("after", ""), _SHOWN)
    after = found.apps[-1].name if found.has_more else None
    return AppsPage(apps=tuple(found.apps), after=after, total=found.total)


async def _see(ask: Ask) -> AppPage:
    view = await apps.one(ask.world, ask.names["app"])
    return AppPage(
        app=view,
        members=tuple(await standings.members_of(ask.world, view.name)),
        needed_by=tuple(await apps.needed_by(ask.world, view.name)),
    )


OFFERS = (Page("/apps", "apps.html", _see_all), Page("/apps/{app}", "app.html", _see))
