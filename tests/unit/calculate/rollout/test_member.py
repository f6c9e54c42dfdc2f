import sys
from datetime import timedelta
from itertools import pairwise

import msgspec
import pytest

from headway.calculate.rollout.foresee import foresee, foretell
from headway.calculate.rollout.member import plan_member
from headway.model.container import ContainerState
from headway.model.demand import Demand
from headway.model.deployment import Ask, DeploymentKind, Phase
from headway.model.environment import EnvironmentState
from headway.model.ids import AppName, NodeId
from headway.model.manifest import Canary, CanaryStep, Deploy, Judgement, Manifest, Strategy
from headway.model.node import ClosedPorts, Node, NodeState
from headway.model.placement import Placement
from headway.model.plan import MachinePort, Verb
from headway.model.resources import Resources
from headway.model.route import Traffic
from headway.model.snapshot import Readiness
from tests.unit.calculate.small_world import SmallWorld, manifest


def running(strategy: Strategy = Strategy.ROLLING, scale: int = 2) -> SmallWorld:
    world = SmallWorld()
    first = world.deploy(world.release(manifest(scale=scale, deploy=Deploy(strategy=strategy))))
    world.run()
    assert world.phase(first) is Phase.SUCCEEDED
    return world


def next_release(world: SmallWorld, **deploy: object) -> int:
    live = world.releases[world.member.live or 1].manifest
    changed = msgspec.structs.replace(live, deploy=msgspec.structs.replace(live.deploy, **deploy))
    return world.release(changed)


def test_a_first_deployment_starts_every_copy_at_once_and_becomes_live():
    world = running()
    assert world.member.live == 1
    assert [row.label for row in world.live()] == ["web.1", "web.2"]
    assert world.serving() == {1: 512}


@pytest.mark.parametrize("strategy", list(Strategy))
def test_every_strategy_ends_with_only_the_new_release(strategy):
    world = running(strategy)
    canary = Canary(steps=(CanaryStep(weight_percent=20, pause_s=0.5),), judgement=Judgement.TIMED)
    second = world.deploy(next_release(world, canary=canary))
    world.run()
    assert world.phase(second) is Phase.SUCCEEDED
    assert world.member.live == 2
    assert {row.release for row in world.live()} == {2}
    assert set(world.serving()) == {2}


@pytest.mark.parametrize("strategy", [Strategy.ROLLING, Strategy.BLUE_GREEN, Strategy.CANARY])
def test_serving_containers_never_fall_below_the_scale(strategy):
    world = running(strategy, scale=3)
    canary = Canary(steps=(CanaryStep(weight_percent=20, pause_s=0.5),), judgement=Judgement.TIMED)
    fewest = []
    world.watchers.append(lambda: fewest.append(len(world.table)))
    world.deploy(next_release(world, canary=canary))
    world.run()
    assert min(fewest) >= 3


def test_recreate_never_runs_two_releases_at_a_time():
    world = running(Strategy.RECREATE)
    together = []
    world.watchers.append(lambda: together.append({row.release for row in world.live()}))
    world.deploy(next_release(world))
    world.run()
    assert {1, 2} not in together
    assert {2} in together


def test_blue_green_gives_the_new_release_nothing_before_all_of_it_is_good():
    world = running(Strategy.BLUE_GREEN)
    shares = []
    world.watchers.append(lambda: shares.append((set(world.serving()), len(world.live(2)))))
    world.deploy(next_release(world))
    world.run()
    assert all(served != {1, 2} for served, _ in shares)
    assert all(count == 2 for served, count in shares if served == {2})


def test_a_release_that_exits_fails_at_once_and_the_old_one_serves():
    world = running()
    world.behaviour = lambda row: "exits" if row.release == 2 else "healthy"
    second = world.deploy(next_release(world))
    world.run()
    row = world.deployments[second]
    assert row.phase is Phase.ROLLED_BACK
    assert row.failure is not None
    assert row.failure.code == "exited"
    assert "exit status 3" in row.failure.because
    assert world.member.live == 1
    assert {one.release for one in world.live()} == {1}
    assert len(world.live(1)) == 2


def test_a_first_release_that_fails_leaves_nothing_running():
    world = SmallWorld()
    world.behaviour = lambda _row: "exits"
    first = world.deploy(world.release(manifest()))
    world.run()
    assert world.phase(first) is Phase.FAILED
    assert world.live() == []


