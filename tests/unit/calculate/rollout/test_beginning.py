"""A deployment whose turn has come goes by what serves by then."""

import msgspec
import pytest

from headway.calculate.rollout.member import plan_member
from headway.model.config import Setting
from headway.model.deployment import DeploymentKind, Phase
from headway.model.manifest import Deploy, Strategy
from tests.unit.calculate.small_world import SmallWorld, manifest


def serving(*shapes) -> SmallWorld:
    """Have several releases serve one after another; the last does now."""
    world = SmallWorld()
    for shape in shapes:
        world.deploy(world.release(shape))
        world.run()
    return world


def with_port():
    shape = manifest(scale=1)
    web = shape.processes[0]
    expose = msgspec.structs.replace(web.expose[0], host_port=8080)
    return msgspec.structs.replace(
        shape, processes=(msgspec.structs.replace(web, expose=(expose,)),)
    )


@pytest.mark.parametrize(
    ("live", "target", "strategy"),
    [
        (manifest(), manifest(), Strategy.BLUE_GREEN),
        (with_port(), manifest(), Strategy.ROLLING),
        (manifest(), manifest(deploy=Deploy(strategy=Strategy.RECREATE)), Strategy.RECREATE),
    ],
)
def test_going_back_is_by_what_can_be_from_what_serves_when_its_turn_comes(live, target, strategy):
    world = serving(target, live)
    back = world.deploy(1, DeploymentKind.ROLLBACK, Strategy.CANARY)
    world.run()
    row = world.deployments[back]
    assert (row.phase, row.strategy) == (Phase.SUCCEEDED, strategy)


def test_going_back_by_a_strategy_that_was_asked_for_keeps_it():
    world = serving(manifest(), manifest())
    asked = {"strategy": Strategy.ROLLING, "asked_strategy": Strategy.ROLLING}
    back = world.deploy(1, DeploymentKind.ROLLBACK, **asked)
    world.run()
    assert world.deployments[back].strategy is Strategy.ROLLING


def test_a_scale_of_what_is_not_there_any_more_is_not_begun():
    world = serving(manifest())
    scale = world.deploy(1, DeploymentKind.SCALE, scale={"worker": 3})
    world.run()
    row = world.deployments[scale]
    assert (row.phase, row.failure.code) == (Phase.FAILED, "scale-invalid")
    assert "web has no process worker: it has web" in row.because
    assert world.member.scale == {}


@pytest.mark.parametrize(("mark", "is_told"), [("same", False), ("another", True)])
def test_config_is_named_as_what_may_differ_only_where_it_does(mark, is_told):
    world = serving(manifest())
    second = world.release(manifest())
    for number, its in ((1, "same"), (second, mark)):
        config = {"COLOUR": Setting(sealed=f"sealed {number}", mark=its)}
        world.releases[number] = msgspec.structs.replace(world.releases[number], config=config)
    world.behaviour = lambda _row: "exits"
    failed = world.deploy(second)
    world.run()
    told = world.deployments[failed].failure.next
    assert ("headway config diff -e demo -a web v1 v2" in told) is is_told
    assert told[0].startswith("headway logs -e demo web-web-1-")


def test_a_plan_names_no_build_that_is_only_foreseen():
    world = SmallWorld()
    world.deploy_source()
    world.run()
    world.built()
    plan = plan_member(world.snapshot(), world.now, world.fleet())
    assert "its build succeeded" in [change.because for change in plan.changes]
    assert not any("bld-1" in change.because for change in plan.changes)
