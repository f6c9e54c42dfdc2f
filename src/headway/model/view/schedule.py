"""Schedules of an app in an environment, as they are shown."""

from datetime import datetime

from headway.model.ids import EnvironmentName
from headway.model.schedule import ScheduleState
from headway.model.value import Value


class ScheduleView(Value, kw_only=True):
    """A schedule of an app in an environment."""

    environment: EnvironmentName
    state: ScheduleState
    next: tuple[datetime, ...] = ()
    """The next times, as far as it is not paused."""
