"""One queue: what waits and runs now, and how that was lately."""

from headway.model.view.queue import QueueView
from headway.web import links
from headway.web.lately import Lately, lately, of_app
from headway.web.page import Ask, Crumb, Page, View
from headway.web.pages.queues import PATH, is_held, queue_of


class QueuePage(View, kw_only=True):
    """One queue."""

    view: QueueView
    lately: Lately | None = None

    @property
    def title(self) -> str:
        """Its name."""
        return self.view.queue.name

    @property
    def crumbs(self) -> tuple[Crumb, ...]:
        """The way to it."""
        owner, app = self.view.environment, self.view.app
        return (
            Crumb("Queues", "/queues"),
            Crumb(owner, links.environment(owner)),
            Crumb(app, links.member(owner, app)),
        )

    @property
    def is_moving(self) -> bool:
        """Whether something waits: how long it has waited is told by no event."""
        return self.view.waiting > 0

    @property
    def is_held(self) -> bool:
        """Whether somebody has paused or drained it."""
        return is_held(self.view)


async def _see(ask: Ask) -> QueuePage:
    view = await queue_of(ask)
    names = {"environment": view.environment, "app": view.app, "queue": view.queue.name}
    subject = await of_app(ask, view.environment, view.app, queue=view.queue.name)
    return QueuePage(view=view, lately=lately(ask, subject, **names))


OFFERS = (Page(PATH, "queue.html", _see),)
