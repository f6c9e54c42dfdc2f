"""One run: how it does, what it was given, what it gave, what it wrote."""

import json
from contextlib import aclosing

import msgspec

from headway.control.errors import NotFound
from headway.control.queries import logs
from headway.control.runs import runs
from headway.model.run import Attempt, Run, RunState
from headway.model.view.log import LogEntry
from headway.model.view.run import RunView
from headway.web import links
from headway.web.page import Ask, Crumb, Page, View
from headway.web.pages.logs import Row
from headway.web.pages.run_lines import Place, chosen, follow, last_lines, number_of, rows_of

LINES = 500
"""Of the log on one page."""
_SHOWN_MAX = 20_000
"""Characters of parameters or of a result on the page; `.json` has all of it."""


class RunLogPage(View, kw_only=True):
    """A part of what an attempt of a run wrote."""

    run: Run
    attempt: int | None
    after: int
    """Behind this position in the log; 0 is its beginning."""
    next: int | None
    """Where the following part begins."""
    log: tuple[LogEntry, ...]

    @property
    def title(self) -> str:
        """Whose."""
        return f"Log of {self.run.id}"

    @property
    def crumbs(self) -> tuple[Crumb, ...]:
        """The way to it."""
        run = self.run
        job = links.job(run.environment, run.app, run.job)
        return (Crumb(f"{run.app}/{run.job}", job), Crumb(run.id, links.run(run.id)))

    @property
    def shown(self) -> Attempt | None:
        """The attempt that wrote it."""
        return chosen(self.run, self.attempt)

    @property
    def rows(self) -> tuple[Row, ...]:
        """The lines, as they are shown."""
        return rows_of(self.run, Place(self._number or 0, self.after), self.log)

    @property
    def beginning(self) -> str:
        """Where the log begins."""
        return links.run_log(self.run.id, attempt=self._number)

    @property
    def following(self) -> str:
        """Where it goes on; empty at its end."""
        number = self._number
        return links.run_log(self.run.id, attempt=number, after=self.next) if self.next else ""

    @property
    def _number(self) -> int | None:
        # Said in each address: there may be another attempt by the time that it is followed.
        return self.shown.number if self.shown else None


class RunPage(View, kw_only=True):
    """One run."""

    view: RunView
    attempt: int | None = None
    """The one whose lines are shown; None is the newest."""
    log: tuple[LogEntry, ...] = ()
    """Its last lines."""
    after: int = 0
    """Behind this position in the log."""

    @property
    def rows(self) -> tuple[Row, ...]:
        """Its last lines, as they are shown."""
        return rows_of(self.run, self._begin, self.log)

    @property
    def resume(self) -> str:
        """Behind what new lines are sent."""
        last = self.log[-1].line.cursor if self.log else self.after
        return self._begin._replace(after=last).render()

    @property
    def _begin(self) -> Place:
        return Place(self.shown.number if self.shown else 0, self.after)

    @property
    def run(self) -> Run:
        """The run itself."""
        return self.view.run

    @property
    def title(self) -> str:
        """Its id."""
        return self.run.id

    @property
    def crumbs(self) -> tuple[Crumb, ...]:
        """The way to it."""
        run, owner = self.run, self.view.environment
        return (
            Crumb("Jobs", "/jobs"),
            Crumb(owner, links.environment(owner)),
            Crumb(f"{run.app}/{run.job}", links.job(owner, run.app, run.job)),
        )

    @property
    def is_moving(self) -> bool:
        """Whether it may begin or is under way: no event tells of that, nor of what it writes."""
        return not self.run.is_ended

    @property
    def shown(self) -> Attempt | None:
        """The attempt whose lines are shown."""
        return chosen(self.run, self.attempt)

    @property
    def parameters(self) -> str:
        """What it was given, to be read."""
        return pretty(bytes(self.run.parameters))

    @property
    def result(self) -> str:
        """What it gave; empty where that is nothing."""
        text = pretty(bytes(self.run.result))
        return "" if text == "null" else text

    @property
    def is_dead(self) -> bool:
        """Whether it is on the dead-letter list."""
        return self.run.state is RunState.DEAD


def pretty(raw: bytes) -> str:
    """Write JSON to be read, cut where it is long.

    >>> print(pretty(b'{"a":[1]}'))
    {
      "a": [
        1
      ]
    }
    """
    try:
        text = json.dumps(msgspec.json.decode(raw), indent=2, ensure_ascii=False)
    except (msgspec.DecodeError, RecursionError):
        text = raw.decode(errors="replace")
    if len(text) <= _SHOWN_MAX:
        return text
    return f"{text[:_SHOWN_MAX]}\n… {len(text) - _SHOWN_MAX} characters more, in the page's .json"


async def _see_log(ask: Ask) -> RunLogPage:
    identity, number, after = (
        ask.names["run"],
        number_of(ask.query, "attempt"),
        number_of(ask.query, "after") or 0,
    )
    row = await runs.one(ask.world, identity)
    lines = await logs.run(ask.world, identity, attempt=number, after=after)
    entries: list[LogEntry] = []
    async with aclosing(lines):
        async for entry in lines:
            entries.append(entry)
            if len(entries) > LINES:
                break
    last = entries[LINES - 1].line.cursor if len(entries) > LINES else None
    return RunLogPage(run=row, attempt=number, after=after, next=last, log=tuple(entries[:LINES]))


async def _see(ask: Ask) -> RunPage:
    identity, number = ask.names["run"], number_of(ask.query, "attempt")
    view = await runs.view(ask.world, ask.heart.dispatch, identity)
    attempt = chosen(view.run, number)
    if attempt is None and number is not None:
        raise NotFound("attempt-unknown", f"{identity} has {len(view.run.attempts)} attempts")
    if attempt is None:
        return RunPage(view=view)
    begin, log = await last_lines(ask, Place(attempt.number))
    return RunPage(view=view, attempt=number, log=tuple(log), after=begin.after)


OFFERS = (
    Page("/runs/{run}", "run.html", _see, follow=follow),
    Page("/runs/{run}/log", "run_log.html", _see_log, is_live=False),
)
