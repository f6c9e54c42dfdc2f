"""A deployment moves an app in an environment to a release."""

from datetime import datetime
from enum import StrEnum

import msgspec

from headway.model.app import Commit
from headway.model.failure import Failure
from headway.model.ids import AppName, BuildId, ContainerId, DeploymentId, Digest, EnvironmentId
from headway.model.manifest import Canary, Strategy
from headway.model.value import Value


class DeploymentKind(StrEnum):
    """What was asked for."""

    START = "start"
    DEPLOY = "deploy"
    ROLLBACK = "rollback"
    REDEPLOY = "redeploy"
    CONFIG = "config"
    SCALE = "scale"


class Phase(StrEnum):
    """What a deployment is doing. The last five are ends."""

    QUEUED = "queued"
    """Behind another deployment of the same app."""
    BUILDING = "building"
    WAITING = "waiting"
    """For its dependencies to be healthy."""
    RELEASING = "releasing"
    """The release command runs."""
    STARTING = "starting"
    """Containers of the new release start and take traffic as the strategy says."""
    PAUSED = "paused"
    """A canary step waits: for its time, its judgement or `promote`."""
    SWITCHING = "switching"
    """Every container of the new release is good; the router moves all requests to it."""
    REVERTING = "reverting"
    """Going back to the last good release."""
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    """Failed, and there was nothing to go back to."""
    ROLLED_BACK = "rolled_back"
    """Failed, and the last good release serves."""
    ABORTED = "aborted"
    """Stopped by a person; the last good release serves."""
    REPLACED = "replaced"
    """A later deployment of the app took its place before it changed anything lasting."""


ENDED = frozenset({Phase.SUCCEEDED, Phase.FAILED, Phase.ROLLED_BACK, Phase.ABORTED, Phase.REPLACED})
NOT_KEPT = frozenset({Phase.FAILED, Phase.ROLLED_BACK})
"""Ends after which what served before goes on, if anything did."""

MOVING = frozenset({Phase.STARTING, Phase.PAUSED, Phase.SWITCHING, Phase.REVERTING})
"""Phases in which the deployment decides which containers run."""


class Ask(StrEnum):
    """What a person wants of a deployment under way."""

    NONE = "none"
    PROMOTE = "promote"
    ABORT = "abort"
    REPLACE = "replace"
    """Make way for a later deployment."""


class Step(Value, kw_only=True):
    """One line of a deployment's story."""

    at: datetime
    what: str
    because: str = ""


class CanaryProgress(Value, kw_only=True):
    """Where a canary is."""

    step: int = 0
    since: datetime | None = None
    requests_new: int = 0
    """The router's counters when the step began, so that only this step is judged."""
    errors_new: int = 0
    requests_old: int = 0
    errors_old: int = 0


class Deployment(Value, kw_only=True):
    """One move of one app to one release, and its story."""

    id: DeploymentId
    environment: EnvironmentId
    app: AppName
    number: int
    """1, 2 … per app and environment."""
    kind: DeploymentKind
    strategy: Strategy
    asked_strategy: Strategy | None = None
    """The one that was asked for; else it is that of the release, known once there is one."""
    phase: Phase = Phase.QUEUED
    source: Digest | None = None
    """What to build; None when `release` was chosen at the start."""
    build: BuildId | None = None
    release: int | None = None
    previous: int | None = None
    """The release that served when this deployment began: where a rollback goes."""
    scale: dict[str, int] | None = None
    """For SCALE: the copies asked for, per process type."""
    previous_scale: dict[str, int] | None = None
    """For SCALE: those that there were when it began; where it comes to nothing they are again."""
    was_stopped: bool = False
    """The app was stopped when this began: where it fails, the app is stopped again."""
    release_container: ContainerId | None = None
    policy: Canary | None = None
    """A canary's steps, where they were asked for and are not the manifest's."""
    canary: CanaryProgress = CanaryProgress()
    outcome: Phase | None = None
    """While reverting: the end it will have."""
    asked: Ask = Ask.NONE
    asked_by: str = ""
    reason: str = ""
    """Why it was asked for, in the words of whoever asked."""
    waits_for: tuple[AppName, ...] = ()
    because: str = ""
    """Why it is in this phase."""
    failure: Failure | None = None
    steps: tuple[Step, ...] = ()
    commits: tuple[Commit, ...] = ()
    """Between the release that served and this one, newest first."""
    config_changed: tuple[str, ...] = ()
    """Config keys that differ from the release that served."""
    created_at: datetime
    created_by: str
    progress_at: datetime
    """When it last came closer to its end; the progress deadline counts from here."""
    ended_at: datetime | None = None
    version: int = 0

    @property
    def is_ended(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.phase in ENDED

    @property
    def can_promote(self) -> bool:
        """Whether a person may let it take everything now."""
        is_canary = self.strategy is Strategy.CANARY
        return is_canary and not self.is_ended and self.asked is Ask.NONE

    @property
    def can_abort(self) -> bool:
        """Whether a person may stop it."""
        is_late = self.phase in (Phase.SWITCHING, Phase.REVERTING)
        return not is_late and not self.is_ended and self.asked is Ask.NONE


def advanced(
    deployment: Deployment, phase: Phase, at: datetime, what: str, because: str = ""
) -> Deployment:
    """Move a deployment to a phase and add the step to its story."""
    return msgspec.structs.replace(
        deployment,
        phase=phase,
        because=because or what,
        progress_at=at,
        ended_at=at if phase in ENDED else None,
        steps=(*deployment.steps, Step(at=at, what=what, because=because)),
    )