def test_a_container_that_is_never_healthy_fails_after_its_grace():
    world = running()
    world.behaviour = lambda row: "silent" if row.release == 2 else "healthy"
    second = world.deploy(next_release(world))
    world.run()
    assert world.phase(second) is Phase.STARTING
    world.pass_time(31)
    assert world.phase(second) is Phase.ROLLED_BACK
    assert "30 s" in world.deployments[second].failure.because
    assert world.serving() == {1: 512}


def test_an_abort_goes_back_and_a_queued_deployment_follows():
    world = running()
    world.behaviour = lambda row: "silent" if row.release == 2 else "healthy"
    second = world.deploy(next_release(world))
    third = world.deploy(next_release(world))
    world.run()
    assert world.phase(third) is Phase.QUEUED
    world.set_deployment(second, asked=Ask.ABORT, asked_by="ana")
    world.run()
    assert world.phase(second) is Phase.ABORTED
    assert world.phase(third) is Phase.SUCCEEDED
    assert world.member.live == 3


def test_a_replaced_deployment_gives_way():
    world = running()
    world.behaviour = lambda row: "silent" if row.release == 2 else "healthy"
    second = world.deploy(next_release(world))
    world.run()
    world.set_deployment(second, asked=Ask.REPLACE, asked_by="ana")
    third = world.deploy(next_release(world))
    world.run()
    assert (world.phase(second), world.phase(third)) == (Phase.REPLACED, Phase.SUCCEEDED)


def test_two_deployments_never_interleave():
    world = running()
    world.deploy(next_release(world))
    world.deploy(next_release(world))
    seen = []
    world.watchers.append(
        lambda: seen.append({row.release for row in world.live() if row.draining_at is None})
    )
    world.run()
    assert not any({1, 3} <= releases for releases in seen)
    assert world.member.live == 3


def test_a_crashed_container_is_replaced_with_growing_pauses():
    world = running(scale=1)
    starts = []
    for _ in range(4):
        world.behaviour = lambda _row: "exits"
        if world.live():
            world.crash(world.live()[0])
        world.beat()
    world.pass_time(20)
    starts = [row.created_at for row in world.containers.values()]
    pauses = [round((b - a).total_seconds(), 1) for a, b in pairwise(starts[1:])]
    assert pauses[:3] == [1.0, 2.0, 4.0]
    assert world.member.live == 1


def test_an_unhealthy_live_container_is_drained_and_replaced():
    world = running()
    sick = world.live()[0]
    world.containers[sick.id] = msgspec.structs.replace(
        sick, state=ContainerState.UNHEALTHY, healthy_at=None
    )
    world.pass_time(5)
    assert world.containers[sick.id].is_ended
    assert len(world.live()) == 2
    assert world.serving() == {1: 512}


def test_a_draining_container_waits_for_its_requests_but_not_longer_than_its_limit():
    world = running(Strategy.BLUE_GREEN, scale=1)
    old = world.live()[0]
    world.traffic = {old.id: Traffic(in_flight=1)}
    world.deploy(next_release(world))
    world.pass_time(1)
    assert world.containers[old.id].state is ContainerState.DRAINING
    world.traffic = {}
    world.pass_time(0.1)
    assert world.containers[old.id].is_ended

    stuck = world.live()[0]
    world.traffic = {stuck.id: Traffic(in_flight=1)}
    world.deploy(next_release(world))
    world.pass_time(12)
    assert world.containers[stuck.id].is_ended


def test_a_drain_whose_time_is_over_waits_for_the_route_table():
    world = running(scale=1)
    (row,) = world.live()
    long_ago = world.now - timedelta(hours=1)
    world.containers[row.id] = msgspec.structs.replace(
        row, state=ContainerState.DRAINING, draining_at=long_ago
    )
    world.table = frozenset({row.id})

    def stopped() -> bool:
        changes = plan_member(world.snapshot(), world.now, world.fleet()).changes
        return any(change.verb is Verb.STOP_CONTAINER for change in changes)

    assert not stopped()
    world.table = frozenset()
    assert stopped()


def test_scaling_up_and_down_keeps_the_release():
    world = running()
    up = world.deploy(1, DeploymentKind.SCALE, scale={"web": 4})
    world.run()
    assert world.phase(up) is Phase.SUCCEEDED
    assert len(world.live(1)) == 4
    down = world.deploy(1, DeploymentKind.SCALE, scale={"web": 1})
    world.run()
    assert world.phase(down) is Phase.SUCCEEDED
    assert [row.label for row in world.live()] == ["web.1"]


