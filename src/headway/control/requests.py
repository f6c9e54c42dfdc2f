"""What may be asked for, as values."""

from datetime import datetime

import msgspec

from headway.model.app import Commit
from headway.model.deployment import DeploymentKind
from headway.model.ids import AppName, ContainerId, Digest
from headway.model.manifest import Strategy
from headway.model.value import Value


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
    """To be the newest of their apps from now on."""
    chosen: dict[AppName, Digest] = msgspec.field(default_factory=dict)
    """Sources to use this once instead of the newest."""
    lease_s: float | None = None
    """Of a new environment; None: 8 hours, or without end for production."""
    reason: str = ""
    plan: bool = False


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
    Then `tail` counts for nothing, and `since` for the containers that are not in it."""
