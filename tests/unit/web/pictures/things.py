"""Values to draw."""

from datetime import UTC, datetime, timedelta

from headway.model.container import Container, ContainerState, Exit
from headway.model.deployment import Deployment, DeploymentKind, Phase, advanced
from headway.model.failure import ProbeAnswer
from headway.model.ids import (
    AppName,
    ContainerId,
    DeploymentId,
    EnvironmentId,
    EnvironmentName,
    NodeId,
    RunId,
)
from headway.model.manifest import Strategy
from headway.model.queue import Queue, QueueHold
from headway.model.run import Attempt, Run, RunState
from headway.model.view.queue import QueueView

NOW = datetime(2026, 11, 30, 9, 30, tzinfo=UTC)
DEMO = EnvironmentId("demo~1")


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def attempt(number: int, began: float, took: float | None, outcome: RunState | None) -> Attempt:
    return Attempt(
        number=number,
        release=3,
        runner=ContainerId("c1"),
        node=NodeId("n1"),
        ordered_at=ago(began + 1),
        began_at=ago(began),
        ended_at=None if took is None else ago(began - took),
        outcome=outcome,
        because="" if outcome is RunState.SUCCEEDED else "exit status 3",
    )


def run(number: int, state: RunState, *attempts: Attempt, created: float = 3600) -> Run:
    return Run(
        id=RunId(f"run-{number:04}"),
        environment=DEMO,
        app=AppName("shop"),
        job="nightly",
        state=state,
        queue="default",
        attempts=attempts,
        created_at=ago(created),
        created_by="ana",
    )


def deployment(*steps: tuple[float, Phase, str, str]) -> Deployment:
    row = Deployment(
        id=DeploymentId("dep-1"),
        environment=DEMO,
        app=AppName("web"),
        number=12,
        kind=DeploymentKind.DEPLOY,
        strategy=Strategy.ROLLING,
        created_at=ago(40),
        created_by="ana",
        progress_at=ago(40),
    )
    for seconds, phase, what, because in steps:
        row = advanced(row, phase, ago(40 - seconds), what, because)
    return row


def container(slot: int, *, healthy: float | None, ended: float | None, answer: str) -> Container:
    return Container(
        id=ContainerId(f"c{slot}"),
        environment=DEMO,
        app=AppName("web"),
        process="web",
        release=12,
        slot=slot,
        deployment=DeploymentId("dep-1"),
        node=NodeId("n1"),
        state=ContainerState.EXITED if ended is not None else ContainerState.HEALTHY,
        created_at=ago(18),
        healthy_at=None if healthy is None else ago(healthy),
        exit=None if ended is None else Exit(status=1, at=ago(ended)),
        probe=ProbeAnswer(asked="GET /health", healthy=ended is None, answer=answer, tries=3),
    )


def queue(
    *, running: int = 0, waiting: int = 0, concurrency: int | None = None, paused: bool = False
) -> QueueView:
    hold = QueueHold(environment=DEMO, app=AppName("shop"), name="mail", paused=paused)
    return QueueView(
        environment=EnvironmentName("demo"),
        app=AppName("shop"),
        queue=Queue(name="mail", concurrency=concurrency),
        running=running,
        waiting=waiting,
        oldest_s=75.0 if waiting else None,
        hold=hold,
    )
