"""One deployment: what it did and does, what probes answered, why it ended as it did."""

from headway.control import deployments, permission
from headway.control.queries import logs, stories
from headway.control.requests import LogQuestion
from headway.model.deployment import Ask as Wish
from headway.model.deployment import Deployment
from headway.model.ids import environment_name
from headway.model.role import Deed
from headway.model.story import DeploymentStory
from headway.model.view.change import Started
from headway.model.view.log import LogEntry
from headway.web import links
from headway.web.commands import command
from headway.web.page import Act, Ask, Crumb, Page, Plan, View
from headway.web.traffic import ReleaseShare, shares

_TAIL = 12


class DeploymentPage(View, kw_only=True):
    """One deployment."""

    story: DeploymentStory
    traffic: tuple[ReleaseShare, ...] = ()
    log: tuple[LogEntry, ...] = ()
    """The last lines of its containers, while it is under way."""

    @property
    def row(self) -> Deployment:
        """The deployment itself."""
        return self.story.deployment

    @property
    def title(self) -> str:
        """What was moved, and its number."""
        return f"{self.row.app} #{self.row.number}"

    @property
    def crumbs(self) -> tuple[Crumb, ...]:
        """The way to it."""
        owner, app = self.story.environment, self.row.app
        return (
            Crumb("Environments", "/envs"),
            Crumb(owner, links.environment(owner)),
            Crumb(app, links.member(owner, app)),
        )

    @property
    def is_moving(self) -> bool:
        """Whether it is under way."""
        return not self.row.is_ended

    @property
    def can_roll_back(self) -> bool:
        """Whether the app can go back to what served before this deployment."""
        return (
            self.story.is_there
            and self.row.is_ended
            and self.row.previous is not None
            and self.row.release == self.story.live
            and self.row.previous != self.story.live
        )


async def _see(ask: Ask) -> DeploymentPage:
    told = await stories.story(ask.world, ask.names["deployment"])
    row = told.deployment
    if row.is_ended:
        return DeploymentPage(story=told)
    view = await ask.world.router.view()
    routes = ask.heart.routing.applied.routes
    return DeploymentPage(
        story=told,
        traffic=shares(routes, view.traffic, row.environment, row.app),
        log=await _tail(ask, told),
    )


async def _tail(ask: Ask, told: DeploymentStory) -> tuple[LogEntry, ...]:
    own = tuple(one.id for one in told.containers)
    if not own or not told.is_there:
        return ()
    question = LogQuestion(containers=own[-5:], tail=_TAIL)
    lines = await logs.merged(ask.world, told.environment, question)
    return tuple([line async for line in lines])


async def _on(ask: Ask) -> Deed:
    return await permission.on_deployment(ask.world, ask.names["deployment"])


def _wish(wish: Wish, verb: str, sentence: str) -> Act:
    async def see(ask: Ask) -> Plan:
        row = await deployments.one(ask.world, ask.names["deployment"])
        owner = environment_name(row.environment)
        return Plan(
            what=f"{verb} {row.app} #{row.number} in {owner}",
            verb=verb,
            sentence=sentence,
            back=links.deployment(row.id),
            command=command(wish.value, row.id),
        )

    async def rehearse(ask: Ask) -> Started:
        identity = ask.names["deployment"]
        return await deployments.rehearse_ask(ask.world, ask.actor, identity, wish)

    async def do(ask: Ask) -> str:
        row = await deployments.ask(ask.world, ask.actor, ask.names["deployment"], wish)
        return links.deployment(row.id)

    return Act("/deployments/{deployment}/" + wish.value, _on, see, do, rehearse)


OFFERS = (
    Page("/deployments/{deployment}", "deployment.html", _see),
    _wish(Wish.PROMOTE, "Promote", "The new release takes all requests; the old one drains."),
    _wish(Wish.ABORT, "Abort", "The new release is taken away, and what served before serves all."),
)
