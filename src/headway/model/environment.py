"""An environment: a named, isolated set of deployed apps, held under a lease."""

from datetime import datetime
from enum import StrEnum

import msgspec

from headway.model.ids import AppName, EnvironmentId, EnvironmentName, LeaseId, environment_name
from headway.model.lease import Tenure
from headway.model.value import Value

PRODUCTION = EnvironmentName("production")


class EnvironmentState(StrEnum):
    """Where an environment is in its life."""

    ACTIVE = "active"
    ENDING = "ending"
    ENDED = "ended"


NOT_ENDED = (EnvironmentState.ACTIVE, EnvironmentState.ENDING)


class Environment(Value, kw_only=True):
    """One life of a named environment."""

    id: EnvironmentId
    lease: Tenure
    under: LeaseId | None = None
    """The lease of a node or of capacity that it was started under: it runs there, and ends with
    it."""
    state: EnvironmentState = EnvironmentState.ACTIVE
    because: str = ""
    """Why it is ending or ended."""
    created_at: datetime
    created_by: str
    ended_at: datetime | None = None
    version: int = 0

    @property
    def name(self) -> EnvironmentName:
        """The name people use."""
        return environment_name(self.id)


class Member(Value, kw_only=True):
    """An app in an environment: what is live, how many, and how requests are shared."""

    environment: EnvironmentId
    app: AppName
    live: int | None = None
    """Number of the release that serves, None before the first deployment succeeded."""
    scale: dict[str, int] = msgspec.field(default_factory=dict)
    """Process type to copies, where it differs from the manifest."""
    split: dict[str, int] = msgspec.field(default_factory=dict)
    """Release number to percent of requests; empty: every serving container gets its equal part."""
    tcp_ports: dict[str, int] = msgspec.field(default_factory=dict)
    """Expose name to the router's stable port, for exposes that are not HTTP."""
    stopped: bool = False
    """Asked to have no containers."""
    version: int = 0
