"""Whatever is said of nodes, in any order: enough serve, and nothing stays where it must leave."""

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.model.container import ContainerState
from headway.model.deployment import Phase
from headway.model.ids import NodeId
from headway.model.node import Node, NodeState
from tests.unit.calculate.small_world import SmallWorld, manifest

NAMES = ("n1", "n2", "n3")
SAID = (NodeState.READY, NodeState.CORDONED, NodeState.DRAINING)
step = st.tuples(st.sampled_from(NAMES), st.sampled_from(SAID), st.integers(0, 30))


@settings(max_examples=60, deadline=None)
@given(scale=st.integers(1, 4), steps=st.lists(step, max_size=8))
def test_enough_serve_whatever_is_said_of_nodes(scale, steps):
    world = SmallWorld()
    world.nodes = tuple(Node(id=NodeId(name), cpu=8, memory_mib=32_000) for name in NAMES)
    first = world.deploy(world.release(manifest(scale=scale)))
    world.run()
    assert world.phase(first) is Phase.SUCCEEDED
    serving = []
    world.watchers.append(
        lambda: serving.append(
            sum(
                row.state is ContainerState.HEALTHY and row.id in world.table
                for row in world.live()
            )
        )
    )
    states = dict.fromkeys(NAMES, NodeState.READY)
    for name, state, seconds in steps:
        states[name] = state
        world.nodes = tuple(
            msgspec.structs.replace(node, state=states[node.id]) for node in world.nodes
        )
        world.pass_time(seconds)
    world.pass_time(120)
    assert min(serving) >= scale
    assert sorted(row.slot for row in world.live()) == list(range(1, scale + 1))
    if NodeState.READY in states.values():
        assert all(states[row.node] is not NodeState.DRAINING for row in world.live())
    before = len(world.changes)
    world.pass_time(600)
    assert len(world.changes) == before
