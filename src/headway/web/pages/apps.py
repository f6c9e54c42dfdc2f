"""Apps: the list, and one of them with where it runs."""

from headway.control import apps, environments
from headway.model.ids import AppName
from headway.model.view import AppView, EnvironmentView, MemberView
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


def apps_page(views: list[AppView], after: str) -> AppsPage:
    """Make the list behind a name."""
    rest = [view for view in views if view.name > after]
    more = rest[_SHOWN - 1].name if len(rest) > _SHOWN else None
    return AppsPage(apps=tuple(rest[:_SHOWN]), after=more, total=len(views))


def app_page(view: AppView, everything: list[AppView], there: list[EnvironmentView]) -> AppPage:
    """Make the page of one app."""
    return AppPage(
        app=view,
        members=tuple(
            member for owner in there for member in owner.members if member.app == view.name
        ),
        needed_by=tuple(one.name for one in everything if view.name in one.dependencies),
    )


async def _see_all(ask: Ask) -> AppsPage:
    return apps_page(await apps.listing(ask.world), ask.query.get("after", ""))


async def _see(ask: Ask) -> AppPage:
    view = await apps.one(ask.world, ask.names["app"])
    there = [await environments.one(ask.world, name) for name in view.environments]
    return app_page(view, await apps.listing(ask.world), there)


OFFERS = (Page("/apps", "apps.html", _see_all), Page("/apps/{app}", "app.html", _see))
