"""What may be asked for, as values."""

from datetime import datetime
from typing import Annotated

import msgspec

from headway.model.app import Commit
from headway.model.deployment import DeploymentKind
from headway.model.ids import AppName, ContainerId, Digest, LeaseId, RunId
from headway.model.lease import ClaimKind
from headway.model.manifest import Strategy
from headway.model.role import Role
from headway.model.run import After, Run, RunState, nothing
from headway.model.value import Value

ReleaseNumber = Annotated[int, msgspec.Meta(ge=1, le=10**9)]


class Provenance(Value, kw_only=True):
    """Where a source comes from, as its sender says."""

    name: str
    """Of the directory: the app's name where the manifest gives none."""
    commit: Commit | None = None
    branch: str | None = None
    dirty: bool = False


class StartRequest(Value, kw_only=True):
    """Bring apps up with everything they need."""

    apps: tuple[AppName, ...]
    sources: tuple[Digest, ...] = ()
    """To be the newest of their apps from now on; one that is older than that is used this once."""
    chosen: dict[AppName, Digest] = msgspec.field(default_factory=dict)
    """Sources to use this once instead of the newest."""
    of: dict[AppName, str] = msgspec.field(default_factory=dict)
    """The same, by a branch, or by the beginning of a commit or of a digest."""
    lease_s: float | None = None
    """Of a new environment; None: 8 hours, or without end for production."""
    under: LeaseId | None = None
    """A lease of a node or of capacity: a new environment runs there, and ends with it."""
    reason: str = ""
    plan: bool = False

    @property
    def meant(self) -> frozenset[AppName]:
        """Apps that were named, not only needed by others."""
        return frozenset((*self.apps, *self.chosen))


class DeployRequest(Value, kw_only=True):
    """Move an app to another release."""

    kind: DeploymentKind = DeploymentKind.DEPLOY
    source: Digest | None = None
    """None: the app's newest."""
    release: int | None = None
    """For a rollback; None: the one that served before."""
    scale: dict[str, int] = msgspec.field(default_factory=dict)
    strategy: Strategy | None = None
    """None: the manifest's."""
    canary_percent: int | None = None
    """A canary with this one step, that waits for `promote`."""
    replace: bool = False
    """Make deployments of the app that have not ended give way."""
    reason: str = ""
    commits: tuple[Commit, ...] = ()
    plan: bool = False


class NewValue(Value, kw_only=True):
    """A config value to set."""

    value: str
    secret: bool = False


class ConfigRequest(Value, kw_only=True):
    """Change config; a running app gets a new release."""

    set: dict[str, NewValue] = msgspec.field(default_factory=dict)
    unset: tuple[str, ...] = ()
    deploy: bool = True
    reason: str = ""
    plan: bool = False


class RunRequest(Value, kw_only=True):
    """Run a command once, in a container of the live release."""

    command: str = ""
    process: str | None = None
    """Whose resources it gets; None: the first process type's."""
    timeout_s: float | None = 3600.0
    wait_for_exec: bool = False
    """Only wait, so that a terminal can be opened in it."""


class Invocation(Value, kw_only=True, forbid_unknown_fields=True):
    """Make one run of a job."""

    id: RunId | None = None
    """Chosen by who asks, so that asking again makes no second run."""
    parameters: msgspec.Raw = msgspec.field(default_factory=nothing)
    at: datetime | None = None
    """Aware. Not before then."""
    delay_s: float | None = None
    """Not before so much later."""
    after: tuple[After, ...] = ()
    """Not before these have succeeded; when one ends otherwise, it is cancelled."""
    key: str | None = None
    """Asking again with the same key gives the run that there is."""
    unique: str | None = None
    """While a run with this has not ended, asking gives that one."""
    priority: int | None = None
    queue: str | None = None
    tags: dict[str, str] = msgspec.field(default_factory=dict)
    deadline_at: datetime | None = None
    """Aware. It expires when it has not begun by then."""
    release: ReleaseNumber | None = None
    """The release that is to run it, rather than the one that is live then."""


