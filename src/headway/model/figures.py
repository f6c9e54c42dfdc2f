"""Figures: what is measured over time, and of what."""

from datetime import datetime
from enum import StrEnum

from headway.model.ids import AppName, EnvironmentId, NodeId
from headway.model.value import Value


class Measure(StrEnum):
    """What is measured."""

    CPU = "cpu"
    MEMORY = "memory"
    REQUESTS = "requests"
    ERRORS = "errors"
    RESPONSE = "response"
    WAITING = "waiting"
    RUNNING = "running"
    OLDEST = "oldest"

    @property
    def unit(self) -> str:
        """What it is counted in; of runs there are so many."""
        return _UNITS[self]

    @property
    def is_count(self) -> bool:
        """Whether there is none of it where none is known, and no unknown amount."""
        return self in _COUNTS


_UNITS = {
    Measure.CPU: "cores",
    Measure.MEMORY: "MiB",
    Measure.REQUESTS: "a second",
    Measure.ERRORS: "a second",
    Measure.RESPONSE: "ms",
    Measure.WAITING: "",
    Measure.RUNNING: "",
    Measure.OLDEST: "s",
}
_COUNTS = frozenset(
    {Measure.REQUESTS, Measure.ERRORS, Measure.WAITING, Measure.RUNNING, Measure.OLDEST}
)
OF_MACHINES = (Measure.CPU, Measure.MEMORY)
OF_SERVICES = (*OF_MACHINES, Measure.REQUESTS, Measure.ERRORS, Measure.RESPONSE)
OF_QUEUES = (Measure.WAITING, Measure.RUNNING, Measure.OLDEST)
OF_JOBS = (Measure.WAITING, Measure.RUNNING)
OF_ALL = (*OF_MACHINES, Measure.REQUESTS, Measure.ERRORS, *OF_JOBS)


class Subject(Value, kw_only=True):
    """What is measured: a node; a release of an app, or all of them; a queue; a job; everything."""

    node: NodeId | None = None
    environment: EnvironmentId | None = None
    app: AppName | None = None
    release: int | None = None
    queue: str | None = None
    job: str | None = None

    @property
    def measures(self) -> tuple[Measure, ...]:
        """What is measured of it."""
        if self.node is not None:
            return OF_MACHINES
        if self.queue is not None:
            return OF_QUEUES
        if self.job is not None:
            return OF_JOBS
        return OF_ALL if self.app is None else OF_SERVICES


EVERYTHING = Subject()


class Use(Value, kw_only=True):
    """What something uses now."""

    cpu: float | None = None
    """Cores, over the last seconds; None until they have been measured."""
    memory_bytes: int = 0

    @property
    def memory_mib(self) -> float:
        """The same in MiB."""
        return round(self.memory_bytes / 2**20, 1)


class FigureLine(Value, kw_only=True):
    """One measure over time."""

    measure: Measure
    unit: str
    values: tuple[float | None, ...]
    """One for each step; None where it was not measured."""


class FiguresView(Value, kw_only=True):
    """Figures of one thing over a stretch of time."""

    begin: datetime
    """Of the first step."""
    step_s: float
    """How long each step is; a value is the mean over it."""
    lines: tuple[FigureLine, ...]
    since: datetime | None = None
    """When headway began to measure, where that is later than `begin`: nothing is known before."""
