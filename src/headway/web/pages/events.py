"""Events: who did what, when and why; and the reasons of one thing."""

from headway.control.errors import Invalid
from headway.control.queries import events, why
from headway.model.event import Event
from headway.model.happening import Happening
from headway.model.view.why import Why
from headway.web import links
from headway.web.page import Ask, Crumb, Page, View

_SHOWN = 100


class EventsPage(View, kw_only=True):
    """The event log, the newest first."""

    events: tuple[Event, ...]
    environment: str = ""
    app: str = ""
    subject: str = ""
    actor: str = ""
    """`people` leaves out what headway did by itself."""
    before: int | None = None
    """Behind which sequence there are older ones."""

    @property
    def title(self) -> str:
        """Its name."""
        return "Events"

    @property
    def older(self) -> str:
        """Where the older ones are."""
        if self.before is None:
            return ""
        return links.query(
            "/events",
            environment=self.environment or None,
            app=self.app or None,
            subject=self.subject or None,
            actor=self.actor or None,
            before=self.before,
        )


class WhyPage(View, kw_only=True):
    """Why something is as it is."""

    why: Why
    environment: str = ""

    @property
    def happened(self) -> tuple[Happening, ...]:
        """What led here, the oldest first; what happened again and again where it did last."""
        return self.why.happened

    @property
    def title(self) -> str:
        """The question."""
        return f"Why {self.why.thing}"

    @property
    def crumbs(self) -> tuple[Crumb, ...]:
        """The way to it."""
        return (Crumb("Events", "/events"),)


async def _see(ask: Ask) -> EventsPage:
    said = {name: ask.query.get(name, "") for name in ("environment", "app", "subject", "actor")}
    before = ask.query.get("before", "")
    found = await events.older(
        ask.world,
        before=int(before) if before.isascii() and before.isdigit() and len(before) < 19 else None,
        environment=said["environment"] or None,
        app=said["app"] or None,
        subject=said["subject"] or None,
        by_people=said["actor"] == "people",
        limit=_SHOWN,
    )
    return EventsPage(events=tuple(found.events), before=found.before, **said)


async def _see_why(ask: Ask) -> View:
    thing, owner = ask.query.get("thing", ""), ask.query.get("environment", "")
    if not thing:
        hint = "the name or id of a thing, as in /why?thing=web"
        raise Invalid("thing-missing", "it is not said of what the reasons are asked", hint=hint)
    found = await why.explain(ask.world, ask.heart.dispatch, thing, owner or None)
    return WhyPage(why=found, environment=owner)


OFFERS = (Page("/events", "events.html", _see), Page("/why", "why.html", _see_why))