def test_a_scale_that_waited_behind_a_deployment_keeps_what_that_brought():
    world = running()
    world.deploy(next_release(world))
    scaled = world.deploy(1, DeploymentKind.SCALE, scale={"web": 3})
    world.run()
    assert world.phase(scaled) is Phase.SUCCEEDED
    assert (world.member.live, len(world.live(2))) == (2, 3)


def test_what_a_scale_behind_another_sets_back_is_what_was_there_when_its_turn_came():
    world = running()
    first = world.deploy(1, DeploymentKind.SCALE, scale={"web": 3})
    world.run()
    assert (world.phase(first), world.member.scale) == (Phase.SUCCEEDED, {"web": 3})
    other = world.deploy(1, DeploymentKind.SCALE, scale={"web": 400})
    world.run()
    world.set_deployment(other, asked=Ask.ABORT)
    world.run()
    assert (world.phase(other), world.member.scale) == (Phase.ABORTED, {"web": 3})
    assert len(world.live(1)) == 3


def test_a_rollback_reuses_the_earlier_release():
    world = running(Strategy.BLUE_GREEN)
    world.deploy(next_release(world))
    world.run()
    back = world.deploy(1, DeploymentKind.ROLLBACK)
    world.run()
    assert world.phase(back) is Phase.SUCCEEDED
    assert world.member.live == 1
    assert set(world.serving()) == {1}


def test_a_deployment_waits_for_its_dependencies_and_says_for_which():
    world = SmallWorld()
    world.readiness = {AppName("db"): Readiness(ready=False, because="it is starting")}
    first = world.deploy(world.release(manifest()), waits_for=(AppName("db"),))
    world.run()
    assert world.phase(first) is Phase.WAITING
    assert world.deployments[first].because == "for db: it is starting"
    world.readiness = {AppName("db"): Readiness(ready=True, because="v1 is live")}
    world.run()
    assert world.phase(first) is Phase.SUCCEEDED


def test_a_deployment_whose_dependency_failed_fails_with_its_reason():
    world = SmallWorld()
    world.readiness = {
        AppName("db"): Readiness(ready=False, because="its deployment failed: x", hopeless=True)
    }
    first = world.deploy(world.release(manifest()), waits_for=(AppName("db"),))
    world.run()
    assert world.phase(first) is Phase.FAILED
    assert "it needs db" in world.deployments[first].failure.because


@pytest.mark.parametrize(("does", "end"), [("exits", Phase.FAILED), ("healthy", Phase.SUCCEEDED)])
def test_the_release_command_runs_once_before_anything_starts(does, end):
    world = SmallWorld()
    world.behaviour = lambda row: does if row.process == "release" else "healthy"
    first = world.deploy(world.release(manifest(release_command="migrate")))
    world.run()
    assert world.phase(first) is end
    commands = [row for row in world.containers.values() if row.process == "release"]
    assert len(commands) == 1
    services = [row for row in world.containers.values() if row.process == "web"]
    assert bool(services) is (end is Phase.SUCCEEDED)
    assert all(row.created_at >= commands[0].exit.at for row in services)


def test_a_build_makes_the_release():
    world = SmallWorld()
    first = world.deploy_source()
    world.run()
    assert world.phase(first) is Phase.BUILDING
    world.built()
    world.run()
    assert world.phase(first) is Phase.SUCCEEDED
    assert world.member.live == 1


def canary_world(judgement: Judgement) -> tuple[SmallWorld, str]:
    world = running(Strategy.CANARY, scale=4)
    policy = Canary(
        steps=(
            CanaryStep(weight_percent=10, pause_s=60),
            CanaryStep(weight_percent=50, pause_s=60),
        ),
        judgement=judgement,
        requests_min=100,
    )
    second = world.deploy(next_release(world, canary=policy))
    world.run()
    assert world.phase(second) is Phase.PAUSED
    return world, second


def share(world: SmallWorld) -> float:
    serving = world.serving()
    return 100 * serving.get(2, 0) / sum(serving.values())


def count(world: SmallWorld, errors_new: int, ms_new: float = 10) -> None:
    for row in world.live():
        new = row.release == 2
        world.traffic[row.id] = Traffic(
            requests=500,
            errors=errors_new if new else 1,
            response_ms=ms_new if new else 10,
        )


