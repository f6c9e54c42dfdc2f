"""A container: one running copy of anything."""

from datetime import datetime
from enum import StrEnum

import msgspec

from headway.model.demand import Demand
from headway.model.failure import ProbeAnswer
from headway.model.ids import AppName, ContainerId, DeploymentId, EnvironmentId, NodeId
from headway.model.resources import Resources
from headway.model.value import Value


class ContainerKind(StrEnum):
    """What a container is for."""

    SERVICE = "service"
    RELEASE = "release"
    ONE_OFF = "one_off"
    BUILD = "build"
    RUNNER = "runner"
    """Runs the jobs of one release, each run in a sandbox of its own."""


class ContainerState(StrEnum):
    """Where a container is in its life. `EXITED` and `LOST` are ends."""

    PENDING = "pending"
    """Accepted and recorded; the engine was not told yet."""
    STARTING = "starting"
    """The engine was told, or it runs and is not healthy yet."""
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    """Was healthy, and its checks fail now."""
    DRAINING = "draining"
    """Takes no new requests; those in flight end."""
    STOPPING = "stopping"
    """Told to stop."""
    EXITED = "exited"
    LOST = "lost"
    """Its end is unknown: its node or its shim is gone."""


ENDED = frozenset({ContainerState.EXITED, ContainerState.LOST})


class Exit(Value, kw_only=True):
    """How a container ended."""

    status: int | None = None
    signal: int | None = None
    reason: str = ""
    """Set when headway or a limit ended it, such as `memory limit 256 MiB reached`."""
    at: datetime
    oom: bool = False
    told: bool = False
    """Whether it ended because headway told it to, and not of itself or by a limit."""
    wrote: str = ""
    """The last line that it wrote, as it is read, and not all of a long one."""

    @property
    def sentence(self) -> str:
        """How it ended, for people.

        >>> from datetime import UTC, datetime
        >>> Exit(status=3, at=datetime(2026, 1, 1, tzinfo=UTC)).sentence
        'exit status 3'
        """
        how = (
            f"killed by signal {self.signal}"
            if self.signal is not None
            else f"exit status {self.status}"
            if self.status is not None
            else "end unknown"
        )
        return f"{how}: {self.reason}" if self.reason else how

    @property
    def account(self) -> str:
        """How it ended, and what it wrote last.

        >>> from datetime import UTC, datetime
        >>> Exit(status=3, at=datetime(2026, 1, 1, tzinfo=UTC), wrote="no index").account
        'exit status 3, after it wrote “no index”'
        """
        return f"{self.sentence}, after it wrote “{self.wrote}”" if self.wrote else self.sentence


class Container(Value, kw_only=True):
    """One running copy: what it is, where it is, how it does."""

    id: ContainerId
    environment: EnvironmentId
    app: AppName
    kind: ContainerKind = ContainerKind.SERVICE
    process: str
    release: int
    slot: int = 1
    """1 … scale: `web.1`, `web.2`. For a daemon, one slot a node."""
    daemon: bool = False
    """Whether it runs once on each node that matches."""
    deployment: DeploymentId | None = None
    command: str = ""
    """For a one-off or a release command; a service's is in the release."""
    timeout_s: float | None = None
    """For a one-off: ended when it runs longer."""
    node: NodeId
    state: ContainerState = ContainerState.PENDING
    because: str = ""
    """Why it was started, and later why it is being stopped."""
    restarts: int = 0
    """Failures of this slot in a row before this container."""
    resources: Resources = Resources()
    demand: Demand | None = None
    """What it was placed by; None is no more than its resources."""
    host: str = "127.0.0.1"
    ports: dict[str, int] = msgspec.field(default_factory=dict)
    """Expose name to the port on `host`, once the engine has given it."""
    created_at: datetime
    started_at: datetime | None = None
    healthy_at: datetime | None = None
    """Since when it has been healthy without a break."""
    draining_at: datetime | None = None
    stopping_at: datetime | None = None
    preempted: str = ""
    """That it is to leave so that another takes its place, and who does; empty: it is not."""
    probe: ProbeAnswer | None = None
    exit: Exit | None = None
    retired: bool = False
    """Ended, and nothing needs to look at it any more."""
    version: int = 0

    @property
    def label(self) -> str:
        """Its name among the app's containers, such as `web.2`, `run.c3d69` or `release`."""
        if self.kind is ContainerKind.ONE_OFF:
            return f"run.{self.id[-5:]}"
        if self.kind is ContainerKind.SERVICE:
            return f"{self.process}.{self.slot}"
        return self.kind.value

    @property
    def own_names(self) -> tuple[str, ...]:
        """What it is called within its app, such as `web.2` and, as all copies are, `web`."""
        copies = (self.process,) if self.kind is ContainerKind.SERVICE else ()
        return (self.label, *copies)

    @property
    def full_names(self) -> tuple[str, ...]:
        """What it is called within its environment: as its id, `shop`, `shop.2`, `shop/web.2`."""
        own = (f"{self.app}/{name}" for name in self.own_names)
        return (self.id, self.app, f"{self.app}.{self.slot}", *own)

    @property
    def is_ended(self) -> bool:
        """Whether it runs no more."""
        return self.state in ENDED
