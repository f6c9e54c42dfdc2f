"""Copies of a service give way to others, never below its floor, and come back."""

import msgspec
import pytest

from headway.calculate.placement import Ask, Fleet, preempt
from headway.calculate.rollout.member import plan_member
from headway.model.container import Container, ContainerState
from headway.model.demand import Demand, Preemption
from headway.model.deployment import Phase
from headway.model.ids import NodeId
from headway.model.manifest import Deploy, Strategy
from headway.model.node import Node, NodeState
from headway.model.plan import Verb
from headway.model.preempting import Offer, Preempting
from headway.model.resources import Resources
from tests.unit.calculate.small_world import APP, ENVIRONMENT, SmallWorld, manifest

WHOM = f"{ENVIRONMENT}/{APP}"
TAKEN = "k1 of priority 10 takes its place"
ABOVE = Demand(resources=Resources(cpu=1, memory_mib=64), priority=10, expected_s=60)


def spec(*, scale: int = 3, floor: int | None = 1, cpu: float = 1.0, deploy: Deploy | None = None):
    what = manifest(scale=scale, deploy=deploy)
    resources = Resources(cpu=cpu, memory_mib=64)
    process = msgspec.structs.replace(what.processes[0], floor=floor, resources=resources)
    return msgspec.structs.replace(what, processes=(process,))


def world_of(*cores: float, what=None) -> SmallWorld:
    world = SmallWorld()
    world.nodes = tuple(
        Node(id=NodeId(f"n{number}"), cpu=cpu, memory_mib=8000)
        for number, cpu in enumerate(cores, 1)
    )
    first = world.deploy(world.release(what or spec()))
    world.run()
    assert world.phase(first) is Phase.SUCCEEDED
    return world


def tell(world: SmallWorld, *copies: Container) -> None:
    """Have copies told that their place is taken."""
    for row in copies:
        world.containers[row.id] = msgspec.structs.replace(row, preempted=TAKEN)


def fleet_of(world: SmallWorld) -> Fleet:
    """Give the fleet, with what the app offers of it."""
    fleet = world.fleet()
    fleet.yielding.offer(WHOM, plan_member(world.snapshot(), world.now, fleet).offers)
    return fleet


def healthy(world: SmallWorld) -> list[Container]:
    return [row for row in world.live() if row.state is ContainerState.HEALTHY]


def watch(world: SmallWorld) -> list[int]:
    """Count those that serve, at every moment from now on."""
    counts: list[int] = []
    world.watchers.append(lambda: counts.append(len({row.slot for row in healthy(world)})))
    return counts


def drain(world: SmallWorld, node: NodeId) -> None:
    world.nodes = tuple(
        msgspec.structs.replace(row, state=NodeState.DRAINING) if row.id == node else row
        for row in world.nodes
    )


def taken(world: SmallWorld) -> Preempting | None:
    return preempt(fleet_of(world), [Ask(ABOVE)], world.now)


# --- which is taken ------------------------------------------------------------------------------


def test_a_copy_above_the_floor_gives_way_to_what_fits_nowhere():
    world = world_of(3)
    found = taken(world)
    assert found is not None
    assert len(found.containers) == 1
    assert not found.moving
    assert "60 core seconds of service" in found.because


@pytest.mark.parametrize(
    "what", [spec(floor=3), spec(floor=None), spec(scale=1, cpu=3)], ids=["floor", "none", "last"]
)
def test_what_is_to_stay_gives_way_to_nothing(what):
    assert taken(world_of(3, what=what)) is None


def test_only_what_is_of_a_lower_priority_gives_way():
    world = world_of(3)
    same = msgspec.structs.replace(ABOVE, priority=0)
    assert preempt(fleet_of(world), [Ask(same)], world.now) is None


def test_no_more_give_way_than_are_above_the_floor_however_many_are_asked_for():
    world = world_of(4, what=spec(scale=4, floor=2))
    two, three = (
        msgspec.structs.replace(ABOVE, resources=Resources(cpu=cpu, memory_mib=64))
        for cpu in (2, 3)
    )
    fleet = fleet_of(world)
    found = preempt(fleet, [Ask(two)], world.now)
    assert found is not None
    assert len(found.containers) == 2
    assert preempt(fleet, [Ask(three)], world.now) is None


def test_those_for_which_there_is_room_elsewhere_are_named():
    world = world_of(3)
    world.nodes = (*world.nodes, Node(id=NodeId("n2"), cpu=1, memory_mib=8000))
    two = msgspec.structs.replace(ABOVE, resources=Resources(cpu=2, memory_mib=64))
    found = preempt(fleet_of(world), [Ask(two)], world.now)
    assert found is not None
    assert len(found.containers) == 2
    assert len(found.moving) == 1


def test_a_copy_that_is_not_good_does_not_count_among_those_that_stay():
    world = world_of(3, what=spec(floor=2))
    world.behaviour = lambda _row: "silent"
    world.crash(world.live()[0])
    world.run()
    assert len(healthy(world)) == 2
    assert taken(world) is None


def test_a_copy_whose_node_is_drained_does_not_count_among_those_that_stay():
    world = world_of(1, 1, what=spec(scale=2))
    assert taken(world) is not None
    drain(world, world.live()[1].node)
    assert taken(world) is None


def test_nothing_of_an_app_is_offered_while_it_is_deployed():
    world = world_of(8)
    assert plan_member(world.snapshot(), world.now, world.fleet()).offers
    world.behaviour = lambda _row: "silent"
    world.deploy(world.release(spec()))
    world.run()
    assert not plan_member(world.snapshot(), world.now, world.fleet()).offers