def test_a_canary_gets_its_share_within_a_point():
    world, _ = canary_world(Judgement.MANUAL)
    assert share(world) == pytest.approx(10, abs=1)


def test_a_timed_canary_takes_its_steps():
    world, second = canary_world(Judgement.TIMED)
    world.pass_time(61)
    assert share(world) == pytest.approx(50, abs=1)
    world.pass_time(61)
    assert world.phase(second) is Phase.SUCCEEDED


def test_a_manual_canary_waits_for_ever_and_goes_on_when_promoted():
    world, second = canary_world(Judgement.MANUAL)
    world.pass_time(3600)
    assert world.phase(second) is Phase.PAUSED
    world.set_deployment(second, asked=Ask.PROMOTE, asked_by="ana")
    world.run()
    assert world.phase(second) is Phase.SUCCEEDED
    assert set(world.serving()) == {2}


def test_an_automatic_canary_needs_enough_requests():
    world, second = canary_world(Judgement.AUTOMATIC)
    world.pass_time(300)
    assert world.phase(second) is Phase.PAUSED
    assert "0 of 100 requests" in world.deployments[second].because


@pytest.mark.parametrize(("errors", "ms", "word"), [(50, 10, "errors"), (0, 40, "slower")])
def test_an_automatic_canary_goes_back_when_it_is_worse(errors, ms, word):
    world, second = canary_world(Judgement.AUTOMATIC)
    count(world, errors, ms)
    world.pass_time(2)
    row = world.deployments[second]
    assert row.phase is Phase.ROLLED_BACK
    assert word in row.failure.because
    assert set(world.serving()) == {1}


def test_an_automatic_canary_that_is_no_worse_goes_on():
    world, second = canary_world(Judgement.AUTOMATIC)
    count(world, 1)
    world.pass_time(61)
    assert share(world) == pytest.approx(50, abs=1)
    assert world.phase(second) is Phase.PAUSED


def too_large(**fields: object) -> Manifest:
    """Give a manifest of which no copy can ever run in the small world."""
    web = msgspec.structs.replace(manifest().processes[0], resources=Resources(cpu=64))
    return manifest(processes=(web,), **fields)


def test_what_can_never_fit_fails_at_once_before_anything_was_done():
    world = running()
    before = set(world.containers)
    second = world.deploy(world.release(too_large(release_command="migrate")))
    world.run()
    row = world.deployments[second]
    assert row.phase is Phase.FAILED
    assert row.failure is not None
    assert row.failure.code == "never-fits"
    assert "64 cores needed, the largest (n1) has 16" in row.failure.because
    assert row.failure.hints == ("ask for at most 16 cores, or add a larger node",)
    assert set(world.containers) == before
    assert set(world.serving()) == {1}


def test_a_plan_says_what_can_never_fit_and_what_to_change():
    world = SmallWorld()
    world.deploy(world.release(too_large()))
    last = foresee(world.snapshot(), world.now, world.fleet())[-1]
    assert last.what == "failed"
    assert "64 cores needed" in last.because
    assert "ask for at most 16 cores" in last.because


def test_a_process_type_of_which_nothing_is_wanted_may_be_of_any_size():
    world = SmallWorld()
    web = manifest(scale=1).processes[0]
    huge = msgspec.structs.replace(web, name="huge", scale=0, resources=Resources(cpu=64))
    first = world.deploy(world.release(manifest(processes=(web, huge))))
    world.run()
    assert world.phase(first) is Phase.SUCCEEDED
    second = world.deploy(1, DeploymentKind.SCALE, scale={"huge": 1}, previous=1)
    world.run()
    assert world.phase(second) is Phase.FAILED
    assert world.member.scale == {}
    assert len(world.live()) == 1


def placed(**asked: object) -> Manifest:
    """Give a manifest whose copies ask for a placement."""
    return manifest(placement=Placement(**asked))


def test_more_copies_that_are_alone_than_nodes_fail_at_once():
    world = SmallWorld()
    first = world.deploy(world.release(placed(alone=True)))
    world.run()
    row = world.deployments[first]
    assert (row.phase, row.failure.code) == (Phase.FAILED, "never-fits")
    assert "v1: 2 copies of web are to be on 2 nodes; 1 can ever take it" in row.failure.because
    assert world.live() == []


