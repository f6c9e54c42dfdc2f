"""What a command set in motion, or would."""

from headway.model.deployment import Deployment
from headway.model.ids import AppName, EnvironmentName
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


class Started(Value, kw_only=True):
    """What `start`, `deploy` and the like set in motion."""

    environment: EnvironmentName
    deployments: tuple[Deployment, ...] = ()
    unchanged: tuple[AppName, ...] = ()
    """Apps that were as asked for already."""
    plan: tuple[PlannedChange, ...] = ()
    """Only when a plan was asked for: nothing was set in motion then."""
    obstacles: tuple[Obstacle, ...] = ()
    """Only with a plan: what would be in its way; empty when all of it would come about."""
    reserves: Reserved = Reserved()
    """Only with a plan: what it would reserve in addition; negative when it frees."""
