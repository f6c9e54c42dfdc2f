"""A schedule: what makes runs by the clock."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from headway.model.ids import AppName, EnvironmentId
from headway.model.instant import microseconds
from headway.model.value import Value


class CatchUp(StrEnum):
    """What happens to times that passed while nobody looked."""

    SKIP = "skip"
    ONE = "one"
    """One run, for the last of them."""
    ALL = "all"


class Overlap(StrEnum):
    """What happens when the run before has not ended."""

    SKIP = "skip"
    QUEUE = "queue"
    REPLACE = "replace"
    """The run before is cancelled."""


class Cron(Value, kw_only=True):
    """A cron expression that was found good."""

    written: str
    """As a person wrote it, such as `H/15 * * * mon-fri`."""
    plain: str
    """The same times in five fields without words, names and `H`: `7-59/15 * * * 1-5`."""


class Schedule(Value, kw_only=True):
    """When a job runs, as an app declares it."""

    name: str
    job: str
    cron: str
    """Five fields as Debian's cron reads them; `H` in a field is a fixed value of its own."""
    plain: str = ""
    """`cron` in plain numbers, where that is not what `cron` is already."""
    timezone: str = "UTC"
    parameters: dict[str, Any] = msgspec.field(default_factory=dict)
    catch_up: CatchUp = CatchUp.ONE
    overlap: Overlap = Overlap.SKIP
    jitter_s: float = 0.0
    """Each run starts up to so much later, by an amount of its own."""
    after: tuple[str, ...] = ()
    """Schedules of the app whose last run in the same period has to succeed first."""


class ScheduleState(Value, kw_only=True):
    """Where a schedule of an app in an environment stands."""

    environment: EnvironmentId
    app: AppName
    name: str
    schedule: Schedule
    """As the live release declares it."""
    live: bool = True
    """Whether the live release declares it still."""
    paused: bool = False
    paused_by: str = ""
    paused_at: datetime | None = None
    """None of one that was paused before this was noted."""
    seen_until: datetime
    """Every time up to this one is dealt with."""
    next_at: datetime | None = None
    """When it is to be looked at again; None while paused, or when no time will ever come."""
    last_run: str | None = None
    because: str = ""
    """What became of the last time."""
    version: int = 0

    @property
    def due_us(self) -> int | None:
        """`next_at` in microseconds, by which the next schedule is found."""
        return microseconds(self.next_at) if self.next_at and self.live else None