def test_what_is_apart_from_an_app_that_it_needs_and_that_is_there_fails_at_once():
    assert refused_beside_db(dependencies=("db",)) == "web, db are to be on 2 nodes"
    assert refused_beside_db() == ""  # it may leave


def test_independent_apps_that_cannot_all_be_apart_are_told_so_at_once_and_may_leave():
    world = SmallWorld()
    world.deploy(world.release(placed(apart=("db",))))
    fleet = world.fleet()
    fleet.hold("db-1", NodeId("n1"), Demand(resources=Resources(), crowd="demo~abc123/db/web@1"))
    pending = plan_member(world.snapshot(), world.now, fleet).pending
    assert pending.startswith(
        "web/web, db/web are to be on 2 nodes; 1 can ever take any of them, those of all pools "
        "counted, as they must be apart from each other: it waits until one of the others is "
        "stopped or moved to other nodes; else take one out of another's `apart`, or have 2 nodes"
    )
    assert "n1: has db, which it must be apart from" in pending


def refused_beside_db(**fields: object) -> str:
    """Plan an app that is apart from `db`, which is on the only node; give why it can never fit."""
    world = SmallWorld()
    world.readiness[AppName("db")] = Readiness(ready=True, because="")
    what = msgspec.structs.replace(placed(apart=("db",)), **fields)
    first = world.deploy(world.release(what))
    fleet = world.fleet()
    fleet.hold("db-1", NodeId("n1"), Demand(resources=Resources(), crowd="demo~abc123/db/web@1"))
    changes = plan_member(world.snapshot(), world.now, fleet).changes
    failures = [change.row.failure for change in changes if change.row.id == first]
    return next((row.because[4:32] for row in failures if row is not None), "")


def test_nothing_is_hopeless_while_nodes_may_be_missing():
    world = SmallWorld()
    first = world.deploy(world.release(too_large()))
    young = msgspec.structs.replace(world.snapshot(), knows_nodes=False)
    phases = {change.row.phase for change in plan_member(young, world.now, world.fleet()).changes}
    assert Phase.FAILED not in phases
    world.set_deployment(first, phase=Phase.STARTING)
    world.nodes = ()
    world.run()
    assert world.phase(first) is Phase.STARTING
    assert "the engine has not answered yet" in world.pending


def test_what_does_not_fit_now_is_said_and_fails_at_the_deadline():
    world = SmallWorld()
    world.nodes = (Node(id=NodeId("n1"), cpu=0.15, memory_mib=32_000),)
    first = world.deploy(world.release(manifest(deploy=Deploy(progress_deadline_s=60))))
    world.run()
    assert "0.1 cores needed" in world.pending
    world.pass_time(61)
    assert world.phase(first) is Phase.FAILED
    assert "0.1 cores needed" in world.deployments[first].failure.because


def test_an_ending_environment_stops_everything_once_nobody_is_led_there():
    world = running()
    before = len(world.changes)
    world.environment = msgspec.structs.replace(
        world.environment, state=EnvironmentState.ENDING, because="its lease ended"
    )
    third = world.deploy(next_release(world))
    world.run()
    assert world.live() == []
    verbs = [change.verb for change in world.changes[before:]]
    assert verbs.count(Verb.DRAIN_CONTAINER) == verbs.count(Verb.STOP_CONTAINER) == 2
    assert verbs.index(Verb.DRAIN_CONTAINER) < verbs.index(Verb.STOP_CONTAINER)
    assert world.phase(third) is Phase.ABORTED
    assert all(row.retired for row in world.containers.values())


def test_a_stopped_app_has_no_containers_and_starts_again():
    world = running()
    world.member = msgspec.structs.replace(world.member, stopped=True)
    world.run()
    assert world.live() == []
    again = world.deploy(1, DeploymentKind.START)
    world.run()
    assert world.phase(again) is Phase.SUCCEEDED
    assert len(world.live()) == 2


def test_daemons_run_once_on_each_node():
    world = SmallWorld()
    world.nodes = tuple(Node(id=NodeId(f"n{i}"), cpu=4, memory_mib=4000) for i in range(3))
    spec = manifest()
    process = msgspec.structs.replace(spec.processes[0], daemon=True)
    first = world.deploy(world.release(msgspec.structs.replace(spec, processes=(process,))))
    world.run()
    assert world.phase(first) is Phase.SUCCEEDED
    assert sorted(row.node for row in world.live()) == ["n0", "n1", "n2"]


