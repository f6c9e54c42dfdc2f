"""Queues: what runs, what waits and for how long, and what people said of them."""

from headway.control import permission
from headway.control.errors import NotFound
from headway.control.requests import HoldRequest
from headway.control.runs import queues
from headway.formats.units import counted
from headway.model.role import Deed
from headway.model.view.queue import QueueView
from headway.web import links
from headway.web.commands import command, why
from headway.web.page import Act, Ask, Crumb, Page, Plan, View, reason

_SHOWN_MAX = 100
PATH = "/queues/{environment}/{app}/{queue}"
"""Of one queue."""


class QueuesPage(View, kw_only=True):
    """Queues, those first that need a look."""

    rows: tuple[QueueView, ...]
    more: int = 0
    """So many are not shown."""
    environment: str | None = None
    """Only those of this one."""

    @property
    def title(self) -> str:
        """Its name."""
        return f"Queues of {self.environment}" if self.environment else "Queues"

    @property
    def crumbs(self) -> tuple[Crumb, ...]:
        """The way to it."""
        return (Crumb("Queues", "/queues"),) if self.environment else ()

    @property
    def is_moving(self) -> bool:
        """Whether something waits: how long it has waited is told by no event."""
        return any(row.waiting for row in self.rows)


def queues_page(
    views: list[QueueView], environment: str | None = None, more: int = 0
) -> QueuesPage:
    """Make the page of some queues, in their order."""
    return QueuesPage(rows=tuple(views), more=more, environment=environment)


def is_held(view: QueueView) -> bool:
    """Whether somebody has paused or drained a queue."""
    return view.hold is not None and (view.hold.paused or view.hold.draining)


async def _see(ask: Ask) -> QueuesPage:
    environment = ask.query.get("environment") or None
    views, count = await queues.first(ask.world, ask.heart.dispatch, environment, _SHOWN_MAX)
    return queues_page(views, environment, more=count - len(views))


async def queue_of(ask: Ask) -> QueueView:
    """Give the queue that an address names.

    Raises:
        NotFound: There is none of this name.
    """
    names = ask.names
    for view in await queues.listing(ask.world, ask.heart.dispatch, names["environment"]):
        if (view.app, view.queue.name) == (names["app"], names["queue"]):
            return view
    raise NotFound(
        "queue-unknown",
        f"{names['app']} has no queue {names['queue']} in {names['environment']}",
        next=(f"headway queues ls -e {names['environment']}",),
    )


async def _on(ask: Ask) -> Deed:
    return await permission.on_apps(ask.world, ask.names["app"])


def _hold(verb: str, sentence: str, *, paused: bool = False, draining: bool = False) -> Act:
    async def see(ask: Ask) -> Plan:
        view = await queue_of(ask)
        name = f"{view.app}/{view.queue.name}"
        there = f"{counted(view.waiting, 'run')} waiting, {counted(view.running, 'run')} under way"
        return Plan(
            what=f"{verb.capitalize()} queue {name} in {view.environment}",
            verb=verb.capitalize(),
            sentence=f"{sentence} Now: {there}.",
            fields=(reason(ask),) if paused or draining else (),
            back=links.queue(view.environment, view.app, view.queue.name),
            command=command(
                f"queues {verb}", name, options={"-e": view.environment, **why(ask.query)}
            ),
        )

    async def do(ask: Ask) -> str:
        view = await queue_of(ask)
        request = HoldRequest(
            environment=view.environment,
            app=view.app,
            queue=view.queue.name,
            paused=paused,
            draining=draining,
            reason=ask.query.get("reason", ""),
        )
        await queues.hold(ask.world, ask.heart.dispatch, ask.actor, request)
        return links.queue(view.environment, view.app, view.queue.name)

    return Act(f"{PATH}/{verb}", _on, see, do)


OFFERS = (
    Page("/queues", "queues.html", _see),
    _hold("pause", "Nothing of it starts until it is resumed. What runs goes on.", paused=True),
    _hold("drain", "It takes no new runs. What waits still runs.", draining=True),
    _hold("resume", "It takes runs, and starts them in their turn."),
)
