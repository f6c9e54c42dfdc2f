"""Environments: the list."""

from datetime import datetime

from headway.control import standings
from headway.control.environments import past
from headway.model.environment import EnvironmentState
from headway.model.ids import AppName, EnvironmentName
from headway.model.past import Life
from headway.model.value import Value
from headway.model.view.standing import EnvironmentStanding, MemberState
from headway.web.page import Ask, Page, View

_ENDED = "ended"
_LIVES = 100
_SHOWN_MAX = 100
WORST_FIRST = (
    MemberState.FAILED,
    MemberState.DEGRADED,
    MemberState.STUCK,
    MemberState.REVERTING,
    MemberState.PAUSED,
    MemberState.BUILDING,
    MemberState.STARTING,
    MemberState.PROBING,
    MemberState.WAITING,
    MemberState.QUEUED,
    MemberState.HEALTHY,
    MemberState.STOPPED,
)


MOVING = frozenset(
    {MemberState.STARTING, MemberState.PROBING, MemberState.STUCK, MemberState.REVERTING}
)
"""While health checks answer, and room is looked for, which no event tells of."""


class Share(Value, kw_only=True):
    """So many members are in one state."""

    state: str
    count: int


class EnvironmentRow(Value, kw_only=True):
    """An environment in a line."""

    name: EnvironmentName
    state: str
    """That of the member that does worst, or that the environment itself ends."""
    because: str = ""
    shares: tuple[Share, ...] = ()
    members: tuple[AppName, ...] = ()
    holder: str
    until: datetime | None
    created_at: datetime
    created_by: str


class EnvironmentsPage(View, kw_only=True):
    """All environments that have not ended, those first that need a look."""

    rows: tuple[EnvironmentRow, ...]
    more: int = 0
    """So many are not shown."""
    show: str = ""
    """`ended`: those that have ended instead."""
    ended: tuple[Life, ...] = ()

    @property
    def title(self) -> str:
        """Its name."""
        return "Environments"


def environments_page(views: list[EnvironmentStanding]) -> EnvironmentsPage:
    """Make the page: what does worst comes first, then by name."""
    rows = sorted((_row(view) for view in views), key=lambda row: (_rank(row.state), row.name))
    return EnvironmentsPage(rows=tuple(rows[:_SHOWN_MAX]), more=max(0, len(rows) - _SHOWN_MAX))


def worst(states: list[MemberState]) -> MemberState | None:
    """Give the state that needs a look most.

    >>> worst([MemberState.HEALTHY, MemberState.PROBING]).value
    'probing'
    """
    return min(states, key=WORST_FIRST.index, default=None)


def _rank(state: str) -> int:
    return next((rank for rank, one in enumerate(WORST_FIRST) if one == state), -1)


def _row(view: EnvironmentStanding) -> EnvironmentRow:
    states = [member.state for member in view.members]
    bad = worst(states)
    state = view.state.value if view.state is not EnvironmentState.ACTIVE or bad is None else bad
    because = next((f"{one.app}: {one.because}" for one in view.members if one.state is bad), "")
    return EnvironmentRow(
        name=view.name,
        state=state,
        because=view.because or ("" if bad is MemberState.HEALTHY else because),
        shares=tuple(
            Share(state=one.value, count=states.count(one)) for one in WORST_FIRST if one in states
        ),
        members=tuple(member.app for member in view.members),
        holder=view.lease.holder,
        until=view.lease.until,
        created_at=view.created_at,
        created_by=view.created_by,
    )


async def _see(ask: Ask) -> EnvironmentsPage:
    if ask.query.get("show") == _ENDED:
        lives = await past.listing(ask.world, _LIVES)
        return EnvironmentsPage(rows=(), show=_ENDED, ended=tuple(lives))
    return environments_page(await standings.listing(ask.world))


OFFERS = (Page("/envs", "environments.html", _see),)
