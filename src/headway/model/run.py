"""A run: one invocation of a job, and its attempts."""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

import msgspec

from headway.model.container import Exit
from headway.model.gang import Gang
from headway.model.ids import AppName, ContainerId, EnvironmentId, NodeId, RunId
from headway.model.instant import microseconds
from headway.model.value import Value


def nothing() -> msgspec.Raw:
    """Give no parameters, as JSON. The schema of an answer cannot show a plain default."""
    return msgspec.Raw(b"{}")


def no_result() -> msgspec.Raw:
    """Give no result, as JSON."""
    return msgspec.Raw(b"null")


class RunState(StrEnum):
    """Where a run is in its life.

    >>> {RunState.DEAD: "over"}["dead"]
    'over'
    """

    WAITING = "waiting"
    """For its time, for another run, or for its next attempt."""
    QUEUED = "queued"
    """It could start now, and waits for its turn."""
    STARTING = "starting"
    """An attempt was ordered. From here on it may have begun."""
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"
    LOST = "lost"
    """An attempt may have begun, its end is unknown, and it may not be attempted again."""
    EXPIRED = "expired"
    """Its deadline passed before an attempt began."""
    DEAD = "dead"
    """Its retries are used up. It is on the dead-letter list until replayed or removed."""

    __hash__ = str.__hash__
    """Whoever equals a text is found by it; and each look takes no call of Python's."""


ENDED = frozenset(
    {
        RunState.SUCCEEDED,
        RunState.FAILED,
        RunState.CANCELLED,
        RunState.TIMED_OUT,
        RunState.LOST,
        RunState.EXPIRED,
        RunState.DEAD,
    }
)
UNSUCCESSFUL = ENDED - {RunState.SUCCEEDED}
ACTIVE = frozenset({RunState.STARTING, RunState.RUNNING})


class RunFailure(Value, kw_only=True):
    """What a job's own code said when it failed."""

    type: str
    """Such as `ValueError`, or what the job's runtime could not do."""
    message: str
    traceback: str = ""


class Attempt(Value, kw_only=True):
    """One try."""

    number: int
    release: int
    runner: ContainerId
    node: NodeId
    ordered_at: datetime
    began_at: datetime | None = None
    ended_at: datetime | None = None
    outcome: RunState | None = None
    """`succeeded`, `failed`, `timed_out`, `cancelled` or `lost`."""
    because: str = ""
    preempted: str = ""
    """Why something of higher priority takes its place. Written down before its runner is told."""
    fence: int = 0
    """Higher than that of all who held the run's locks before; 0 of a run without locks."""
    broken: str = ""
    """Who of its gang failed, so that all end. Written down before its runner is told."""
    broken_by_leaving: bool = False
    """That one did not fail but was handed back, as this one is where it may be tried again."""
    is_handed_back: bool = False
    """It was ended so that its node could be left, or its place taken, and uses up no retry."""
    exit: Exit | None = None
    failure: RunFailure | None = None
    memory_peak_mib: float = 0.0
    cpu_s: float = 0.0


class ScheduledBy(StrEnum):
    """What made a run of a schedule."""

    CLOCK = "clock"
    """One of its times came."""
    HAND = "hand"
    """Somebody ran it now: `created_by`."""


class After(Value, kw_only=True):
    """What a run waits for: the success of another, named by its id, or by its job and key."""

    run: RunId | None = None
    job: str = ""
    key: str = ""
    any_end: bool = False
    """Its end is enough, however it ended."""


