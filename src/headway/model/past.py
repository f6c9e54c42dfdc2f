"""What is kept of an environment that has ended."""

from datetime import datetime

import msgspec

from headway.model.container import Container
from headway.model.deployment import Deployment
from headway.model.environment import EnvironmentState
from headway.model.ids import AppName, EnvironmentId, EnvironmentName, LeaseId
from headway.model.value import Value


class Life(Value, kw_only=True):
    """One life of an environment: a name may have several, one after another."""

    id: EnvironmentId
    name: EnvironmentName
    state: EnvironmentState
    because: str = ""
    """Why it ends or ended."""
    holder: str
    until: datetime | None = None
    """When its lease would have ended; None: never."""
    under: LeaseId | None = None
    created_at: datetime
    created_by: str
    ended_at: datetime | None = None


class PastView(Value, kw_only=True):
    """One life, and what is kept of it."""

    life: Life
    deployments: tuple[Deployment, ...] = ()
    """The last ones, the newest first."""
    deployed: dict[AppName, int] = msgspec.field(default_factory=dict)
    """Each app that was in it, and how often it was deployed."""
    containers: tuple[Container, ...] = ()
    """Those whose lines are kept, the newest first."""
    others: tuple[Life, ...] = ()
    """Of the same name, the newest first."""
