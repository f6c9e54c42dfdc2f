"""Views: what the API answers and the SDK, the command line and the pages show."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from headway.model.app import Commit
from headway.model.config import ConfigChange
from headway.model.container import Container
from headway.model.deployment import Deployment
from headway.model.environment import EnvironmentState
from headway.model.event import Event
from headway.model.figures import Use
from headway.model.ids import (
    AppName,
    ContainerId,
    Digest,
    EnvironmentName,
    LeaseId,
    PoolName,
    RunId,
)
from headway.model.job import Job
from headway.model.lease import Lease, Tenure
from headway.model.log import LogLine
from headway.model.node import Node, NodeHold
from headway.model.pool import Pool
from headway.model.pool_node import PoolNode
from headway.model.problem import Problem
from headway.model.queue import Queue, QueueHold
from headway.model.role import Role
from headway.model.run import Run, RunState
from headway.model.schedule import ScheduleState
from headway.model.snapshot import Reserved
from headway.model.value import Value


class MemberState(StrEnum):
    """How an app in an environment does, in one word."""

    QUEUED = "queued"
    BUILDING = "building"
    WAITING = "waiting"
    STARTING = "starting"
    PROBING = "probing"
    HEALTHY = "healthy"
    DEGRADED = "degraded"
    """It serves, with fewer healthy containers than wanted."""
    PAUSED = "paused"
    REVERTING = "reverting"
    STOPPED = "stopped"
    FAILED = "failed"


class SourceView(Value, kw_only=True):
    """A source as it was received; `problems` says why it cannot be used."""

    digest: Digest
    app: AppName | None
    size_bytes: int
    problems: tuple[Problem, ...] = ()
    commit: Commit | None = None
    branch: str | None = None
    dirty: bool = False


class AppView(Value, kw_only=True):
    """An app that headway knows."""

    name: AppName
    source: Digest
    team: str | None = None
    commit: Commit | None = None
    branch: str | None = None
    dirty: bool = False
    dependencies: tuple[AppName, ...] = ()
    environments: tuple[EnvironmentName, ...] = ()
    updated_at: datetime


class Standing(Value, kw_only=True):
    """How an app in an environment does, and nothing more of it."""

    environment: EnvironmentName
    app: AppName
    state: MemberState
    because: str = ""
    deployment: Deployment | None = None
    """The one under way, else the last."""


class EnvironmentStanding(Value, kw_only=True):
    """How the apps of an environment do."""

    name: EnvironmentName
    state: EnvironmentState
    lease: Tenure
    because: str = ""
    created_at: datetime
    created_by: str
    members: tuple[Standing, ...] = ()


class MemberView(Value, kw_only=True):
    """An app in an environment."""

    environment: EnvironmentName
    app: AppName
    state: MemberState
    because: str = ""
    live: int | None = None
    wanted: int = 0
    healthy: int = 0
    urls: tuple[str, ...] = ()
    split: dict[str, int] = msgspec.field(default_factory=dict)
    dependencies: tuple[AppName, ...] = ()
    """Of the release that serves, or of the one that is to be the first."""
    deployment: Deployment | None = None
    """The one under way, else the last."""
    containers: tuple[Container, ...] = ()
    """Those not forgotten, by process and slot."""
    used: dict[ContainerId, Use] = msgspec.field(default_factory=dict)
    """What those use that run, where it was measured."""

    @property
    def serves(self) -> bool:
        """Whether all that is wanted of the live release is healthy, whatever is under way.

        An app that has jobs only serves them.
        """
        if self.live is None or self.state is MemberState.STOPPED:
            return False
        return self.healthy >= self.wanted


class EnvironmentView(Value, kw_only=True):
    """An environment and its members."""

    name: EnvironmentName
    id: str
    state: EnvironmentState
    lease: Tenure
    under: LeaseId | None = None
    because: str = ""
    created_at: datetime
    created_by: str
    members: tuple[MemberView, ...] = ()


class Started(Value, kw_only=True):
    """What `start`, `deploy` and the like set in motion."""

    environment: EnvironmentName
    deployments: tuple[Deployment, ...] = ()
    unchanged: tuple[AppName, ...] = ()
    """Apps that were as asked for already."""
    plan: tuple["PlannedChange", ...] = ()
    """Only when a plan was asked for: nothing was set in motion then."""
    reserves: Reserved = Reserved()
    """Only with a plan: what it would reserve in addition; negative when it frees."""


class PlannedChange(Value, kw_only=True):
    """One change that would be made."""

    app: AppName | None
    verb: str
    what: str
    because: str


class ConfigValue(Value, kw_only=True):
    """A config key as it may be shown."""

    key: str
    value: str | None
    """None where it must not be shown (a secret) or is not set."""
    secret: bool = False
    required: bool = False
    default: bool = False
    """The value is the manifest's default."""


