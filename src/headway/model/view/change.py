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


class Started(Value, kw_only=True):
    """What `start`, `deploy` and the like set in motion."""

    environment: EnvironmentName
    deployments: tuple[Deployment, ...] = ()
    unchanged: tuple[AppName, ...] = ()
    """Apps that were as asked for already."""
    plan: tuple[PlannedChange, ...] = ()
    """Only when a plan was asked for: nothing was set in motion then."""
    reserves: Reserved = Reserved()
    """Only with a plan: what it would reserve in addition; negative when it frees."""