def run_of(fleet: Fleet, cpu: float, work_s: float, now) -> None:
    demand = Demand(
        resources=Resources(cpu=cpu, memory_mib=64),
        preemption=Preemption.ALLOWED,
        expected_s=work_s,
    )
    fleet.hold("run", NodeId("n1"), demand, now)


@pytest.mark.parametrize(("work_s", "what"), [(30, "run"), (600, "copy")])
def test_a_run_gives_way_where_less_is_lost_by_it(work_s, what):
    world = world_of(3, 1, what=spec(scale=2))
    fleet = Fleet()
    fleet.put(Node(id=NodeId("n1"), cpu=2, memory_mib=8000))
    copies = [f"c{number}" for number in (1, 2)]
    fleet.hold("c1", NodeId("n1"), Demand(resources=Resources(cpu=1, memory_mib=64)))
    fleet.put(Node(id=NodeId("n2"), cpu=1, memory_mib=8000))
    fleet.hold("c2", NodeId("n2"), Demand(resources=Resources(cpu=1, memory_mib=64)))
    fleet.yielding.offer(WHOM, (Offer(copies=frozenset(copies), floor=1),))
    run_of(fleet, 1, work_s, world.now)
    found = preempt(fleet, [Ask(ABOVE)], world.now)
    assert found is not None
    assert (found.runs == ("run",)) is (what == "run")
    assert (found.containers != ()) is (what == "copy")


# --- how it leaves -------------------------------------------------------------------------------


def test_one_that_gives_way_leaves_by_draining_and_is_back_as_soon_as_there_is_room():
    world = world_of(3)
    old = world.live()[0]
    counts = watch(world)
    world.nodes = (msgspec.structs.replace(world.nodes[0], cpu=2.5),)  # the other has its place
    tell(world, old)
    world.pass_time(60)
    verbs = [change.verb for change in world.changes if getattr(change.row, "id", "") == old.id]
    assert verbs[-2:] == [Verb.DRAIN_CONTAINER, Verb.STOP_CONTAINER]
    assert len(world.live()) == 2
    assert min(counts) == 2
    assert TAKEN in world.pending
    assert "is back as soon as there is room" in world.pending
    world.nodes = (msgspec.structs.replace(world.nodes[0], cpu=3),)
    world.pass_time(5)
    assert len(healthy(world)) == 3


def test_where_there_is_room_elsewhere_another_takes_over_first():
    world = world_of(3)
    old = world.live()[0]
    counts = watch(world)
    world.nodes = (*world.nodes, Node(id=NodeId("n2"), cpu=1, memory_mib=8000))
    tell(world, old)
    world.pass_time(60)
    assert old.id not in {row.id for row in world.live()}
    assert min(counts) == 3
    assert [row.node for row in healthy(world) if row.slot == old.slot] == ["n2"]


def test_a_copy_elsewhere_that_cannot_start_holds_nobody_up():
    world = world_of(3)
    world.nodes = (*world.nodes, Node(id=NodeId("n2"), cpu=1, memory_mib=8000))
    world.behaviour = lambda _row: "exits"
    old = world.live()[0]
    tell(world, old)
    world.pass_time(3)
    assert old.id not in {row.id for row in world.live()}
    assert len(healthy(world)) == 2


def test_never_two_copies_of_what_is_never_to_be_twice():
    world = world_of(3, 3, what=spec(deploy=Deploy(strategy=Strategy.RECREATE)))
    counts: list[int] = []
    world.watchers.append(lambda: counts.append(len(world.live())))
    tell(world, world.live()[0])
    world.pass_time(60)
    assert max(counts) == 3
    assert len(healthy(world)) == 3


# --- what calls it off ---------------------------------------------------------------------------


def kept(world: SmallWorld) -> list[str]:
    return [row.because for row in world.changes if row.verb is Verb.KEEP_CONTAINER]


def test_one_stays_when_too_few_others_do_well_by_now():
    world = world_of(3, what=spec(floor=2))
    world.behaviour = lambda _row: "silent"
    first, second, _ = world.live()
    tell(world, first)
    world.crash(second)
    world.run()
    assert kept(world) == ["2 of web are to stay, and 1 would be healthy"]
    assert world.containers[first.id].state is ContainerState.HEALTHY
    assert not world.containers[first.id].preempted


def test_one_stays_when_the_node_of_the_other_is_drained_meanwhile():
    world = world_of(1, 1, 1, what=spec(scale=2, deploy=Deploy(strategy=Strategy.RECREATE)))
    first, second = world.live()
    counts = watch(world)
    tell(world, first)
    drain(world, second.node)
    world.pass_time(60)
    assert kept(world) == ["1 of web are to stay, and 0 would be healthy"]
    assert min(counts) == 1
    assert len(healthy(world)) == 2


def test_one_stays_when_a_deployment_has_begun():
    world = world_of(4)
    world.behaviour = lambda _row: "silent"
    old = world.live()[0]
    tell(world, old)
    world.deploy(world.release(spec()))
    world.run()
    assert kept(world) == ["a deployment is under way"]
    assert world.containers[old.id].state is ContainerState.HEALTHY


def test_whatever_is_told_at_once_the_floor_holds():
    world = world_of(4, what=spec(scale=4, floor=2))
    counts = watch(world)
    tell(world, *world.live())
    world.pass_time(60)
    assert min(counts) >= 2