class ConfigView(Value, kw_only=True):
    """The config of an app in an environment."""

    environment: EnvironmentName
    app: AppName
    number: int
    values: tuple[ConfigValue, ...] = ()
    missing: tuple[str, ...] = ()
    deployment: Deployment | None = None
    """After a change: the deployment that carries it out."""
    plan: tuple[PlannedChange, ...] = ()
    """Only when a plan was asked for: nothing was changed then."""


class ConfigVersion(Value, kw_only=True):
    """The config of an app as one change left it."""

    environment: EnvironmentName
    app: AppName
    change: ConfigChange
    last: int
    """The number of the last change there is."""
    releases: tuple[int, ...] = ()
    """Releases that have it, the newest first."""
    values: tuple[ConfigValue, ...] | None = None
    """None: no release was made with it, so that its values are not kept."""
    differences: tuple["ConfigDifference", ...] | None = None
    """From what was before; None where that is not kept."""


class ConfigDifference(Value, kw_only=True):
    """A key that differs; secrets show only that they do."""

    key: str
    before: str | None
    """None where it must not be shown, or is not set."""
    after: str | None
    secret: bool = False
    was_set: bool = True
    is_set: bool = True


class Difference(Value, kw_only=True):
    """An app that differs between two environments."""

    app: AppName
    left: str
    """Such as `v3 (4f1c2e)`, or `absent`."""
    right: str
    config: tuple[ConfigDifference, ...] = ()


class ReleaseView(Value, kw_only=True):
    """A release, without what must not be shown."""

    app: AppName
    number: int
    fingerprint: str
    commit: Commit | None = None
    branch: str | None = None
    dirty: bool = False
    config_number: int = 0
    live: bool = False
    created_at: datetime
    created_by: str


class LogEntry(Value, kw_only=True):
    """A log line and who wrote it."""

    container: ContainerId
    app: AppName
    label: str
    release: int
    line: LogLine


class Why(Value, kw_only=True):
    """Why something is as it is."""

    thing: str
    state: str
    because: str
    chain: tuple[Event, ...] = ()
    """What led here, oldest first."""
    next: tuple[str, ...] = ()


class PoolView(Value, kw_only=True):
    """A pool, what it has, and what becomes of it next."""

    pool: Pool
    nodes: tuple[PoolNode, ...] = ()
    """Those that were asked of a provider."""
    ready: int = 0
    """Nodes that take containers."""
    price_hour: float = 0.0
    """Of its nodes now."""
    waiting: int = 0
    """So many wait for room."""
    pending: tuple[str, ...] = ()
    """What is wanted and cannot be, each with the reason."""
    next: tuple[PlannedChange, ...] = ()
    """What the next decision would do as things are now."""
    flags: tuple[str, ...] = ()
    """What is wrong with its machines."""


