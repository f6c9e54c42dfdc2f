"""What has a port of its machine is never moved by a strategy that would have it there twice."""

import asyncio
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from headway.control import deploying
from headway.control.errors import Invalid
from headway.control.requests import DeployRequest
from headway.control.rollout import ports_asked
from headway.model.app import App, Source
from headway.model.deployment import DeploymentKind
from headway.model.environment import Member
from headway.model.ids import Digest, NodeId
from headway.model.manifest import (
    CheckType,
    Deploy,
    Expose,
    HealthCheck,
    Manifest,
    Process,
    Strategy,
)
from headway.model.release import Release
from headway.ports.engine import EngineUnavailable
from tests.simulation.conftest import APP, ENVIRONMENT

NOW = datetime(2026, 3, 4, tzinfo=UTC)


TCP = HealthCheck(type=CheckType.TCP)


def web(host_port: int | None) -> Process:
    expose = Expose(name="http", port=80, host_port=host_port, health_check=TCP)
    return Process(name="web", command="exec sleep 600", expose=(expose,))


async def moved(
    plane, before: int | None, now: int | None, written: Strategy = Strategy.ROLLING
) -> None:
    """Have v2 live, and v1 and a later source of the app kept."""
    await plane.release(number=1)
    await plane.release(number=2)

    def deed(tx) -> None:
        for number, port in ((1, before), (2, now)):
            row = tx.get(Release, ENVIRONMENT, APP, number)
            shape = Manifest(name=APP, processes=(web(port),), deploy=Deploy(strategy=written))
            tx.put(msgspec.structs.replace(row, manifest=shape))
        sent = Source(
            digest=Digest("sha256:sent"),
            app=APP,
            manifest=Manifest(name=APP, processes=(web(now),)),
            size_bytes=1,
            created_at=NOW,
            created_by="me",
        )
        tx.put(sent)
        tx.put(App(name=APP, source=sent.digest, updated_at=NOW))
        assert tx.get(Member, ENVIRONMENT, APP).live == 2

    await plane.store.write(deed)


@pytest.mark.parametrize(
    ("before", "now", "written", "strategy"),
    [
        (5432, 5432, Strategy.ROLLING, Strategy.ROLLING),
        (5432, None, Strategy.ROLLING, Strategy.ROLLING),
        (None, 5432, Strategy.ROLLING, Strategy.ROLLING),
        (5432, 5432, Strategy.RECREATE, Strategy.RECREATE),
        (None, None, Strategy.ROLLING, Strategy.BLUE_GREEN),
    ],
)
async def test_going_back_is_all_at_once_only_where_no_port_of_the_machine_is_in_the_way(
    plane, before, now, written, strategy
):
    await moved(plane, before, now, written)
    request = DeployRequest(kind=DeploymentKind.ROLLBACK, release=1)
    started = await deploying.deploy(plane.world, "me", "demo", APP, request)
    assert [row.strategy for row in started.deployments] == [strategy]


BESIDE = [
    {"strategy": Strategy.BLUE_GREEN},
    {"strategy": Strategy.CANARY},
    {"canary_percent": 10},
]


@pytest.mark.parametrize("asked", BESIDE)
@pytest.mark.parametrize(
    "what",
    [
        {},
        {"kind": DeploymentKind.ROLLBACK, "release": 1},
        {"kind": DeploymentKind.REDEPLOY},
    ],
)
async def test_two_releases_beside_each_other_are_refused_with_the_port_and_the_way_on(
    plane, what, asked
):
    await moved(plane, 5432, 5432)
    with pytest.raises(Invalid, match="one machine has port 5432 once") as refused:
        await deploying.deploy(plane.world, "me", "demo", APP, DeployRequest(**what, **asked))
    assert "use rolling" in refused.value.hint


@pytest.mark.parametrize("asked", BESIDE)
async def test_they_are_not_refused_where_any_port_will_do(plane, asked):
    await moved(plane, None, None)
    started = await deploying.deploy(plane.world, "me", "demo", APP, DeployRequest(**asked))
    assert len(started.deployments) == 1


async def test_a_plan_asks_the_node_and_names_who_has_the_port(plane, engine):
    await moved(plane, 5432, 5432)
    engine.strangers[NodeId("here"), 5432] = "nginx (pid 7)"
    asked = DeployRequest(plan=True)
    started = await deploying.deploy(plane.world, "me", "demo", APP, asked)
    assert any("port 5432 is taken by nginx (pid 7)" in row.because for row in started.plan)
    assert plane.world.roster.node(NodeId("here")).closed((5432,)) == (5432, "nginx (pid 7)")


async def test_a_port_that_was_given_back_is_counted_on_though_nobody_told_of_it(plane, engine):
    await moved(plane, 5432, 5432)
    engine.strangers[NodeId("here"), 5432] = "nginx (pid 7)"
    asked = DeployRequest(plan=True)
    started = await deploying.deploy(plane.world, "me", "demo", APP, asked)
    assert [row.what for row in started.obstacles] == ["would fail"]
    engine.strangers.clear()
    started = await deploying.deploy(plane.world, "me", "demo", APP, asked)
    assert started.obstacles == ()


async def test_a_node_that_does_not_answer_holds_up_no_plan(plane, engine):
    await moved(plane, 5432, 5432)
    engine.strangers[NodeId("here"), 5432] = "nginx (pid 7)"

    async def silent(_node, _ports):
        raise EngineUnavailable("it does not answer")

    engine.look_at_ports = silent
    asked = DeployRequest(plan=True)
    started = await deploying.deploy(plane.world, "me", "demo", APP, asked)
    assert any(row.verb == "start_container" for row in started.plan)


async def test_a_node_that_hangs_is_waited_for_once_and_asked_again_after_a_while(
    plane, engine, monkeypatch
):
    await moved(plane, 5432, 5432)
    monkeypatch.setattr(ports_asked, "_ANSWER_S", 0.01)
    asked = []

    async def hanging(node, _ports):
        asked.append(node)
        await asyncio.Event().wait()

    engine.look_at_ports = hanging
    for times, ahead in ((1, 0), (1, 1), (2, 3600)):
        plane.clock.ahead = timedelta(seconds=ahead)
        started = await deploying.deploy(plane.world, "me", "demo", APP, DeployRequest(plan=True))
        assert any(row.verb == "start_container" for row in started.plan)
        assert asked == [NodeId("here")] * times