class HoldRequest(Value, kw_only=True):
    """Pause a queue, have it drain, or with neither let it go on."""

    environment: str
    app: str
    queue: str
    paused: bool = False
    """Nothing of it starts."""
    draining: bool = False
    """It takes nothing new."""
    reason: str = ""


class RunQuestion(Value, kw_only=True):
    """Which runs."""

    environment: str | None = None
    app: str | None = None
    job: str | None = None
    queue: str | None = None
    state: tuple[RunState, ...] = ()
    """Any of these; none: all."""
    tags: dict[str, str] = msgspec.field(default_factory=dict)
    parameters: dict[str, str] = msgspec.field(default_factory=dict)
    """Each must be among the parameters, written as JSON or as a text."""
    since: datetime | None = None
    until: datetime | None = None
    before: str | None = None
    limit: int = 100

    def matches(self, run: Run) -> bool:
        """Say whether a run is one of those."""
        return (
            (not self.state or run.state in self.state)
            and self.app in (None, run.app)
            and self.job in (None, run.job, f"{run.app}/{run.job}")
            and self.queue in (None, run.queue, f"{run.app}/{run.queue}")
            and (self.since is None or run.created_at >= self.since)
            and (self.until is None or run.created_at < self.until)
            and all(run.tags.get(key) == value for key, value in self.tags.items())
            and (not self.parameters or self._has_parameters(run))
        )

    def _has_parameters(self, run: Run) -> bool:
        given = msgspec.json.decode(run.parameters)
        return all(
            key in given and wanted in (given[key], msgspec.json.encode(given[key]).decode())
            for key, wanted in self.parameters.items()
        )


class DeadQuestion(Value, kw_only=True):
    """Which runs of the dead-letter list, oldest first."""

    runs: tuple[RunId, ...] = ()
    """These, as far as the rest holds for them; none named: all."""
    environment: str | None = None
    app: str | None = None
    job: str | None = None
    queue: str | None = None
    after: RunId | None = None
    """Only those made later than this one."""
    limit: int = 1000

    def matches(self, run: Run, owner: str | None) -> bool:
        """Say whether a run is one of those; `owner` is the id of the environment."""
        return (
            run.state is RunState.DEAD
            and owner in (None, run.environment)
            and self.app in (None, run.app)
            and self.job in (None, run.job, f"{run.app}/{run.job}")
            and self.queue in (None, run.queue, f"{run.app}/{run.queue}")
        )


class LogQuestion(Value, kw_only=True):
    """Which lines of which containers."""

    apps: tuple[AppName, ...] = ()
    """With `containers`: those of any of them. Neither: all."""
    containers: tuple[ContainerId, ...] = ()
    process: str | None = None
    tail: int | None = 100
    """Lines at the most; None: all."""
    since: datetime | None = None
    """Aware."""
    follow: bool = False
    after: dict[ContainerId, int] = msgspec.field(default_factory=dict)
    """To follow on where an earlier stream broke off: the cursor of each container's last line.
    Then `tail` counts for nothing, and `since` for the containers that are not in it; where that
    is not said, the newest of these lines tells until when the stream had come."""


class LeaseRequest(Value, kw_only=True):
    """Claim something until a time."""

    id: LeaseId | None = None
    """Chosen by who asks, so that asking again makes no second lease."""
    kind: ClaimKind
    name: str
    """Of the lock, the node or the pool."""
    length_s: float
    places: int | None = None
    """Of a lock: how many may hold it at once. None: as it is, and 1 where nobody has it."""
    cpu: float = 0.0
    """Of capacity."""
    memory_mib: int = 0
    from_at: datetime | None = None
    """Of capacity: aware. None: from now on."""
    wait: bool = False
    """Wait in line where others hold it, rather than be refused."""
    reason: str = ""


class TokenRequest(Value, kw_only=True):
    """A token that is to be made."""

    name: str
    role: Role
    teams: tuple[str, ...] = ()
    length_s: float | None = None
    """How long it is good; None: until it is revoked."""