def test_deciding_again_without_a_change_changes_nothing():
    world = running()
    before = len(world.changes)
    world.now += timedelta(hours=1)
    world.run()
    assert len(world.changes) == before


def database(*, scale: int = 1, **fields) -> Manifest:
    """Describe an app of which each copy has a port of its machine."""
    found = manifest(scale=scale, **fields)
    (web,) = found.processes
    expose = msgspec.structs.replace(web.expose[0], host_port=5432)
    return msgspec.structs.replace(
        found, processes=(msgspec.structs.replace(web, expose=(expose,)),)
    )


def test_what_has_a_port_of_its_machine_leaves_before_its_successor_starts():
    world = SmallWorld()
    world.deploy(world.release(database()))
    world.run()
    together = []
    world.watchers.append(lambda: together.append(len(world.live())))
    second = world.deploy(world.release(database(env={"NEW": "1"})))
    world.run()
    assert world.phase(second) is Phase.SUCCEEDED
    assert max(together) == 1


def test_with_another_machine_its_successor_starts_there():
    world = SmallWorld()
    world.nodes = (*world.nodes, msgspec.structs.replace(world.nodes[0], id=NodeId("n2")))
    world.deploy(world.release(database()))
    world.run()
    (before,) = world.live()
    world.deploy(world.release(database(env={"NEW": "1"})))
    world.run()
    (after,) = world.live()
    assert {before.node, after.node} == {"n1", "n2"}


def test_a_node_is_left_though_the_port_is_only_free_once_it_was():
    world = SmallWorld()
    n1 = msgspec.structs.replace(world.nodes[0], machine="m")
    world.nodes = (n1, msgspec.structs.replace(n1, id=NodeId("n2")))
    world.deploy(world.release(database()))
    world.run()
    (before,) = world.live()
    world.nodes = tuple(
        msgspec.structs.replace(row, state=NodeState.DRAINING) if row.id == before.node else row
        for row in world.nodes
    )
    world.run()
    (after,) = world.live()
    assert after.node != before.node
    assert any("it has the same port" in change.because for change in world.changes)


def test_copies_for_which_there_are_too_few_machines_fail_before_anything_is_stopped():
    world = SmallWorld()
    (web,) = database().processes
    both = msgspec.structs.replace(database(), processes=(msgspec.structs.replace(web, scale=2),))
    first = world.deploy(world.release(both))
    world.run()
    failure = world.deployments[first].failure
    assert failure is not None
    assert "as each has port 5432 of its machine" in failure.because


of_another = Demand(
    resources=Resources(cpu=0.1, memory_mib=32), crowd="demo~abc123/other/sql@1", ports=(5432,)
)


@pytest.mark.parametrize("strategy", [Strategy.ROLLING, Strategy.RECREATE])
def test_what_serves_goes_on_while_its_successor_would_not_have_its_port_even_then(strategy):
    world = SmallWorld()
    world.deploy(world.release(manifest(scale=1)))
    world.run()
    (before,) = world.live()
    world.elsewhere["other-sql-1"] = of_another
    second = world.deploy(world.release(database()), strategy=strategy)
    world.run()
    assert world.live() == [before]
    assert world.phase(second) is Phase.STARTING
    assert "port 5432 is taken by other/sql" in world.pending
    world.pass_time(3600)
    assert world.phase(second) is Phase.ROLLED_BACK
    assert "port 5432 is taken by other/sql" in world.deployments[second].failure.because
    assert world.live() == [before]


@pytest.mark.parametrize("strategy", [Strategy.ROLLING, Strategy.RECREATE])
def test_it_leaves_as_soon_as_its_successor_would_have_the_port(strategy):
    world = SmallWorld()
    world.deploy(world.release(manifest(scale=1)))
    world.run()
    world.elsewhere["other-sql-1"] = of_another
    second = world.deploy(world.release(database()), strategy=strategy)
    world.run()
    world.elsewhere.clear()
    world.run()
    assert world.phase(second) is Phase.SUCCEEDED


@pytest.mark.parametrize("strategy", [Strategy.ROLLING, Strategy.RECREATE])
def test_a_plan_names_the_port_that_it_counts_on_before_anybody_has_left(strategy):
    world = SmallWorld()
    world.deploy(world.release(manifest(scale=1)))
    world.run()
    world.deploy(world.release(database()), strategy=strategy)
    plan = plan_member(world.snapshot(), world.now, world.fleet())
    assert plan.ports == (MachinePort(NodeId("n1"), 5432),)


