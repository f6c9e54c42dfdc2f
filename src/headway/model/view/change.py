"""What a command set in motion, or would."""

from headway.model.deployment import Deployment
from headway.model.ids import AppName, Digest, EnvironmentName
from headway.model.snapshot import Reserved
from headway.model.value import Value


class PlannedChange(Value, kw_only=True):
    """One change that would be made."""

    app: AppName | None
    verb: str
    what: str
    because: str


class Obstacle(Value, kw_only=True):
    """Why an app would not become what was asked for."""

    app: AppName
    what: str
    """Such as `would fail`."""
    because: str


class NotDeployed(Value, kw_only=True):
    """An app that was asked for, and whose newest source, or the one that was meant, is not used.

    What runs, or ran before it was stopped, is of another one, and a start leaves that as it is.
    """

    app: AppName
    source: Digest
    because: str
    next: str
    """The command that deploys it."""


class Started(Value, kw_only=True):
    """What `start`, `deploy` and the like set in motion."""

    environment: EnvironmentName
    deployments: tuple[Deployment, ...] = ()
    """None with a plan."""
    unchanged: tuple[AppName, ...] = ()
    """Apps that were as asked for already."""
    not_deployed: tuple[NotDeployed, ...] = ()
    plan: tuple[PlannedChange, ...] = ()
    """Only when a plan was asked for: nothing was set in motion then."""
    obstacles: tuple[Obstacle, ...] = ()
    """Only with a plan: what would be in its way; empty when all of it would come about."""
    reserves: Reserved = Reserved()
    """Only with a plan: what it would reserve in addition; negative when it frees."""
