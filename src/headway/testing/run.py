"""One invocation of a job, as a test looks at it."""

import json
from datetime import datetime
from typing import Any

from headway.model import run as model
from headway.model.gang import Gang
from headway.model.run import RunFailure, RunState


class Run:
    """One invocation of a job, and what came of it."""

    def __init__(self, row: model.Run) -> None:
        self.row = row
        """As headway itself keeps it."""
        self.output: list[str] = []
        """Lines that it printed, progress left out."""
        self.progress: list[dict[str, Any]] = []
        """What it said of how far it was: `percent` and `text`."""

    def __repr__(self) -> str:
        return f"<{self.row.id} of {self.row.job}: {self.row.state.value}>"

    @property
    def id(self) -> str:
        """What `run_id()` gives inside."""
        return self.row.id

    @property
    def state(self) -> RunState:
        """Where it is in its life, such as `waiting`, `succeeded`, `failed` or `dead`."""
        return self.row.state

    @property
    def because(self) -> str:
        """Why it is as it is."""
        return self.row.because

    @property
    def locks(self) -> tuple[str, ...]:
        """Names of the locks that it holds while it runs."""
        return self.row.locks

    @property
    def gang(self) -> Gang | None:
        """Those that it started together with: their ids as `members`."""
        return self.row.gang

    @property
    def due_at(self) -> datetime:
        """When its next attempt may start, or might."""
        return self.row.due_at or self.row.created_at

    @property
    def attempts(self) -> tuple[model.Attempt, ...]:
        """Every try, with `began_at`, `outcome` and `failure`."""
        return self.row.attempts

    @property
    def result(self) -> Any:
        """As JSON gives it back; None until it succeeded."""
        return None if self.row.result is None else json.loads(bytes(self.row.result))

    @property
    def failure(self) -> RunFailure | None:
        """What the last attempt failed with: its `type`, `message` and `traceback`."""
        return self.row.attempt.failure if self.row.attempt else None
