"""Members and environments for tests of pages."""

from datetime import UTC, datetime, timedelta
from typing import Any

from headway.model.deployment import Deployment, DeploymentKind, Phase
from headway.model.environment import EnvironmentState
from headway.model.ids import AppName, DeploymentId, EnvironmentId, EnvironmentName
from headway.model.lease import Tenure
from headway.model.manifest import Strategy
from headway.model.view.environment import EnvironmentView, MemberView
from headway.model.view.standing import MemberState

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def deployment(app: str = "web", **fields: Any) -> Deployment:
    """One that is under way, unless `phase` says else."""
    values: dict[str, Any] = {
        "id": DeploymentId(f"dep-{app}"),
        "environment": EnvironmentId("demo~1"),
        "app": AppName(app),
        "number": 1,
        "kind": DeploymentKind.DEPLOY,
        "strategy": Strategy.ROLLING,
        "phase": Phase.STARTING,
        "created_at": NOW,
        "created_by": "ana",
        "progress_at": NOW,
    }
    return Deployment(**values | fields)


def member(app: str, state: MemberState = MemberState.HEALTHY, **fields: Any) -> MemberView:
    """One of `demo`."""
    values: dict[str, Any] = {"environment": EnvironmentName("demo"), "state": state}
    return MemberView(app=AppName(app), **values | fields)


def environment(
    name: str, *members: MemberView, ends_in: timedelta | None = None
) -> EnvironmentView:
    """One that is active, held by ana."""
    return EnvironmentView(
        name=EnvironmentName(name),
        id=f"{name}~1",
        state=EnvironmentState.ACTIVE,
        lease=Tenure(holder="ana", until=NOW + ends_in if ends_in else None),
        created_at=NOW,
        created_by="ana",
        members=members,
    )
