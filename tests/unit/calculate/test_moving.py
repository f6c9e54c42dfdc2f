"""Services on a node that is drained: another takes over before one leaves."""

import msgspec
import pytest

from headway.model.container import Container, ContainerState
from headway.model.deployment import Phase
from headway.model.ids import NodeId
from headway.model.manifest import Deploy, Strategy
from headway.model.node import Node, NodeState
from tests.unit.calculate.small_world import SmallWorld, manifest


def world_of(count: int, what=None) -> SmallWorld:
    world = SmallWorld()
    world.nodes = tuple(
        Node(id=NodeId(f"n{number}"), cpu=4, memory_mib=8000) for number in range(1, count + 1)
    )
    first = world.deploy(world.release(what or manifest()))
    world.run()
    assert world.phase(first) is Phase.SUCCEEDED
    return world


def set_state(world: SmallWorld, node: str, state: NodeState) -> None:
    world.nodes = tuple(
        msgspec.structs.replace(row, state=state) if row.id == node else row for row in world.nodes
    )


def on(world: SmallWorld, node: str) -> list[Container]:
    return [row for row in world.live() if row.node == node]


def daemons(**fields: object):
    spec = manifest(**fields)
    process = msgspec.structs.replace(spec.processes[0], daemon=True)
    return msgspec.structs.replace(spec, processes=(process,))


def test_enough_serve_at_every_moment_of_a_move():
    world = world_of(2)
    least = []
    world.watchers.append(
        lambda: least.append(
            sum(
                row.state is ContainerState.HEALTHY and row.id in world.table
                for row in world.live()
            )
        )
    )
    node = world.live()[0].node
    set_state(world, node, NodeState.DRAINING)
    world.pass_time(60)
    assert on(world, node) == []
    assert sorted(row.slot for row in world.live()) == [1, 2]
    assert min(least) >= 2


def test_one_that_was_moved_says_why():
    world = world_of(2)
    moved = world.live()[0]
    set_state(world, moved.node, NodeState.DRAINING)
    world.pass_time(60)
    said = [
        change.because
        for change in world.changes
        if getattr(change.row, "id", "") == moved.id and "drained" in change.because
    ]
    assert f"{moved.node} is drained" in said[0]
    assert "has taken over" in said[0]


def test_with_nowhere_to_go_services_stay_and_say_so():
    world = world_of(1)
    before = {row.id for row in world.live()}
    set_state(world, "n1", NodeState.DRAINING)
    world.pass_time(600)
    assert {row.id for row in world.live()} == before
    assert all(row.state is ContainerState.HEALTHY for row in world.live())
    assert "2 of 2 copies of web (v1) do not fit" in world.pending
    assert "draining" in world.pending
    world.nodes = (*world.nodes, Node(id=NodeId("n2"), cpu=4, memory_mib=8000))
    world.pass_time(60)
    assert on(world, "n1") == []
    assert len(on(world, "n2")) == 2


def test_a_copy_that_cannot_start_moves_nothing_and_backs_off():
    world = world_of(2)
    node = world.live()[0].node
    stay = {row.id for row in on(world, node)}
    world.behaviour = lambda _container: "exits"
    set_state(world, node, NodeState.DRAINING)
    world.pass_time(120)
    assert {row.id for row in on(world, node)} == stay
    assert all(row.state is ContainerState.HEALTHY for row in on(world, node))
    tries = [row for row in world.containers.values() if row.is_ended]
    assert 2 <= len(tries) <= 16
    world.behaviour = lambda _container: "healthy"
    world.pass_time(120)
    assert on(world, node) == []


def test_a_node_that_is_taken_back_keeps_one_copy_of_each():
    world = world_of(2)
    node = world.live()[0].node
    world.behaviour = lambda _container: "silent"
    set_state(world, node, NodeState.DRAINING)
    world.run()
    assert len(world.live()) > 2
    set_state(world, node, NodeState.READY)
    world.behaviour = lambda _container: "healthy"
    world.pass_time(60)
    assert sorted(row.slot for row in world.live()) == [1, 2]
    assert all(row.state is ContainerState.HEALTHY for row in world.live())


def test_what_must_never_run_twice_ends_first_and_only_when_there_is_room():
    what = manifest(scale=1, deploy=Deploy(strategy=Strategy.RECREATE))
    world = world_of(1, what)
    set_state(world, "n1", NodeState.DRAINING)
    world.pass_time(60)
    assert [row.state for row in world.live()] == [ContainerState.HEALTHY]
    most = []
    world.watchers.append(lambda: most.append(len(world.live())))
    world.nodes = (*world.nodes, Node(id=NodeId("n2"), cpu=4, memory_mib=8000))
    world.pass_time(60)
    assert [row.node for row in world.live()] == ["n2"]
    assert max(most) == 1


def test_a_deployment_under_way_moves_too_and_succeeds():
    world = world_of(3)
    second = world.deploy(world.release(manifest(env={"A": "2"})))
    world.beat()
    node = world.live()[0].node
    set_state(world, node, NodeState.DRAINING)
    world.pass_time(120)
    assert world.phase(second) is Phase.SUCCEEDED
    assert on(world, node) == []
    assert len(world.live(2)) == len(world.live()) == 2


@pytest.mark.parametrize("state", [NodeState.CORDONED, NodeState.LOST])
def test_what_is_on_a_node_that_takes_nothing_stays(state):
    world = world_of(3, daemons())
    before = {row.id for row in world.live()}
    set_state(world, "n2", state)
    world.pass_time(60)
    assert {row.id for row in world.live()} == before


def test_a_daemon_leaves_last_and_the_others_are_not_disturbed():
    world = world_of(3, daemons())
    others = {row.id for row in world.live() if row.node != "n1"}
    set_state(world, "n1", NodeState.DRAINING)
    world.pass_time(60)
    assert len(on(world, "n1")) == 1
    world.vacated = frozenset({NodeId("n1")})
    world.pass_time(60)
    assert any("nothing else is there" in change.because for change in world.changes)
    assert {row.id for row in world.live()} == others
    assert all(row.retired for row in world.containers.values() if row.is_ended)
    set_state(world, "n1", NodeState.READY)
    world.vacated = frozenset()
    world.pass_time(60)
    assert sorted(row.node for row in world.live()) == ["n1", "n2", "n3"]
    assert others <= {row.id for row in world.live()}


def test_a_build_waits_for_a_node_that_takes_it_and_says_so():
    world = SmallWorld()
    world.nodes = (Node(id=NodeId("n1"), cpu=4, memory_mib=8000, state=NodeState.CORDONED),)
    first = world.deploy_source()
    world.run()
    assert world.phase(first) is Phase.BUILDING
    assert "its build waits: " in world.pending
    assert "cordoned" in world.pending
    set_state(world, "n1", NodeState.READY)
    world.run()
    assert world.pending == ""
