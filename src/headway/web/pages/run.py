"""One run: how it does, what it was given, what it gave, what it wrote."""

import json
from collections.abc import Mapping, Sequence
from contextlib import aclosing

import msgspec

from headway.control import logs, runs
from headway.control.errors import Invalid
from headway.model.run import Attempt, Run, RunState
from headway.model.view import LogEntry, RunView
from headway.web import links
from headway.web.lines import shown
from headway.web.page import Ask, Crumb, Page, View
from headway.web.pages.logs import Row

_TAIL = 200
LINES = 500
"""Of the log on one page."""
_DIGITS = 18
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
        return rows_of(self.run, self.attempt, self.log, self.after)

    @property
    def beginning(self) -> str:
        """Where the log begins."""
        return links.run_log(self.run.id, attempt=self.attempt)

    @property
    def following(self) -> str:
        """Where it goes on; empty at its end."""
        return (
            links.run_log(self.run.id, attempt=self.attempt, after=self.next) if self.next else ""
        )


class RunPage(View, kw_only=True):
    """One run."""

    view: RunView
    attempt: int | None = None
    """The one whose lines are shown; None is the newest."""
    log: tuple[LogEntry, ...] = ()
    """Its last lines."""

    @property
    def rows(self) -> tuple[Row, ...]:
        """Its last lines, as they are shown."""
        return rows_of(self.run, self.attempt, self.log, 0) if self.log else ()

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
        """Whether an attempt is under way, whose lines no event tells of."""
        return self.run.is_active

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


def chosen(run: Run, number: int | None) -> Attempt | None:
    """Give the attempt of this number, or the newest."""
    return next((one for one in reversed(run.attempts) if number in (None, one.number)), None)


def number_of(query: Mapping[str, str], name: str) -> int | None:
    """Read a number of the address.

    Raises:
        Invalid: It is none.
    """
    text = query.get(name, "")
    if text and not (text.isascii() and text.isdigit() and len(text) <= _DIGITS):
        raise Invalid(f"{name}-invalid", f"{text!r} is no number, as {name} is one")
    return int(text) if text else None


def rows_of(
    run: Run, attempt: int | None, entries: Sequence[LogEntry], after: int
) -> tuple[Row, ...]:
    """Show lines, each with the address at which the log begins with it.

    Args:
        run: Whose.
        attempt: Of which attempt; None is the newest.
        entries: The lines, in order.
        after: Where the line ahead of the first one ended.
    """
    rows = []
    for entry in entries:
        line = shown(entry.line.text)
        at = links.run_log(run.id, attempt=attempt, after=after or None)
        rows.append(Row(entry=entry, pieces=line.pieces, more=line.more, colour=0, url=at))
        after = entry.line.cursor
    return tuple(rows)


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
    lines = await logs.run(ask.world, identity, attempt=number, tail=_TAIL)
    return RunPage(view=view, attempt=number, log=tuple([line async for line in lines]))


OFFERS = (
    Page("/runs/{run}", "run.html", _see),
    Page("/runs/{run}/log", "run_log.html", _see_log, is_live=False),
)
