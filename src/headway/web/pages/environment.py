"""One environment: what is in it, what needs what, how long it is held."""

from datetime import datetime

from headway.control.environments import environments
from headway.control.queries import events
from headway.model.deployment import Deployment
from headway.model.event import Event
from headway.model.happening import Happening, happenings
from headway.model.ids import AppName, EnvironmentName, LeaseId
from headway.model.value import Value
from headway.model.view.environment import EnvironmentView, MemberView
from headway.model.view.standing import MemberState
from headway.web.page import Ask, Crumb, Page, View
from headway.web.pages.environments import MOVING, WORST_FIRST

_EVENTS, _LOOKED_AT = 12, 300


class MemberRow(Value, kw_only=True):
    """An app of the environment in a line."""

    app: AppName
    state: MemberState
    because: str
    live: int | None
    healthy: int
    wanted: int
    urls: tuple[str, ...]
    needs: tuple[AppName, ...]
    deployment: Deployment | None
    """The one under way, else the last."""


class EnvironmentPage(View, kw_only=True):
    """One environment."""

    name: EnvironmentName
    state: str
    because: str
    holder: str
    until: datetime | None
    under: LeaseId | None
    created_at: datetime
    created_by: str
    members: tuple[MemberRow, ...]
    happened: tuple[Happening, ...] = ()
    """To its apps, the newest first. Runs have pages of their own, and would drown all else."""

    @property
    def title(self) -> str:
        """Its name."""
        return self.name

    @property
    def crumbs(self) -> tuple[Crumb, ...]:
        """The way to it."""
        return (Crumb("Environments", "/envs"),)

    @property
    def is_moving(self) -> bool:
        """Whether an app in it is on its way."""
        return any(row.state in MOVING for row in self.members)


def environment_page(view: EnvironmentView, newest: list[Event]) -> EnvironmentPage:
    """Make the page: apps that need a look come first, then by name."""
    rows = sorted(
        (_row(member) for member in view.members),
        key=lambda row: (WORST_FIRST.index(row.state), row.app),
    )
    return EnvironmentPage(
        name=view.name,
        state=view.state.value,
        because=view.because,
        holder=view.lease.holder,
        until=view.lease.until,
        under=view.under,
        created_at=view.created_at,
        created_by=view.created_by,
        members=tuple(rows),
        happened=happenings(
            (event for event in newest if not event.kind.startswith("run.")), _EVENTS
        ),
    )


def _row(member: MemberView) -> MemberRow:
    return MemberRow(
        app=member.app,
        state=member.state,
        because=member.because,
        live=member.live,
        healthy=member.healthy,
        wanted=member.wanted,
        urls=member.urls,
        needs=member.dependencies,
        deployment=member.deployment,
    )


async def _see(ask: Ask) -> EnvironmentPage:
    name = ask.names["environment"]
    view = await environments.one(ask.world, name)
    newest = await events.page(ask.world, environment=name, limit=_LOOKED_AT, newest_first=True)
    return environment_page(view, newest)


OFFERS = (Page("/envs/{environment}", "environment.html", _see),)
