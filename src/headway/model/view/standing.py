"""How the apps of an environment do, in a word each."""

from datetime import datetime
from enum import StrEnum

from headway.model.deployment import Deployment
from headway.model.environment import EnvironmentState
from headway.model.ids import AppName, EnvironmentName
from headway.model.lease import Tenure
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
    STUCK = "stuck"
    """What is wanted of it has no room, and none is about to come."""
    PAUSED = "paused"
    REVERTING = "reverting"
    STOPPED = "stopped"
    FAILED = "failed"


QUIET = frozenset({MemberState.HEALTHY, MemberState.STOPPED})
"""Nothing is wrong with what is in one of these, and nothing moves."""
HOPELESS = frozenset({MemberState.STUCK, MemberState.DEGRADED, MemberState.FAILED})
"""What is under way and in one of these does not come on, as things are."""


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
