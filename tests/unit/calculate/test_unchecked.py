"""What has no health check is good once it has run for a while; what ends before is not."""

from datetime import timedelta

import msgspec
import pytest

from headway.calculate.rollout.check import first_healthy
from headway.model.container import ContainerKind, ContainerState, Exit
from headway.model.deployment import DeploymentKind, Phase
from headway.model.manifest import CheckType, Deploy, HealthCheck, Process
from tests.unit.calculate.rollout.test_container import container
from tests.unit.calculate.small_world import START, SmallWorld, manifest

WORKER = Process(name="worker", command="work")


def deployed(seconds: float, **deploy: object) -> tuple[SmallWorld, str]:
    """Have a first release run for so long."""
    world = SmallWorld()
    shape = manifest(processes=(WORKER,), deploy=Deploy(**deploy))
    first = world.deploy(world.release(shape))
    world.run()
    world.pass_time(seconds)
    return world, first


@pytest.mark.parametrize("seconds", [0.5, 5.0, 9.0])
def test_a_release_that_ends_while_it_is_to_prove_itself_fails_with_how_it_ended(seconds):
    world, first = deployed(seconds)
    assert world.phase(first) is Phase.STARTING
    world.crash(world.live()[0])
    world.run()
    row = world.deployments[first]
    assert row.phase is Phase.FAILED
    assert (row.failure.code, row.failure.exit) == ("exited", "exit status 9")
    assert row.failure.next == (f"headway logs -e demo {row.failure.container}",)
    assert world.live() == []


def test_what_served_goes_on_serving_while_the_new_release_proves_itself_and_when_it_does_not():
    world, _ = deployed(11)
    second = world.deploy(world.release(world.releases[1].manifest))
    world.pass_time(5)
    assert {row.release for row in world.live()} == {1, 2}
    world.crash(world.live(2)[0])
    world.pass_time(1)
    assert world.phase(second) is Phase.ROLLED_BACK
    assert [row.release for row in world.live()] == [1]


def test_it_is_said_for_what_a_deployment_waits():
    world, first = deployed(1)
    row = world.deployments[first]
    assert row.because == "worker has no health check: good once the first copy has run for 10 s"
    assert world.containers[world.live()[0].id].state is ContainerState.HEALTHY


@pytest.mark.parametrize(
    ("deploy", "good_after_s"),
    [
        ({}, 10.0),
        ({"min_healthy_s": 3.0}, 3.0),
        ({"progress_deadline_s": 4.0}, 2.0),  # else no deployment could succeed
    ],
)
def test_it_is_good_after_the_time_that_the_manifest_says(deploy, good_after_s):
    world, first = deployed(good_after_s - 1, **deploy)
    assert world.phase(first) is Phase.STARTING
    world.pass_time(1.1)
    assert world.phase(first) is Phase.SUCCEEDED


def test_what_has_a_check_is_good_half_a_second_after_it_answered():
    world = SmallWorld()
    checked = Process(name="worker", command="work", health_check=HealthCheck(type=CheckType.TCP))
    first = world.deploy(world.release(manifest(processes=(checked,))))
    world.run()  # which waits for no more than 0.6 s
    assert world.phase(first) is Phase.SUCCEEDED


def test_the_first_copy_proves_it_for_all_of_them():
    world = SmallWorld()
    copies = msgspec.structs.replace(WORKER, scale=5)
    world.deploy(world.release(manifest(processes=(copies,))))
    world.pass_time(11)
    second = world.deploy(world.release(world.releases[1].manifest))
    world.pass_time(9)
    assert len(world.live(2)) == 1  # the others come once it has proved itself
    world.pass_time(5)
    assert world.phase(second) is Phase.SUCCEEDED


def test_more_copies_of_what_has_proved_itself_are_good_soon():
    world, _ = deployed(11)
    scale = world.deploy(1, DeploymentKind.SCALE, scale={"worker": 3})
    world.run()  # which waits for no more than 0.6 s
    assert (world.phase(scale), len(world.live())) == (Phase.SUCCEEDED, 3)
    assert "starting v1" in [step.because or step.what for step in world.deployments[scale].steps]


def test_a_copy_that_ended_soon_proves_nothing():
    at = START + timedelta(seconds=20)
    soon, late = (
        container(healthy_at=START, state=ContainerState.EXITED, exit=Exit(status=1, at=ended_at))
        for ended_at in (START + timedelta(seconds=5), at)
    )
    assert first_healthy([soon]) == {}
    assert first_healthy([soon, late]) == {(late.release, late.process): START}
    assert first_healthy([msgspec.structs.replace(late, kind=ContainerKind.ONE_OFF)]) == {}
