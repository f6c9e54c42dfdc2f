"""Now: only what is wrong or moving."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from headway.calculate.not_kept import not_kept_lately
from headway.control import glance, standings
from headway.control.glance import AwayNode, RunFigures, Stranded
from headway.model.deployment import Deployment
from headway.model.figures import EVERYTHING, FiguresView
from headway.model.ids import AppName, EnvironmentName, environment_name
from headway.model.node import NodeState
from headway.model.value import Value
from headway.model.view.run import FailedRuns
from headway.model.view.standing import QUIET, EnvironmentStanding, MemberState, Standing
from headway.web.lately import small, sparks
from headway.web.page import Ask, Page, View
from headway.web.pages.environments import MOVING
from headway.web.pictures.spark import Spark

_WRONG = (MemberState.FAILED, MemberState.DEGRADED, MemberState.STUCK)
"""The worst first."""
_STILL = frozenset({*_WRONG, *QUIET})
_SOON = timedelta(hours=1)
_SHOWN_MAX = 100
_NO_RUNS = RunFigures()


class Trouble(Value, kw_only=True):
    """A loop of headway's own that fails."""

    loop: str
    at: datetime
    error: str


class Concern(Value, kw_only=True):
    """An app in an environment that is not as it should be, or is on its way."""

    environment: EnvironmentName
    app: AppName
    state: MemberState
    because: str
    deployment: Deployment | None = None
    since: datetime | None = None


class NotKept(Value, kw_only=True):
    """A deployment that failed lately, and the app that goes on without it."""

    environment: EnvironmentName
    deployment: Deployment


class Ending(Value, kw_only=True):
    """An environment whose lease ends soon."""

    environment: EnvironmentName
    holder: str
    until: datetime


class NowPage(View, kw_only=True):
    """What needs a look."""

    apps: int
    healthy: int
    environments: int
    nodes: int
    nodes_ready: int
    runs: RunFigures = RunFigures()
    lately: FiguresView | None = None
    away: tuple[AwayNode, ...] = ()
    """Nodes that do not take containers."""
    troubles: tuple[Trouble, ...] = ()
    wrong: tuple[Concern, ...] = ()
    never: tuple[Stranded, ...] = ()
    """Runs that can never start."""
    failed: tuple[FailedRuns, ...] = ()
    """Runs that failed lately and are not on the dead-letter list, by job."""
    moving: tuple[Concern, ...] = ()
    not_kept: tuple[NotKept, ...] = ()
    """The last deployment of an app that serves nevertheless, the newest first."""
    ending: tuple[Ending, ...] = ()
    more: int = 0
    """So many further concerns are not shown."""

    @property
    def title(self) -> str:
        """Its name, with how many things are wrong."""
        lost = sum(one.node.state is NodeState.LOST for one in self.away)
        failed = sum(not one.is_well for one in self.failed)
        wrong = len(self.wrong) + len(self.never) + len(self.troubles) + lost + failed
        return f"Now ({wrong} wrong)" if wrong else "Now"

    @property
    def sparks(self) -> tuple[Spark, ...]:
        """What was measured lately, as it is drawn; nothing where nothing was."""
        drawn = () if self.lately is None else sparks(self.lately)
        return drawn if any(row.is_measured for row in drawn) else ()

    @property
    def is_moving(self) -> bool:
        """Whether something is on its way."""
        return any(row.state in MOVING for row in (*self.wrong, *self.moving))


def now_page(
    views: list[EnvironmentStanding],
    troubles: Mapping[str, tuple[datetime, str]],
    now: datetime,
    *,
    nodes: int = 0,
    away: Sequence[AwayNode] = (),
    runs: RunFigures = _NO_RUNS,
    never: Sequence[Stranded] = (),
) -> NowPage:
    """Make the page: what is wrong, worst first, then what moves, then what ends soon."""
    members = [member for view in views for member in view.members]
    wrong = [_concern(one) for one in members if one.state in _WRONG]
    moving = [_concern(one) for one in members if one.state not in _STILL]
    wrong.sort(key=lambda one: (_WRONG.index(one.state), one.environment, one.app))
    moving.sort(key=lambda one: (one.since is None, one.since, one.app))
    return NowPage(
        apps=len(members),
        healthy=sum(one.state is MemberState.HEALTHY for one in members),
        environments=len(views),
        nodes=nodes,
        nodes_ready=nodes - len(away),
        runs=runs,
        away=tuple(away[:_SHOWN_MAX]),
        troubles=tuple(
            Trouble(loop=loop, at=at, error=error) for loop, (at, error) in sorted(troubles.items())
        ),
        wrong=tuple(wrong[:_SHOWN_MAX]),
        never=tuple(never[:_SHOWN_MAX]),
        moving=tuple(moving[:_SHOWN_MAX]),
        not_kept=_not_kept(members, now),
        ending=tuple(
            Ending(environment=view.name, holder=view.lease.holder, until=view.lease.until)
            for view in sorted(views, key=lambda view: (view.lease.until is None, view.lease.until))
            if view.lease.until is not None and view.lease.until - now < _SOON
        ),
        more=sum(max(0, len(rows) - _SHOWN_MAX) for rows in (wrong, never, moving, away)),
    )


def _not_kept(members: list[Standing], now: datetime) -> tuple[NotKept, ...]:
    found = not_kept_lately((one.deployment for one in members), now)
    return tuple(
        NotKept(environment=environment_name(row.environment), deployment=row)
        for row in found[:_SHOWN_MAX]
    )


def _concern(one: Standing) -> Concern:
    moves = one.deployment is not None and not one.deployment.is_ended
    return Concern(
        environment=one.environment,
        app=one.app,
        state=one.state,
        because=one.because,
        deployment=one.deployment if moves else None,
        since=one.deployment.created_at if one.deployment is not None and moves else None,
    )


async def _see(ask: Ask) -> NowPage:
    views = await standings.listing(ask.world)
    runs = await glance.run_figures(ask.world, ask.heart.dispatch)
    away = glance.away(ask.world)
    page = now_page(
        views,
        ask.world.troubles,
        ask.now,
        nodes=len(ask.world.nodes),
        away=away,
        runs=runs,
        never=glance.stranded(ask.heart.dispatch),
    )
    failed = await glance.failed(ask.world, ask.heart.dispatch)
    return msgspec.structs.replace(
        page,
        failed=failed[:_SHOWN_MAX],
        more=page.more + max(0, len(failed) - _SHOWN_MAX),
        lately=small(ask, EVERYTHING),
    )


OFFERS = (Page("/", "now.html", _see),)
