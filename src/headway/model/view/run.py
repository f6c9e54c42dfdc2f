"""Runs, and what is known of them in this moment."""

from datetime import datetime
from typing import Any

import msgspec

from headway.model.ids import AppName, EnvironmentName, RunId
from headway.model.run import Run, RunState
from headway.model.value import Value


class Invoked(Value, kw_only=True):
    """The runs that were asked for, in that order; some may have been there already."""

    ids: tuple[RunId, ...]
    states: tuple[RunState, ...]
    made: tuple[bool, ...] = ()
    """Whether each was made by this request, and had not its key or `unique` key before."""


class RunView(Value, kw_only=True):
    """A run, and what is known of it in this moment."""

    run: Run
    environment: EnvironmentName
    progress: dict[str, Any] | None = None
    """`percent` and `text` of its last line of progress: of where it got to, once it has ended."""
    waits: str = ""
    """Why it waits, while it does."""
    in_vain: bool = False
    """Whether it waits for what can never be, unless a node or a pool of other sizes comes."""


class RunPage(Value, kw_only=True):
    """Some runs, newest first; `before` gives the next page, None is the end."""

    rows: tuple[Run, ...]
    before: str | None = None
    waits: dict[RunId, str] = msgspec.field(default_factory=dict)
    """Why those of them wait that do."""


class FailedRuns(Value, kw_only=True):
    """Runs of a job that failed lately and are not made again by themselves."""

    environment: EnvironmentName
    app: AppName
    job: str
    run: RunId
    """The last of them."""
    state: RunState
    because: str
    at: datetime
    count: int
    is_more: bool = False
    """Whether there may be more of them."""
    is_well: bool = False
    """Whether another has succeeded since."""
