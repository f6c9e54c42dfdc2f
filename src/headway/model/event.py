"""An event: one thing that happened, who did it, and why."""

from datetime import datetime
from typing import Any

import msgspec

from headway.model.ids import AppName, EnvironmentId
from headway.model.value import Value


class Event(Value, kw_only=True):
    """One line of the log that feeds the live view, `why`, `history` and audit."""

    sequence: int = 0
    """Given by the store, rising without repeats."""
    at: datetime
    actor: str
    """A person's name, or `headway`."""
    kind: str
    """Noun and verb, such as `deployment.advanced` or `container.exited`."""
    subject: str
    """The id of what it is about."""
    environment: EnvironmentId | None = None
    app: AppName | None = None
    because: str = ""
    data: dict[str, Any] = msgspec.field(default_factory=dict)
