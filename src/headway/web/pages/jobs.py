"""Jobs: the list, those first whose last run went wrong."""

from collections.abc import Mapping

from headway.control.runs import jobs, runs
from headway.control.runs.jobs import JobLine
from headway.model.ids import AppName, EnvironmentName, RunId
from headway.model.run import Run, RunState
from headway.model.value import Value
from headway.model.view.job import JobView, Paused
from headway.web.page import Ask, Page, View
from headway.web.tone import Tone, tone

_SHOWN_MAX = 100
_NONE: Mapping[RunId, str] = {}
_ORDER = (Tone.BAD, Tone.CARE, Tone.MOVING, Tone.GOOD, Tone.QUIET)


class JobRow(Value, kw_only=True):
    """A job in a line."""

    environment: EnvironmentName
    app: AppName
    name: str
    doc: str
    """The first line of it."""
    queue: str
    waiting: int
    running: int
    schedules: tuple[str, ...]
    paused: tuple[Paused, ...]
    """Those of them that are."""
    last: Run | None
    because: str
    """Why the last run waits, while it does."""

    @property
    def running_by(self) -> tuple[str, ...]:
        """The schedules that make runs."""
        paused = {one.name for one in self.paused}
        return tuple(name for name in self.schedules if name not in paused)


class JobsPage(View, kw_only=True):
    """All jobs that can be invoked."""

    rows: tuple[JobRow, ...]
    more: int = 0
    """So many are not shown."""
    environment: str | None = None
    """Only those of this one."""

    @property
    def title(self) -> str:
        """Its name."""
        return f"Jobs of {self.environment}" if self.environment else "Jobs"


def jobs_page(
    views: list[JobView],
    environment: str | None = None,
    waits: Mapping[RunId, str] = _NONE,
    more: int = 0,
) -> JobsPage:
    """Make the page: what went wrong last comes first, then what runs, then by name."""
    rows = tuple(_row(view, waits) for view in sorted(views, key=_rank))
    return JobsPage(rows=rows, more=more, environment=environment)


def _rank(view: JobView) -> tuple[int, str, str, str]:
    state = view.last.state if view.last else None
    place = _place(state, is_running=view.running > 0)
    return place, view.environment, view.app, view.job.name


def line_rank(line: JobLine) -> tuple[int, str, str, str]:
    """Say which of two jobs comes first: one whose last run went wrong, then one that runs."""
    place = _place(line.state, is_running=line.is_running)
    return place, line.owner.name, line.release.app, line.job.name


def _place(last: RunState | None, *, is_running: bool) -> int:
    look = tone(last) if last is not None else Tone.QUIET
    look = look if look in (Tone.BAD, Tone.CARE) or not is_running else Tone.MOVING
    return _ORDER.index(look)


def _row(view: JobView, waits: Mapping[RunId, str]) -> JobRow:
    return JobRow(
        environment=view.environment,
        app=view.app,
        name=view.job.name,
        doc=view.job.doc.strip().partition("\n")[0],
        queue=view.job.queue,
        waiting=view.waiting,
        running=view.running,
        schedules=view.schedules,
        paused=view.paused,
        last=view.last,
        because=waits.get(view.last.id, "") if view.last else "",
    )


async def _see(ask: Ask) -> JobsPage:
    environment = ask.query.get("environment") or None
    dispatch = ask.heart.dispatch
    views, count = await jobs.first(ask.world, dispatch, environment, _SHOWN_MAX, line_rank)
    waits = {row.id: runs.waits(dispatch, row) for view in views if (row := view.last)}
    return jobs_page(views, environment, waits, more=count - len(views))


OFFERS = (Page("/jobs", "jobs.html", _see),)
