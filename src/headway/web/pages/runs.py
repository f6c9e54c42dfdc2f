"""Runs: found by what they are of, how they did, and what they were given."""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from headway.control.errors import Invalid
from headway.control.requests import RunQuestion
from headway.control.runs import runs
from headway.model.ids import RunId
from headway.model.run import Run, RunState
from headway.web import links
from headway.web.moment import moment
from headway.web.page import Ask, Page, View

SHOWS: dict[str, tuple[RunState, ...]] = {
    "all": (),
    "failed": (
        RunState.FAILED,
        RunState.DEAD,
        RunState.TIMED_OUT,
        RunState.LOST,
        RunState.EXPIRED,
    ),
    "active": (RunState.STARTING, RunState.RUNNING),
    "waiting": (RunState.QUEUED, RunState.WAITING),
    "succeeded": (RunState.SUCCEEDED,),
    "cancelled": (RunState.CANCELLED,),
}
"""What can be shown, by the words of the tabs."""
_LIMIT = 50
_FIELDS = ("environment", "job", "tag", "parameter", "since")


class RunsPage(View, kw_only=True):
    """Some runs, newest first."""

    show: str
    asked: dict[str, str]
    """What else was asked for."""
    rows: tuple[Run, ...]
    waits: dict[RunId, str] = msgspec.field(default_factory=dict)
    """Why those of them wait that do, by run."""
    before: str | None = None
    """Where the older ones begin."""

    @property
    def title(self) -> str:
        """Its name, with what is shown."""
        return "Runs" if self.show == "all" else f"Runs: {self.show}"

    @property
    def is_moving(self) -> bool:
        """Whether some wait or may begin: no event tells of that, nor why others wait now."""
        begins = any(row.state is RunState.STARTING for row in self.rows)
        return begins or bool(self.waits) or self.show == "active"

    @property
    def tabs(self) -> tuple[tuple[str, str], ...]:
        """The words of the tabs, and where they lead, with the rest as it is."""
        return tuple((word, self.at(word)) for word in SHOWS)

    @property
    def older(self) -> str:
        """Where the older ones are; empty at the end."""
        return self.at(self.show, self.before) if self.before else ""

    def at(self, show: str, before: str | None = None) -> str:
        """Give the address that shows these."""
        kept = None if show == "all" else show
        return links.query("/runs", show=kept, **self.asked, before=before)


def question_of(query: Mapping[str, str], now: datetime) -> RunQuestion:
    """Read what is asked for in the address.

    Raises:
        Invalid: It cannot be.
    """
    state = query.get("state", "")
    show = query.get("show") or "all"
    if show not in SHOWS:
        raise Invalid("show-invalid", f"there is no {show}", hint=f"there are {', '.join(SHOWS)}")
    return RunQuestion(
        environment=query.get("environment") or None,
        job=query.get("job") or None,
        state=(_state(state),) if state else SHOWS[show],
        tags=_pair(query.get("tag", "")),
        parameters=_pair(query.get("parameter", "")),
        since=moment(query.get("since", ""), now, ahead=False),
        before=query.get("before") or None,
        limit=_LIMIT,
    )


def _state(text: str) -> RunState:
    try:
        return RunState(text)
    except ValueError:
        known = ", ".join(state.value for state in RunState)
        raise Invalid("state-invalid", f"{text!r} is no state", hint=f"there are {known}") from None


def _pair(text: str) -> dict[str, str]:
    name, equals, value = text.strip().partition("=")
    if not text.strip():
        return {}
    if not name or not equals:
        raise Invalid("pair-invalid", f"{text!r} is no NAME=VALUE", hint="such as team=sales")
    return {name.strip(): value.strip()}


async def _see(ask: Ask) -> RunsPage:
    found = await runs.page(ask.world, ask.heart.dispatch, question_of(ask.query, ask.now))
    asked = {name: ask.query[name] for name in _FIELDS if ask.query.get(name)}
    return RunsPage(
        show=ask.query.get("show") or "all",
        asked=asked,
        rows=found.rows,
        waits=found.waits,
        before=found.before,
    )


OFFERS = (Page("/runs", "runs.html", _see),)