class Run(Value, kw_only=True):
    """One invocation."""

    id: RunId
    environment: EnvironmentId
    app: AppName
    job: str
    parameters: msgspec.Raw = msgspec.field(default_factory=nothing)
    state: RunState
    because: str = ""
    """Why it is as it is, where the state does not say it all."""
    pinned: int | None = None
    """The release that is to run it; None is the one that is live when it starts."""
    key: str | None = None
    unique: str | None = None
    locks: tuple[str, ...] = ()
    """Names of those that it holds while an attempt is under way, in the order of the alphabet."""
    queue: str
    priority: int = 0
    tags: dict[str, str] = msgspec.field(default_factory=dict)
    fair: str = ""
    """Value of the queue's `fair_by` tag."""
    due_at: datetime | None = None
    """When it may start: asked for, or the end of the delay before a retry."""
    after: tuple[After, ...] = ()
    """Not ended yet."""
    deadline_at: datetime | None = None
    """An attempt must have begun by then."""
    schedule: str | None = None
    """That made it."""
    scheduled_by: ScheduledBy | None = None
    """Set of a run of a schedule, but for those made before it was noted."""
    gang: Gang | None = None
    """Those that its last attempt started together with, where there are any."""
    again: RunId | None = None
    """The run that this one repeats."""
    cancelling: bool = False
    attempts: tuple[Attempt, ...] = ()
    result: msgspec.Raw = msgspec.field(default_factory=no_result)
    """JSON."""
    created_at: datetime
    created_by: str
    ended_at: datetime | None = None
    version: int = 0

    @property
    def is_ended(self) -> bool:
        """Whether nothing will happen to it any more by itself."""
        return self.state in ENDED

    @property
    def is_member(self) -> bool:
        """Whether it was made because another run, its gang's leader, started."""
        return self.gang is not None and self.gang.number > 0

    @property
    def made_by(self) -> str:
        """Who asked for it: its schedule, or somebody, who may have run that by hand.

        >>> row = Run(id="k1", environment="demo~1", app="shop", job="mail", queue="mail",
        ...     state=RunState.QUEUED, created_at=datetime.min, created_by="ana",
        ...     schedule="nightly", scheduled_by=ScheduledBy.HAND)
        >>> row.made_by, msgspec.structs.replace(row, scheduled_by=ScheduledBy.CLOCK).made_by
        ('ana, who ran schedule nightly', 'schedule nightly')
        """
        if self.schedule is None:
            return self.created_by
        if self.scheduled_by is ScheduledBy.HAND:
            return f"{self.created_by}, who ran schedule {self.schedule}"
        return f"schedule {self.schedule}"

    @property
    def is_active(self) -> bool:
        """Whether an attempt is under way."""
        return self.state in ACTIVE

    @property
    def attempt(self) -> Attempt | None:
        """The current attempt, or the last."""
        return self.attempts[-1] if self.attempts else None

    # --- what it is found by -------------------------------------------------------------------

    @property
    def owner(self) -> str:
        """Its job in its environment."""
        return owner_name(self.environment, self.app, self.job)

    @property
    def lane(self) -> str | None:
        """While it is queued: its lane, by name."""
        return lane_of(self).name if self.state is RunState.QUEUED else None

    @property
    def due_us(self) -> int | None:
        """While it waits for a time: that time in microseconds."""
        if self.due_at is None or self.after or self.state is not RunState.WAITING:
            return None
        return microseconds(self.due_at)

    @property
    def deadline_us(self) -> int | None:
        """While it has not begun: its deadline in microseconds."""
        if self.deadline_at is None or self.is_ended or self.is_active:
            return None
        return microseconds(self.deadline_at)

    @property
    def awaits(self) -> str | None:
        """The first of what it waits for."""
        if not self.after or self.state is not RunState.WAITING:
            return None
        first = self.after[0]
        return first.run or key_name(self.environment, self.app, first.job, first.key)

    @property
    def active(self) -> int | None:
        """Set while an attempt is under way."""
        return 1 if self.state in ACTIVE else None

    @property
    def pin(self) -> str | None:
        """Set while it has not ended and a certain release is to run it: that one."""
        if self.pinned is None or self.is_ended:
            return None
        return pin_name(self.environment, self.app, self.pinned)

    @property
    def dead(self) -> int | None:
        """Set while it is on the dead-letter list."""
        return 1 if self.state is RunState.DEAD else None

    @property
    def unsuccessful(self) -> int | None:
        """Set once it has come to nothing."""
        return 1 if self.state in UNSUCCESSFUL else None

    @property
    def key_name(self) -> str | None:
        """The key under which asking for it again gives this one."""
        return key_name(self.environment, self.app, self.job, self.key) if self.key else None

    @property
    def unique_name(self) -> str | None:
        """Set while no other run of this `unique` key may be made."""
        if self.unique is None or self.is_ended:
            return None
        return key_name(self.environment, self.app, self.job, self.unique)

    @property
    def open_in(self) -> EnvironmentId | None:
        """While it has not ended: its environment."""
        return None if self.state in ENDED else self.environment

    @property
    def ended_us(self) -> int | None:
        """When it ended, in microseconds."""
        return microseconds(self.ended_at) if self.ended_at else None