class NodeView(Value, kw_only=True):
    """A node, and what is reserved of it."""

    node: Node
    reserved: Reserved
    containers: int
    used: Use | None = None
    """What runs there uses; None where it was not measured."""
    hold: NodeHold | None = None
    """What people or loops have said of it."""
    away_at: datetime | None = None
    """Since when it is not heard from."""
    leases: tuple[LeaseId, ...] = ()
    """That keep it, or a part of it."""
    kept: tuple[str, ...] = ()
    """The same in words, with what each keeps."""
    there: tuple[str, ...] = ()
    """Each container that is there, and why a node that drains is not empty yet. Only where one
    node was asked for."""


class Check(Value, kw_only=True):
    """One thing that `doctor` looked at."""

    name: str
    ok: bool
    detail: str
    fix: str = ""


class Page(Value, kw_only=True):
    """A part of a long list."""

    items: tuple[Any, ...]
    next: str | None = None
    """Cursor for the following part; None at the end."""


class Refusal(Value, kw_only=True):
    """A problem as the API answers it (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    hint: str = ""
    problems: tuple[Problem, ...] = ()
    next: tuple[str, ...] = ()
    """Commands that help."""
    id: str = ""
    """Names this answer in the server's log."""


class Invoked(Value, kw_only=True):
    """The runs that were asked for, in that order; some may have been there already."""

    ids: tuple[RunId, ...]
    states: tuple[RunState, ...]


class RunView(Value, kw_only=True):
    """A run, and what is known of it in this moment."""

    run: Run
    environment: EnvironmentName
    progress: dict[str, Any] | None = None
    """`percent` and `text` of its last line of progress."""
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


class RunAgain(Value, kw_only=True):
    """A run that was dead, and the one that repeats it."""

    run: RunId
    again: RunId


class LeftDead(Value, kw_only=True):
    """A run that stays on the dead-letter list, and why."""

    run: RunId
    because: str


class Replayed(Value, kw_only=True):
    """Runs of the dead-letter list that are made again."""

    runs: tuple[RunAgain, ...]
    left: tuple[LeftDead, ...] = ()
    after: RunId | None = None
    """Asking again behind this one gives the following; None is the end."""


class Emptied(Value, kw_only=True):
    """Runs that were taken off the dead-letter list."""

    runs: tuple[RunId, ...]
    after: RunId | None = None
    """Asking again behind this one gives the following; None is the end."""


class JobView(Value, kw_only=True):
    """A job of an app in an environment."""

    environment: EnvironmentName
    app: AppName
    release: int
    job: Job
    pool: PoolName | None = None
    """Where its runs go, as the job or its app says; None: wherever there is room."""
    waiting: int = 0
    """Runs that are queued in its queue's lanes of this job."""
    running: int = 0
    schedules: tuple[str, ...] = ()
    last: Run | None = None


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


class ScheduleView(Value, kw_only=True):
    """A schedule of an app in an environment."""

    environment: EnvironmentName
    state: ScheduleState
    next: tuple[datetime, ...] = ()
    """The next times, as far as it is not paused."""


class LeaseView(Value, kw_only=True):
    """A lease, its place in the line, and what it holds."""

    lease: Lease
    ahead: int = 0
    """While it waits: how many wait ahead of it."""
    waiting: int = 0
    """How many wait for the same."""
    holds: tuple[EnvironmentName, ...] = ()
    """Environments that end with it."""


class TokenView(Value, kw_only=True):
    """A token, without its secret, which nobody can show again."""

    id: str
    name: str
    role: Role
    teams: tuple[str, ...] = ()
    created_at: datetime
    created_by: str
    expires_at: datetime | None = None
    used_at: datetime | None = None


class TokenMade(Value, kw_only=True):
    """A new token. Its secret is shown this once."""

    secret: str
    token: TokenView


class LinkMade(Value, kw_only=True):
    """An address that signs a browser in, once."""

    path: str
    """What follows the host."""
    expires_at: datetime


class SessionView(Value, kw_only=True):
    """A browser that is signed in."""

    id: str
    name: str
    """Whose token it was opened with."""
    role: Role
    agent: str
    address: str
    created_at: datetime
    expires_at: datetime
    seen_at: datetime
