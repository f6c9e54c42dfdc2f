"""An app in an environment: what is live, what runs, how it is set, what became of it."""

from collections.abc import Sequence

import msgspec

from headway.control import deployments
from headway.control.environments import environments
from headway.control.queries import logs
from headway.control.requests import LogQuestion
from headway.model.container import Container, ContainerState
from headway.model.deployment import NOT_KEPT, Deployment
from headway.model.view.config import ConfigView
from headway.model.view.environment import MemberView
from headway.model.view.log import LogEntry
from headway.model.view.release import ReleaseView
from headway.model.view.standing import MemberState
from headway.web import links
from headway.web.lately import Lately, lately, of_app
from headway.web.page import Ask, Crumb, Page, View
from headway.web.pages.config import shown
from headway.web.pages.environments import MOVING
from headway.web.traffic import ReleaseShare, shares

_DEPLOYMENTS = 10
_RELEASES = 10
_OUTCOMES = 50
"""Deployments among which is looked for what became of the releases."""
_TAIL = 8
_FIRST = 20
_OTHERS_MAX = 180
_CALM = {ContainerState.UNHEALTHY: 0, ContainerState.HEALTHY: 2}
"""Of those that run; the rest are on their way."""


class MemberPage(View, kw_only=True):
    """One app in one environment."""

    member: MemberView
    traffic: tuple[ReleaseShare, ...] = ()
    containers: tuple[Container, ...] = ()
    """Those that are not over first, then the newest."""
    config: ConfigView | None = None
    releases: tuple[ReleaseView, ...] = ()
    lately: Lately | None = None
    deployments: tuple[Deployment, ...] = ()
    not_kept: dict[int, Deployment] = msgspec.field(default_factory=dict)
    """The last deployment of each release that failed or was rolled back, by its number."""
    older: str | None = None
    """Behind which deployment there are more."""
    log: tuple[LogEntry, ...] = ()
    """The last lines of the copy to look at, while the app does not do as it should."""

    @property
    def title(self) -> str:
        """The app's name."""
        return self.member.app

    @property
    def crumbs(self) -> tuple[Crumb, ...]:
        """The way to it."""
        owner = self.member.environment
        return (Crumb("Environments", "/envs"), Crumb(owner, links.environment(owner)))

    @property
    def first(self) -> tuple[Container, ...]:
        """The containers that are shown, in order: of many, those that need a look most."""
        worst = sorted(self.containers, key=_calm)[:_FIRST]
        chosen = {row.id for row in worst}
        return tuple(row for row in self.containers if row.id in chosen)

    @property
    def others(self) -> tuple[Container, ...]:
        """Those that are shown when asked."""
        first = {row.id for row in self.first}
        return tuple(row for row in self.containers if row.id not in first)[:_OTHERS_MAX]

    @property
    def more(self) -> int:
        """So many containers are not shown."""
        return max(0, len(self.containers) - _FIRST - _OTHERS_MAX)

    @property
    def is_moving(self) -> bool:
        """Whether it is on its way."""
        return self.member.state in MOVING

    @property
    def before(self) -> int | None:
        """The release to go back to: the newest that is older than the live one."""
        older = [row.number for row in self.releases if row.number < (self.member.live or 0)]
        return max(older, default=None)


def not_kept(rows: Sequence[Deployment]) -> dict[int, Deployment]:
    """Find the releases whose last deployment failed or was rolled back.

    Args:
        rows: Deployments of an app, the newest first.
    """
    last: dict[int, Deployment] = {}
    for row in rows:
        if row.release and row.is_ended:
            last.setdefault(row.release, row)
    return {number: row for number, row in last.items() if row.phase in NOT_KEPT}


def containers_of(member: MemberView) -> tuple[Container, ...]:
    """Put containers in the order in which somebody looks for them."""
    return tuple(
        sorted(
            member.containers,
            key=lambda row: (row.is_ended, row.process, row.slot, -row.created_at.timestamp()),
        )
    )


def _calm(row: Container) -> int:
    """Say how little a container needs a look."""
    if row.is_ended:
        return 3 if row.exit is not None and row.exit.told else 0
    return _CALM.get(row.state, 1)


def to_blame(member: MemberView) -> Container | None:
    """Give the copy whose last lines tell what is wrong: what ended last, else what is not well."""
    if member.state not in (MemberState.FAILED, MemberState.DEGRADED):
        return None
    own = [row for row in member.containers if row.release == member.live]
    ended = [row for row in own if row.exit is not None]
    sick = [row for row in own if row.state is ContainerState.UNHEALTHY]
    return max(ended or sick, key=lambda row: row.created_at, default=None)


async def _tail(ask: Ask, member: MemberView) -> tuple[LogEntry, ...]:
    row = to_blame(member)
    if row is None:
        return ()
    question = LogQuestion(containers=(row.id,), tail=_TAIL)
    lines = await logs.merged(ask.world, member.environment, question)
    return tuple([line async for line in lines])


async def _see(ask: Ask) -> MemberPage:
    owner, app = ask.names["environment"], ask.names["app"]
    before = ask.query.get("before")
    member = await environments.member(ask.world, owner, app)
    page = await deployments.history(ask.world, owner, app, _DEPLOYMENTS, before)
    recent = await deployments.history(ask.world, owner, app, _OUTCOMES, None)
    releases = await deployments.releases(ask.world, owner, app)
    view = await ask.world.router.view()
    identity = member.deployment.environment if member.deployment else None
    routes = ask.heart.routing.applied.routes
    return MemberPage(
        member=member,
        traffic=shares(routes, view.traffic, identity, member.app) if identity else (),
        containers=containers_of(member),
        config=await shown(ask, member.environment, member.app),
        lately=await _lately(ask, member),
        releases=tuple(releases[:_RELEASES]),
        deployments=page.items,
        not_kept=not_kept(recent.items),
        older=page.next,
        log=await _tail(ask, member),
    )


async def _lately(ask: Ask, member: MemberView) -> Lately:
    names = {"environment": member.environment, "app": member.app}
    return lately(ask, await of_app(ask, member.environment, member.app), **names)


OFFERS = (Page("/envs/{environment}/apps/{app}", "member.html", _see),)