@pytest.mark.parametrize("is_daemon", [False, True])
@pytest.mark.parametrize("is_for_now", [False, True])
def test_a_plan_doubts_that_a_port_is_still_taken_by_whom_a_node_named(is_daemon, is_for_now):
    world = of_nodes(2)
    closed = (ClosedPorts(first=5432, last=5432, by="nginx (pid 7)", is_for_now=is_for_now),)
    world.nodes = tuple(msgspec.structs.replace(row, closed_ports=closed) for row in world.nodes)
    world.deploy(world.release(on_each_node(database()) if is_daemon else database()))
    plan = plan_member(world.snapshot(), world.now, world.fleet())
    both = (MachinePort(NodeId("n0"), 5432), MachinePort(NodeId("n1"), 5432))
    assert plan.ports == (both if is_for_now else ())


def on_each_node(found: Manifest) -> Manifest:
    (web,) = found.processes
    return msgspec.structs.replace(found, processes=(msgspec.structs.replace(web, daemon=True),))


def of_nodes(count: int) -> SmallWorld:
    world = SmallWorld()
    world.nodes = tuple(Node(id=NodeId(f"n{i}"), cpu=4, memory_mib=4000) for i in range(count))
    return world


def test_daemons_with_a_port_of_their_machines_are_replaced_on_each_of_them():
    world = of_nodes(3)
    world.deploy(world.release(on_each_node(database())))
    world.run()
    second = world.deploy(world.release(on_each_node(database(env={"NEW": "1"}))))
    world.run()
    assert world.phase(second) is Phase.SUCCEEDED
    assert sorted((row.node, row.release) for row in world.live()) == [
        ("n0", 2),
        ("n1", 2),
        ("n2", 2),
    ]


@pytest.mark.parametrize("nodes", [2, 3])
def test_daemons_with_a_port_of_their_machines_are_followed_by_so_many_copies(nodes):
    world = of_nodes(nodes)
    world.deploy(world.release(on_each_node(database())))
    world.run()
    assert len(world.live(release=1)) == nodes
    second = world.deploy(world.release(database(scale=2)))
    world.run()
    assert world.phase(second) is Phase.SUCCEEDED
    assert [row.release for row in world.live()] == [2, 2]


@pytest.mark.parametrize("nodes", [2, 3])
def test_copies_with_a_port_of_their_machines_are_followed_by_daemons(nodes):
    world = of_nodes(nodes)
    world.deploy(world.release(database(scale=2)))
    world.run()
    second = world.deploy(world.release(on_each_node(database())))
    world.run()
    assert world.phase(second) is Phase.SUCCEEDED
    assert [row.release for row in world.live()] == [2] * nodes


def many(copies: int, strategy: Strategy) -> SmallWorld:
    """One of whose copies all are about to be replaced."""
    world = SmallWorld()
    world.nodes = (Node(id=NodeId("n1"), cpu=1000, memory_mib=1_000_000),)
    world.deploy(world.release(manifest(scale=copies, deploy=Deploy(strategy=strategy))))
    world.run()
    world.deploy(next_release(world))
    return world


@pytest.mark.parametrize(("copies", "is_whole"), [(120, True), (400, False)])
def test_of_very_many_copies_that_are_replaced_one_by_one_the_first_steps_are_foreseen(
    copies, is_whole
):
    world = many(copies, Strategy.ROLLING)
    found = foretell(world.snapshot(), world.now, world.fleet())
    ended = [one for one in found.changes if one.what == "v2 serves everything"]
    assert (len(ended), found.is_cut) == (int(is_whole), not is_whole)


def looked(copies: int, strategy: Strategy) -> int:
    """Say how often anything is called to foresee that a release of so many copies is replaced."""
    world = many(copies, strategy)
    snapshot, fleet = world.snapshot(), world.fleet()
    calls = 0

    def count(_frame, event: str, _arg) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        changes = foresee(snapshot, world.now, fleet)
    finally:
        sys.setprofile(None)
    assert len([one for one in changes if one.verb is Verb.START_CONTAINER]) == copies
    return calls


@pytest.mark.parametrize("strategy", [Strategy.BLUE_GREEN, Strategy.RECREATE])
def test_to_foresee_four_times_as_many_copies_costs_about_four_times_as_much(strategy):
    assert looked(100, strategy) < 5 * looked(25, strategy)
