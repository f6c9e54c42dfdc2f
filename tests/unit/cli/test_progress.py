"""Waiting: it ends when the work has ended, whatever the stream of events does."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import click
import pytest

from headway.cli.errors import REFUSED, Failed
from headway.cli.options import Showing
from headway.cli.progress import conclude, watch
from headway.model.container import ContainerState
from headway.model.deployment import Deployment, DeploymentKind, Phase
from headway.model.environment import EnvironmentState
from headway.model.event import Event
from headway.model.failure import Failure
from headway.model.ids import AppName, DeploymentId, EnvironmentId, EnvironmentName
from headway.model.lease import Tenure
from headway.model.manifest import Strategy
from headway.model.view.change import Started
from headway.model.view.environment import EnvironmentView, MemberView
from headway.model.view.standing import MemberState
from headway.sdk import Client
from tests.unit.calculate.rollout.test_container import container
from tests.unit.sdk.small_server import Asked, SmallServer, small_server

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
DEMO = EnvironmentId("demo~1")
UP = ContainerState.HEALTHY


def deployment(phase: Phase, **fields: object) -> Deployment:
    usual: dict[str, object] = {"because": "starting v2"}
    if phase in (Phase.SUCCEEDED, Phase.ROLLED_BACK):
        usual["ended_at"] = NOW
    return Deployment(
        id=DeploymentId("dep-1"),
        environment=DEMO,
        app=AppName("web"),
        number=1,
        kind=DeploymentKind.DEPLOY,
        strategy=Strategy.ROLLING,
        phase=phase,
        release=2,
        previous=1,
        created_at=NOW,
        created_by="ana",
        progress_at=NOW,
        **{**usual, **fields},
    )


class World:
    """One app that is deployed, and the API that tells of it."""

    def __init__(self, server: SmallServer) -> None:
        self.server = server
        self.row = deployment(Phase.STARTING)
        self.state = MemberState.STARTING
        self.healthy = 0
        self.come_up = 0
        server.answer = self.answer

    def answer(self, asked: Asked) -> None:
        path = asked.path.partition("?")[0]
        if path == "/v1/events":
            if "event-stream" in asked.headers.get("accept", ""):
                self.stream(asked)
            else:
                asked.json([])
        elif path.startswith("/v1/deployments/"):
            asked.json(self.row)
        else:
            asked.json(self.environment())

    def environment(self) -> EnvironmentView:
        state = MemberState.HEALTHY if self.row.is_ended else self.state
        member = MemberView(
            environment=EnvironmentName("demo"),
            app=AppName("web"),
            state=state,
            healthy=self.healthy,
            because=self.row.because,
            deployment=self.row,
            containers=tuple(container(release=2, state=UP) for _ in range(self.come_up)),
        )
        return EnvironmentView(
            name=EnvironmentName("demo"),
            id=DEMO,
            state=EnvironmentState.ACTIVE,
            lease=Tenure(holder="ana", until=None),
            created_at=NOW,
            created_by="ana",
            members=(member,),
        )

    def stream(self, asked: Asked) -> None:
        """Say nothing at all."""
        asked.begin_stream()
        self.server.over.wait(10)

    def event(self, asked: Asked, sequence: int) -> None:
        asked.event(
            sequence,
            Event(
                sequence=sequence,
                at=NOW,
                actor="headway",
                kind="deployment.advanced",
                subject="dep-1",
                environment=DEMO,
            ),
        )


@pytest.fixture
def world() -> Iterator[World]:
    with small_server() as server:
        yield World(server)


def waited(
    world: World, timeout_s: float = 5.0, progress: str = "quiet", *, patient: bool = False
) -> list[Deployment]:
    started = Started(environment=EnvironmentName("demo"), deployments=(world.row,))
    with Client(world.server.url, "x") as client:
        showing = Showing(timeout_s=timeout_s, progress=progress, patient=patient)
        return watch(client, started, showing)


def test_nothing_to_wait_for_asks_nothing(world):
    with Client(world.server.url, "x") as client:
        started = Started(environment=EnvironmentName("demo"))
        assert watch(client, started, Showing()) == []
    assert world.server.asked == []


def test_waiting_ends_with_the_deployment_and_says_each_state_once(world, capsys):
    def stream(asked: Asked) -> None:
        asked.begin_stream()
        for sequence in (1, 2, 3):
            world.server.over.wait(0.1)
            world.event(asked, sequence)
        world.row = deployment(Phase.SUCCEEDED, because="v2 serves everything")
        world.server.over.wait(0.1)
        world.event(asked, 4)
        world.server.over.wait(10)

    world.stream = stream
    ended = waited(world, timeout_s=30, progress="plain")
    assert [row.phase for row in ended] == [Phase.SUCCEEDED]
    assert capsys.readouterr().out.splitlines() == [
        "· web starting - starting v2",
        "✓ web healthy - v2 serves everything",
    ]


@pytest.mark.parametrize(
    ("progress", "last"),
    [
        ("plain", "✗ web rolled back - web.1 ended: exit status 1"),
        ("tty", "✗ web              rolled back"),
        ("json", '"deployment":"rolled_back"}'),
    ],
)
def test_a_deployment_that_failed_ends_with_that_and_not_with_how_well_the_old_one_does(
    world, capsys, progress, last
):
    world.row = deployment(Phase.ROLLED_BACK, because="web.1 ended: exit status 1")
    waited(world, progress=progress)
    said = click.unstyle(capsys.readouterr().out)
    assert last in said.splitlines()[-1]
    assert "✓" not in said
    assert ("healthy" in said) is (progress == "json")  # of the app, beside its deployment


def finishing_at_once(world: World, silence_s: float):
    """Two events in the same instant, and the deployment ends between them; then silence."""

    def stream(asked: Asked) -> None:
        asked.begin_stream()
        world.server.over.wait(0.2)
        before = len(world.server.asked)
        world.event(asked, 1)
        ends_at = time.monotonic() + 5
        while len(world.server.asked) < before + 1 and time.monotonic() < ends_at:
            time.sleep(0.001)
        world.row = deployment(Phase.SUCCEEDED)
        world.event(asked, 2)
        world.server.over.wait(silence_s)

    return stream


@pytest.mark.timeout(12, method="signal")
def test_the_last_of_many_events_is_not_missed(world):
    """The stream says no more after the last event, so nothing else would wake the watcher."""
    world.stream = finishing_at_once(world, silence_s=3)
    began = time.monotonic()
    assert [row.phase for row in waited(world, timeout_s=30)] == [Phase.SUCCEEDED]
    assert time.monotonic() - began < 2.5, "it waited for the stream to break"


@pytest.mark.timeout(5, method="signal")
def test_the_time_is_over_even_when_nothing_happens(world):
    began = time.monotonic()
    with pytest.raises(Failed) as failed:
        waited(world, timeout_s=0.5)
    assert failed.value.status == 8
    assert time.monotonic() - began < 4, "it waited for an event"


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr("headway.cli.in_vain._PATIENCE_S", 0.2)
    monkeypatch.setattr("headway.cli.progress._LOOK_AGAIN_S", 0.1)


@pytest.mark.timeout(12, method="signal")
@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("state", [MemberState.STUCK, MemberState.DEGRADED, MemberState.FAILED])
def test_what_comes_on_no_more_is_not_waited_for_and_says_how_many_run_and_why(
    world, capsys, state
):
    """No event tells that no node comes, so that it is looked at again of itself."""

    def stream(asked: Asked) -> None:
        asked.begin_stream()
        world.server.over.wait(0.3)
        world.state = state
        world.row = deployment(Phase.STARTING, because="4 of 5 healthy: web.5 does not fit")
        world.server.over.wait(10)

    world.stream = stream
    with pytest.raises(Failed) as failed:
        waited(world, timeout_s=9)
    assert failed.value.status == REFUSED
    said = click.unstyle(capsys.readouterr().err)
    assert f"web is {state.value}: 4 of 5 healthy: web.5 does not fit" in said
    look = "why" if state is MemberState.STUCK else "logs"
    assert f"next: headway {look} -e demo web · headway abort dep-1" in said


@pytest.mark.timeout(12, method="signal")
@pytest.mark.usefixtures("impatient")
def test_what_is_stuck_is_waited_for_where_somebody_says_so_or_while_it_comes_on(world):
    def stream(asked: Asked) -> None:
        asked.begin_stream()
        for world.come_up in range(1, 8):
            world.healthy = 8 - world.come_up  # those of v1 become fewer
            world.server.over.wait(0.15)
        world.row = deployment(Phase.SUCCEEDED)
        world.server.over.wait(10)

    world.state, world.stream = MemberState.STUCK, stream
    assert [row.phase for row in waited(world, timeout_s=9)] == [Phase.SUCCEEDED]

    def steady(asked: Asked) -> None:
        asked.begin_stream()
        world.server.over.wait(1.0)
        world.row = deployment(Phase.SUCCEEDED)
        world.server.over.wait(10)

    world.row, world.stream = deployment(Phase.STARTING), steady
    assert [row.phase for row in waited(world, 9, patient=True)] == [Phase.SUCCEEDED]


def test_what_failed_is_said_with_its_cause_and_fails_the_command(capsys):
    failure = Failure(because="it ended", exit="exit status 3", next=("headway logs web",))
    with pytest.raises(Failed) as failed:
        conclude([deployment(Phase.ROLLED_BACK, failure=failure)])
    assert failed.value.status == 1
    said = click.unstyle(capsys.readouterr().err)
    assert "web v2 was not kept: v1 serves everything" in said
    assert "exit status 3" in said
    assert "next: headway logs web" in said


def test_a_canary_that_waits_names_both_ways_on_and_is_no_failure(capsys):
    conclude([deployment(Phase.PAUSED)])
    assert "headway promote dep-1 · headway abort dep-1" in capsys.readouterr().out


def test_an_aborted_deployment_without_a_failure_says_why(capsys):
    with pytest.raises(Failed):
        conclude([deployment(Phase.ABORTED)])
    assert "starting v2" in click.unstyle(capsys.readouterr().err)


@pytest.mark.timeout(12, method="signal")
def test_a_headway_that_is_killed_meanwhile_does_not_lose_what_it_accepted(
    world, capsys, monkeypatch
):
    monkeypatch.setattr("headway.sdk.transport._PATIENCE_S", 0.3)

    def stream(asked: Asked) -> None:
        asked.begin_stream()
        world.server.socket.close()

    world.stream = stream
    with pytest.raises(Failed) as failed:
        waited(world, timeout_s=8)
    assert failed.value.status == 8
    said = click.unstyle(capsys.readouterr().err)
    assert "dep-1 was accepted: it goes on when headway runs again" in said
    assert "next: headway up · headway why dep-1" in said
    assert "Errno" not in said
