"""Which container `headway exec` enters."""

import msgspec
import pytest
from click.testing import CliRunner

from headway.cli import run
from headway.cli.naming import named
from headway.model.container import Container, ContainerKind, ContainerState
from headway.model.ids import AppName, ContainerId, EnvironmentId, NodeId
from headway.sdk import Client
from tests.unit.cli.test_render import NOW
from tests.unit.sdk.small_server import small_server


def container(
    identity: str, kind=ContainerKind.SERVICE, state=ContainerState.HEALTHY, **more
) -> Container:
    return Container(
        id=ContainerId(identity),
        environment=EnvironmentId("dev~1"),
        app=AppName("hello"),
        kind=kind,
        process="web",
        release=1,
        node=NodeId("here"),
        state=state,
        created_at=NOW,
        **more,
    )


RUNNER = container("hello-jobs-752d", ContainerKind.RUNNER)
STARTING = container("hello-web-1-new", state=ContainerState.STARTING)
HEALTHY = container("hello-web-1-old")


def test_by_its_app_a_healthy_copy_of_a_process_is_entered_and_never_what_does_runs():
    assert run.to_enter([RUNNER, STARTING, HEALTHY], "hello") == HEALTHY
    assert run.to_enter([RUNNER, STARTING], "hello.1") == STARTING
    assert run.to_enter([RUNNER], "hello") is None


def test_by_its_id_any_container_is_entered():
    once = container("hello-run-c3d69", ContainerKind.ONE_OFF)
    assert run.to_enter([HEALTHY, once], "hello-run-c3d69") == once
    assert run.to_enter([STARTING, HEALTHY], "hello-web-1-new") == STARTING
    assert run.to_enter([STARTING, HEALTHY], "hello/web.1") == HEALTHY


@pytest.fixture
def server(monkeypatch):
    with small_server() as found:
        monkeypatch.setattr(Client, "local", classmethod(lambda cls: cls(found.url, "x")))
        yield found


def test_where_no_process_runs_the_command_is_given_that_runs_it_in_a_container_of_its_own(server):
    server.answer = lambda asked: asked.json([RUNNER])
    done = CliRunner().invoke(run.exec_, ["-e", "dev", "hello", "--", "sh", "-c", "echo 1"])
    assert done.exit_code == 1
    assert "no copy of a process of hello runs in dev" in done.output
    assert "next: headway run -e dev -a hello -- sh -c 'echo 1'" in done.output


def test_by_a_process_type_one_of_its_copies_is_entered():
    worker = container("hello-worker-1-x", slot=1)
    worker = msgspec.structs.replace(worker, process="worker")
    rows = [HEALTHY, worker]
    for thing in ("worker", "hello/worker", "worker.1", "hello/worker.1"):
        assert run.to_enter(named(rows, thing), thing) == worker


def test_a_process_type_that_two_apps_have_is_asked_about(server):
    other = msgspec.structs.replace(HEALTHY, id=ContainerId("till-web-1"), app=AppName("till"))
    server.answer = lambda asked: asked.json([HEALTHY, other])
    done = CliRunner().invoke(run.exec_, ["-e", "dev", "web", "--", "ls"])
    assert done.exit_code == 1
    assert "web is of several apps in dev: hello, till" in done.output
    assert "next: headway exec -e dev hello/web -- ls · headway exec -e dev till/web" in done.output


def test_what_is_not_there_is_answered_with_what_is_and_what_does_not_run_with_its_state(server):
    stopping = container("hello-web-2-y", state=ContainerState.STOPPING, slot=2)
    server.answer = lambda asked: asked.json([RUNNER, HEALTHY, stopping])
    done = CliRunner().invoke(run.exec_, ["-e", "dev", "wroker", "--", "ls"])
    assert "✗ dev has no container wroker: there are hello/web\n" in done.output
    done = CliRunner().invoke(run.exec_, ["-e", "dev", "hello/web.2", "--", "ls"])
    assert "✗ hello/web.2 does not run in dev: it is stopping\n" in done.output
