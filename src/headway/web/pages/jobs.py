"""Jobs: the list, those first whose last run went wrong."""

from collections.abc import Mapping

from headway.control.runs import jobs, runs
from headway.model.ids import AppName, EnvironmentName, RunId
from headway.model.run import Run
from headway.model.value import Value
from headway.model.view import JobView
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
    last: Run | None
    because: str
    """Why the last run waits, while it does."""


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
) -> JobsPage:
    """Make the page: what went wrong last comes first, then what runs, then by name."""
    rows = sorted((_row(view, waits) for view in views), key=_rank)
    return JobsPage(
        rows=tuple(rows[:_SHOWN_MAX]),
        more=max(0, len(rows) - _SHOWN_MAX),
        environment=environment,
    )


def _rank(row: JobRow) -> tuple[int, str, str, str]:
    look = tone(row.last.state) if row.last else Tone.QUIET
    look = look if look in (Tone.BAD, Tone.CARE) or not row.running else Tone.MOVING
    return _ORDER.index(look), row.environment, row.app, row.name


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
        last=view.last,
        because=waits.get(view.last.id, "") if view.last else "",
    )


async def _see(ask: Ask) -> JobsPage:
    environment = ask.query.get("environment") or None
    dispatch = ask.heart.dispatch
    views = await jobs.listing(ask.world, dispatch, environment)
    waits = {row.id: runs.waits(dispatch, row) for view in views if (row := view.last)}
    return jobs_page(views, environment, waits)


OFFERS = (Page("/jobs", "jobs.html", _see),)
