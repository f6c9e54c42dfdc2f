"""One job: how its runs went, when it runs next, and a form to run it."""

from collections.abc import Sequence
from datetime import datetime
from statistics import quantiles

import msgspec

from headway.control import permission
from headway.control.requests import Invocation, RunQuestion
from headway.control.runs import jobs, runs, schedules
from headway.control.runs.invoking import invoke
from headway.model.figures import FiguresView
from headway.model.ids import RunId
from headway.model.role import Deed
from headway.model.run import Run, RunState
from headway.model.value import Value
from headway.model.view.job import JobView
from headway.model.view.schedule import ScheduleView
from headway.web import links
from headway.web.commands import begins, command
from headway.web.lately import of_app, small, sparks
from headway.web.moment import moment
from headway.web.page import Act, Ask, Crumb, Field, Page, Plan, View
from headway.web.parameters import fields_of, parameters_of, words_of
from headway.web.pictures.spark import Spark
from headway.web.times import clocks

_RUNS = 48
_NEXT = 5
_PATH = "/jobs/{environment}/{app}/{job}"


class Durations(Value, kw_only=True):
    """How long runs took that succeeded, and how many did."""

    median_s: float
    most_s: float
    """Nine of ten took no longer."""
    succeeded: int
    ended: int


class JobPage(View, kw_only=True):
    """One job."""

    view: JobView
    runs: tuple[Run, ...] = ()
    """The newest first."""
    waits: dict[RunId, str] = msgspec.field(default_factory=dict)
    """Why those of them wait that do."""
    lately: FiguresView | None = None
    durations: Durations | None = None
    schedules: tuple[ScheduleView, ...] = ()

    @property
    def title(self) -> str:
        """Its name."""
        return self.view.job.name

    @property
    def crumbs(self) -> tuple[Crumb, ...]:
        """The way to it."""
        owner, app = self.view.environment, self.view.app
        return (
            Crumb("Jobs", "/jobs"),
            Crumb(owner, links.environment(owner)),
            Crumb(app, links.member(owner, app)),
        )

    @property
    def sparks(self) -> tuple[Spark, ...]:
        """What waited and ran lately, as it is drawn."""
        return sparks(self.lately) if self.lately is not None else ()

    @property
    def is_moving(self) -> bool:
        """Whether runs wait or may begin: no event tells of that, nor why others wait now."""
        return bool(self.waits) or any(row.state is RunState.STARTING for row in self.runs)

    @property
    def next(self) -> tuple[tuple[str, datetime, str], ...]:
        """The next times: the schedule's name, the instant, and how it is told where it runs."""
        found = [
            (row.state.name, at, clocks(at, row.state.schedule.timezone))
            for row in self.schedules
            for at in row.next
        ]
        return tuple(sorted(found, key=lambda one: one[1])[:_NEXT])


def durations(rows: Sequence[Run]) -> Durations | None:
    """Sum up how runs went; None where none has succeeded."""
    ended = [row for row in rows if row.is_ended]
    good = [row for row in ended if row.state is RunState.SUCCEEDED]
    took = sorted(
        (attempt.ended_at - attempt.began_at).total_seconds()
        for row in good
        if (attempt := row.attempt) and attempt.began_at and attempt.ended_at
    )
    if not took:
        return None
    tenths = quantiles(took, n=10, method="inclusive") if len(took) > 1 else took * 9
    return Durations(
        median_s=round(tenths[4], 3),
        most_s=round(tenths[8], 3),
        succeeded=len(good),
        ended=len(ended),
    )


async def _view(ask: Ask) -> JobView:
    names = ask.names
    dispatch = ask.heart.dispatch
    return await jobs.one(ask.world, dispatch, names["environment"], names["job"], names["app"])


async def _see(ask: Ask) -> JobPage:
    view, dispatch = await _view(ask), ask.heart.dispatch
    question = RunQuestion(
        environment=view.environment, app=view.app, job=view.job.name, limit=_RUNS
    )
    found = await runs.page(ask.world, dispatch, question)
    rows = found.rows
    known = await schedules.listing(ask.world, view.environment, _NEXT)
    return JobPage(
        view=view,
        runs=rows,
        waits=found.waits,
        lately=small(ask, await of_app(ask, view.environment, view.app, job=view.job.name)),
        durations=durations(rows),
        schedules=tuple(
            one
            for one in known
            if (one.state.app, one.state.schedule.job) == (view.app, view.job.name)
        ),
    )


async def _on(ask: Ask) -> Deed:
    return await permission.on_apps(ask.world, ask.names["app"])


async def _see_invoke(ask: Ask) -> Plan:
    view = await _view(ask)
    job, owner = view.job, view.environment
    cpu, memory = job.resources.cpu, job.resources.memory_mib
    return Plan(
        what=f"Run {job.name} of {view.app} in {owner}",
        verb="Run it",
        sentence=(
            f"{job.doc.strip().partition(chr(10))[0]} "
            f"In queue {job.queue}, where {view.waiting} wait and {view.running} run. "
            f"It reserves {cpu:g} cores and {memory} MiB."
        ).strip(),
        fields=(
            *fields_of(job.parameters, {}, ask.query),
            Field(
                name="when",
                label="Not before",
                value=ask.query.get("when", ""),
                hint="empty is now; or a length of time such as 10m, or 2026-12-24T18:00Z",
            ),
        ),
        back=links.job(owner, view.app, job.name),
        command=command(
            "jobs invoke",
            f"{view.app}/{job.name}",
            *words_of(job.parameters, {}, ask.query),
            options={"-e": owner, "--at": begins(ask.query.get("when", ""), ask.now)},
        ),
    )


async def _invoke(ask: Ask) -> str:
    view = await _view(ask)
    wish = Invocation(
        id=RunId(ask.query["id"]) if ask.query.get("id") else None,
        parameters=msgspec.Raw(parameters_of(view.job.parameters, {}, ask.query)),
        at=moment(ask.query.get("when", ""), ask.now, ahead=True),
    )
    (row,) = await invoke(
        ask.world,
        ask.heart.dispatch,
        ask.actor,
        view.environment,
        view.job.name,
        [wish],
        app=view.app,
    )
    return links.run(row.id)


OFFERS = (
    Act(f"{_PATH}/invoke", _on, _see_invoke, _invoke),
    Page(_PATH, "job.html", _see),
)
