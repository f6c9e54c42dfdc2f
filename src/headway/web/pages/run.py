"""One run: how it does, what it was given, what it gave, what it wrote."""

import json
from collections.abc import Mapping

import msgspec

from headway.control import logs, runs
from headway.control.errors import Invalid
from headway.model.run import Attempt, Run, RunState
from headway.model.view import LogEntry, RunView
from headway.web import links
from headway.web.page import Ask, Crumb, Page, View

_TAIL = 200
_SHOWN_MAX = 20_000
"""Characters of parameters or of a result on the page; `.json` has all of it."""


class RunPage(View, kw_only=True):
    """One run."""

    view: RunView
    attempt: int | None = None
    """The one whose lines are shown; None is the newest."""
    log: tuple[LogEntry, ...] = ()
    """Its last lines."""

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


def _number(query: Mapping[str, str]) -> int | None:
    text = query.get("attempt", "")
    if text and not (text.isascii() and text.isdigit() and len(text) < 6):
        raise Invalid("attempt-invalid", f"{text!r} is no number of an attempt")
    return int(text) if text else None


async def _see(ask: Ask) -> RunPage:
    identity, number = ask.names["run"], _number(ask.query)
    view = await runs.view(ask.world, ask.heart.dispatch, identity)
    lines = await logs.run(ask.world, identity, attempt=number, tail=_TAIL)
    return RunPage(view=view, attempt=number, log=tuple([line async for line in lines]))


OFFERS = (Page("/runs/{run}", "run.html", _see),)
