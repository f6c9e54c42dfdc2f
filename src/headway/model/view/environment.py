"""Environments and their members, as they are shown."""

from datetime import datetime

import msgspec

from headway.model.container import Container
from headway.model.deployment import Deployment
from headway.model.environment import EnvironmentState
from headway.model.figures import Use
from headway.model.ids import AppName, ContainerId, EnvironmentName, LeaseId
from headway.model.lease import Tenure
from headway.model.value import Value
from headway.model.view.standing import MemberState


class MemberView(Value, kw_only=True):
    """An app in an environment."""

    environment: EnvironmentName
    app: AppName
    state: MemberState
    because: str = ""
    live: int | None = None
    wanted: int = 0
    healthy: int = 0
    urls: tuple[str, ...] = ()
    split: dict[str, int] = msgspec.field(default_factory=dict)
    dependencies: tuple[AppName, ...] = ()
    """Of the release that serves, or of the one that is to be the first."""
    deployment: Deployment | None = None
    """The one under way, else the last."""
    not_kept: bool = False
    """Whether the last came to nothing within a day, and what served before goes on."""
    containers: tuple[Container, ...] = ()
    """Those not forgotten, by process and slot."""
    used: dict[ContainerId, Use] = msgspec.field(default_factory=dict)
    """What those use that run, where it was measured."""

    @property
    def serves(self) -> bool:
        """Whether all that is wanted of the live release is healthy, whatever is under way.

        An app that has jobs only serves them.
        """
        if self.live is None or self.state is MemberState.STOPPED:
            return False
        return self.healthy >= self.wanted


class EnvironmentView(Value, kw_only=True):
    """An environment and its members."""

    name: EnvironmentName
    id: str
    state: EnvironmentState
    lease: Tenure
    under: LeaseId | None = None
    because: str = ""
    created_at: datetime
    created_by: str
    members: tuple[MemberView, ...] = ()
