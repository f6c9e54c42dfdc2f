"""The story of a deployment."""

import msgspec

from headway.model.build import Build
from headway.model.container import Container
from headway.model.deployment import Deployment
from headway.model.event import Event
from headway.model.ids import EnvironmentName
from headway.model.value import Value


class DeploymentStory(Value, kw_only=True):
    """A deployment, and what tells how it went."""

    deployment: Deployment
    environment: EnvironmentName
    is_there: bool
    """Whether its environment has not ended."""
    live: int | None
    """The release that serves now."""
    split: dict[str, int] = msgspec.field(default_factory=dict)
    build: Build | None = None
    containers: tuple[Container, ...] = ()
    """Those that it started, the oldest first."""
    reasons: tuple[Event, ...] = ()
    next: Deployment | None = None
    """The one of the same app after it."""
