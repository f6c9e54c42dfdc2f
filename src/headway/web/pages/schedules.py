"""Schedules: what runs by the clock, when next, and what became of the last time."""

import msgspec

from headway.control import permission
from headway.control.errors import NotFound
from headway.control.runs import schedules
from headway.model.role import Deed
from headway.model.view.schedule import ScheduleView
from headway.web import links
from headway.web.commands import command
from headway.web.page import Act, Ask, Crumb, Page, Plan, View
from headway.web.pictures.strip import TIMES_MAX

_SHOWN_MAX = 100
_DRAWN_MAX = 40
_LISTED = 5
_PATH = "/schedules/{environment}/{app}/{schedule}"


class SchedulesPage(View, kw_only=True):
    """Schedules, the next first."""

    rows: tuple[ScheduleView, ...]
    more: int = 0
    """So many are not shown."""
    environment: str | None = None
    """Only those of this one."""

    @property
    def title(self) -> str:
        """Its name."""
        return f"Schedules of {self.environment}" if self.environment else "Schedules"

    @property
    def crumbs(self) -> tuple[Crumb, ...]:
        """The way to it."""
        return (Crumb("Schedules", "/schedules"),) if self.environment else ()

    @property
    def drawn(self) -> tuple[ScheduleView, ...]:
        """Those that are in the picture."""
        return self.rows[:_DRAWN_MAX]


def schedules_page(views: list[ScheduleView], environment: str | None = None) -> SchedulesPage:
    """Make the page: by the next time; those without one come last."""
    live = [view for view in views if view.state.live]
    rows = sorted(live, key=_rank)
    return SchedulesPage(
        rows=tuple(rows[:_SHOWN_MAX]),
        more=max(0, len(rows) - _SHOWN_MAX),
        environment=environment,
    )


def _rank(view: ScheduleView) -> tuple[float, str, str, str]:
    first = view.next[0].timestamp() if view.next else float("inf")
    return first, view.environment, view.state.app, view.state.name


async def _see(ask: Ask) -> SchedulesPage:
    environment = ask.query.get("environment") or None
    return schedules_page(await schedules.listing(ask.world, environment, TIMES_MAX), environment)


async def _on(ask: Ask) -> Deed:
    return await permission.on_apps(ask.world, ask.names["app"])


async def _view(ask: Ask) -> ScheduleView:
    names = ask.names
    for view in await schedules.listing(ask.world, names["environment"], _LISTED):
        if (view.state.app, view.state.name) == (names["app"], names["schedule"]):
            return view
    raise NotFound(
        "schedule-unknown",
        f"{names['app']} has no schedule {names['schedule']} in {names['environment']}",
        next=(f"headway schedules ls -e {names['environment']}",),
    )


def _turn(verb: str, sentence: str) -> Act:
    async def see(ask: Ask) -> Plan:
        view = await _view(ask)
        state = view.state
        return Plan(
            what=f"{verb.capitalize()} schedule {state.name} of {state.app} in {view.environment}",
            verb=verb.capitalize(),
            sentence=f"{sentence} It runs {state.schedule.job} at {state.schedule.cron} "
            f"{state.schedule.timezone}.",
            back="/schedules",
            command=command(
                f"schedules {verb}",
                f"{state.app}/{state.name}",
                options={"-e": view.environment},
            ),
        )

    async def do(ask: Ask) -> str:
        names = ask.names
        deed = schedules.pause if verb == "pause" else schedules.resume
        name = f"{names['app']}/{names['schedule']}"
        await deed(ask.world, ask.heart.schedules, ask.actor, names["environment"], name)
        return links.query("/schedules", environment=names["environment"])

    return Act(f"{_PATH}/{verb}", _on, see, do)


async def _see_run(ask: Ask) -> Plan:
    view = await _view(ask)
    state, declared = view.state, view.state.schedule
    given = msgspec.json.encode(declared.parameters).decode() if declared.parameters else ""
    return Plan(
        what=f"Run schedule {state.name} of {state.app} in {view.environment} now",
        verb="Run it now",
        sentence=f"It makes a run of {declared.job}{f' with {given}' if given else ''}. "
        "Its times stay as they are, and other schedules do not wait for this run.",
        back=links.job(view.environment, state.app, declared.job),
        command=command(
            "schedules run", f"{state.app}/{state.name}", options={"-e": view.environment}
        ),
    )


async def _run(ask: Ask) -> str:
    names = ask.names
    name = f"{names['app']}/{names['schedule']}"
    made = await schedules.run(ask.world, ask.heart.dispatch, ask.actor, names["environment"], name)
    return links.run(made.id)


OFFERS = (
    Page("/schedules", "schedules.html", _see),
    Act(f"{_PATH}/run", _on, _see_run, _run),
    _turn("pause", "No time of it makes a run until it is resumed."),
    _turn("resume", "It goes on with its next time; those that passed meanwhile make no runs."),
)
