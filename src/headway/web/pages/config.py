"""Config of an app in an environment: what is set, who changed it, and each of its versions."""

from headway.control import deployments
from headway.control.config import config, config_history
from headway.control.errors import HeadwayError, NotFound
from headway.model.config import ConfigChange
from headway.model.ids import AppName, EnvironmentName
from headway.model.view.config import ConfigVersion, ConfigView
from headway.model.view.difference import ConfigDifference
from headway.model.view.release import ReleaseView
from headway.web import links
from headway.web.page import Ask, Crumb, Page, View
from headway.web.typed import number

_CHANGES = 50
_PATH = "/envs/{environment}/apps/{app}/config"


class ConfigPage(View, kw_only=True):
    """The config as it is now."""

    config: ConfigView
    history: tuple[ConfigChange, ...]
    """The newest first."""
    older: int = 0
    """So many changes are not shown."""
    releases: tuple[ReleaseView, ...] = ()
    asked: tuple[int, int] | None = None
    """Two releases that are compared."""
    differences: tuple[ConfigDifference, ...] = ()

    @property
    def title(self) -> str:
        """Its name."""
        return "Config"

    @property
    def crumbs(self) -> tuple[Crumb, ...]:
        """The way to it."""
        return crumbs(self.config.environment, self.config.app)

    @property
    def compared(self) -> tuple[int, int] | None:
        """The releases that are compared, or that may be: the last two."""
        if self.asked is not None or len(self.releases) < 2:
            return self.asked
        return self.releases[1].number, self.releases[0].number


class ConfigVersionPage(View, kw_only=True):
    """The config as one change left it."""

    version: ConfigVersion

    @property
    def title(self) -> str:
        """Its number."""
        return str(self.version.change.number)

    @property
    def crumbs(self) -> tuple[Crumb, ...]:
        """The way to it."""
        owner, app = self.version.environment, self.version.app
        return (*crumbs(owner, app), Crumb("Config", links.config(owner, app)))

    @property
    def is_last(self) -> bool:
        """Whether nothing was changed since."""
        return self.version.change.number == self.version.last


def crumbs(owner: EnvironmentName, app: AppName) -> tuple[Crumb, ...]:
    """Give the way to what is of an app in an environment."""
    return (
        Crumb("Environments", "/envs"),
        Crumb(owner, links.environment(owner)),
        Crumb(app, links.member(owner, app)),
    )


async def _see(ask: Ask) -> ConfigPage:
    owner, app = ask.names["environment"], ask.names["app"]
    view = await config.show(ask.world, owner, app, reveal=True)
    history = await config_history.history(ask.world, owner, app)
    asked = _asked(ask)
    return ConfigPage(
        config=view,
        history=tuple(history[:_CHANGES]),
        older=max(0, len(history) - _CHANGES),
        releases=await _releases(ask, owner, app),
        asked=asked,
        differences=tuple(await config_history.diff(ask.world, owner, app, *asked))
        if asked
        else (),
    )


def _asked(ask: Ask) -> tuple[int, int] | None:
    before, after = (ask.query.get(name, "").removeprefix("v") for name in ("from", "to"))
    if not before and not after:
        return None
    return number(before, "a release"), number(after, "a release")


async def _releases(ask: Ask, owner: str, app: str) -> tuple[ReleaseView, ...]:
    try:
        return tuple(await deployments.releases(ask.world, owner, app))
    except NotFound:  # config may be set before an app is started
        return ()


async def shown(ask: Ask, owner: EnvironmentName, app: AppName) -> ConfigView | None:
    """Give the config of an app whose source is still known."""
    try:
        return await config.show(ask.world, owner, app, reveal=True)
    except HeadwayError:
        return None


async def _see_version(ask: Ask) -> ConfigVersionPage:
    owner, app = ask.names["environment"], ask.names["app"]
    wanted = number(ask.names["number"], "a change")
    return ConfigVersionPage(version=await config_history.version(ask.world, owner, app, wanted))


OFFERS = (
    Page(_PATH, "config.html", _see),
    Page(f"{_PATH}/{{number}}", "config_version.html", _see_version),
)
