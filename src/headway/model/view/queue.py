"""Queues of an app in an environment, as they are shown."""

from headway.model.ids import AppName, EnvironmentName
from headway.model.queue import Queue, QueueHold
from headway.model.value import Value


class QueueView(Value, kw_only=True):
    """A queue of an app in an environment."""

    environment: EnvironmentName
    app: AppName
    queue: Queue
    waiting: int = 0
    running: int = 0
    oldest_s: float | None = None
    """How long the run that waits longest has waited."""
    hold: QueueHold | None = None