def owner_name(environment: str, app: str, job: str) -> str:
    """Name a job in an environment, as its runs are found by it."""
    return f"{environment}/{app}/{job}"


def owned_by(environment: str) -> str:
    """Give what the owners of all runs of an environment begin with."""
    return f"{environment}/"


def pin_name(environment: str, app: str, release: int) -> str:
    """Name a release, as the runs are found by it that are pinned to it."""
    return f"{environment}/{app}/{release}"


def key_name(environment: str, app: str, job: str, key: str) -> str:
    """Join a key with what it is a key of."""
    return f"{owner_name(environment, app, job)}/{key}"


class Lane(NamedTuple):
    """Queued runs that differ only in when they came, so that they start in that order."""

    environment: EnvironmentId
    app: AppName
    queue: str
    priority: int
    pinned: int
    """The release that is to run them; 0 is the live one."""
    job: str
    fair: str

    @property
    def name(self) -> str:
        """As it is stored.

        >>> Lane(EnvironmentId("demo~1"), AppName("shop"), "mail", 5, 0, "send", "a/b").name
        'demo~1/shop/mail/5/0/send/a/b'
        """
        environment, app, queue, priority, pinned, job, fair = self
        return f"{environment}/{app}/{queue}/{priority}/{pinned}/{job}/{fair}"

    @classmethod
    def parse(cls, name: str) -> "Lane":
        """Read a stored name."""
        environment, app, queue, priority, pinned, job, fair = name.split("/", 6)
        owner = EnvironmentId(environment), AppName(app)
        return cls(*owner, queue, int(priority), int(pinned), job, fair)

    @property
    def line(self) -> tuple[EnvironmentId, AppName, str]:
        """The queue of the app in the environment."""
        return self.environment, self.app, self.queue


def lane_of(run: Run) -> Lane:
    """Give the lane in which a run is, or would be, queued."""
    owner = run.environment, run.app
    return Lane(*owner, run.queue, run.priority, run.pinned or 0, run.job, run.fair)


class Task(Value, kw_only=True):
    """One attempt, as it is handed to a runner."""

    run: RunId
    attempt: int
    job: str
    parameters: msgspec.Raw
    timeout_s: float
    locks: tuple[str, ...] = ()
    fence: int = 0
    gang: Gang | None = None


class RunFactState(StrEnum):
    """What a runner can say of an attempt."""

    BEGAN = "began"
    ENDED = "ended"


class RunFact(Value, kw_only=True):
    """What became of an attempt, as its runner saw it."""

    run: RunId
    attempt: int
    state: RunFactState
    began_at: datetime | None = None
    ended_at: datetime | None = None
    exit: Exit | None = None
    """Set when it ended. Status 0 is success."""
    limit: str = ""
    """The limit that ended it: `time`, `cpu`, `memory`, `processes`, `files`, `disk`,
    `output` or `result`."""
    cancelled: bool = False
    """It ended because it was told to."""
    result: msgspec.Raw = msgspec.Raw(b"null")
    """JSON."""
    failure: RunFailure | None = None
    memory_peak_mib: float = 0.0
    cpu_s: float = 0.0
