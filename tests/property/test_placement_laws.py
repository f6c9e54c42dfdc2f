"""Laws of placement, on fleets that are small enough for lists and on the same as arrays."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.calculate.placement import Fleet, few, many, table
from headway.model.demand import Demand
from headway.model.ids import NodeId
from headway.model.node import Node, NodeState
from headway.model.pool import PlacementPolicy, Pool
from headway.model.resources import Resources
from headway.model.tag import TagOperator, TagRule

NOW = datetime(2026, 1, 1, tzinfo=UTC)

nodes = st.builds(
    Node,
    id=st.integers(0, 9).map(lambda number: NodeId(f"n{number}")),
    cpu=st.sampled_from([1, 2, 4]),
    memory_mib=st.sampled_from([1024, 4096]),
    gpus=st.sampled_from([0, 0, 1]),
    tags=st.fixed_dictionaries({}, optional={"zone": st.sampled_from("abc")}),
    state=st.sampled_from([NodeState.READY, NodeState.READY, NodeState.CORDONED]),
)
crowds = st.sampled_from(["", "demo~1/a/web@1", "demo~1/a/web@2", "demo~1/b/web@1"])
demands = st.builds(
    Demand,
    resources=st.builds(
        Resources,
        cpu=st.sampled_from([0.1, 0.3, 1, 3]),
        memory_mib=st.sampled_from([128, 1000, 3000]),
        gpus=st.sampled_from([0, 0, 0, 1]),
    ),
    where=st.sampled_from([(), (), (TagRule(tag="zone", operator=TagOperator.EXISTS),)]),
    crowd=crowds,
    spread=st.sampled_from([(), ("node",), ("zone",), ("zone", "node")]),
    alone=st.booleans(),
    apart=st.sampled_from([(), (), ("demo~1/b",), ("demo~1/a/web",)]),
    expected_s=st.sampled_from([None, 60, 3600]),
)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("put"), nodes),
        st.tuples(st.just("remove"), nodes),
        st.tuples(st.just("place"), demands),
        st.tuples(st.just("place"), demands),
        st.tuples(st.just("free"), st.integers(0, 30)),
    ),
    max_size=60,
)
policies = st.sampled_from(PlacementPolicy)


class Following:
    """Does the same steps to a fleet, and checks what must always be."""

    def __init__(self, policy: PlacementPolicy, among: frozenset[NodeId] | None = None) -> None:
        self.among = among
        self.fleet = Fleet([Pool(policy=policy)])
        self.placed: list[tuple[str, str, Demand]] = []
        self.answers: list[object] = []

    def do(self, step: tuple[str, object]) -> None:
        what, given = step
        if what == "put":
            self.fleet.put(given)
        elif what == "remove":
            self.fleet.remove(given.id)
        elif what == "free" and self.placed:
            self.fleet.free(self.placed.pop(given % len(self.placed))[0])
        elif what == "place":
            self.place(given)

    def place(self, demand: Demand) -> None:
        before = self.room()
        answer = self.fleet.place(demand, NOW, among=self.among)
        self.answers.append(answer)
        assert answer.node is None or self.among is None or answer.node in self.among
        if answer.node is None:
            if self.among is not None:
                return
            known = {node.id for node in self.fleet.nodes()}
            held = {node for _, node, _ in self.placed}
            assert sum(row.nodes for row in answer.refusals) == len(known | held)
            return
        cpu, memory, gpus = before[answer.node]
        asked = demand.resources
        assert asked.cpu <= cpu + 1e-9
        assert asked.memory_mib <= memory
        assert asked.gpus <= max(gpus, 0)  # less than none where a node came back with fewer
        self.check_company(demand, answer.node)
        name = f"c{len(self.answers)}"
        until = NOW + timedelta(seconds=demand.expected_s) if demand.expected_s else None
        self.fleet.hold(name, answer.node, demand, until)
        self.placed.append((name, answer.node, demand))

    def room(self) -> dict[str, tuple[float, int, int]]:
        """Count anew what is free, from what was placed."""
        free = {node.id: [node.cpu, node.memory_mib, node.gpus] for node in self.fleet.nodes()}
        for _, node, demand in self.placed:
            if node in free:
                for at, amount in enumerate(
                    (demand.resources.cpu, demand.resources.memory_mib, demand.resources.gpus)
                ):
                    free[node][at] -= amount
        return {node: tuple(amounts) for node, amounts in free.items()}

    def check_company(self, demand: Demand, node: str) -> None:
        for _, other_node, other in self.placed:
            if other_node != node:
                continue
            assert not (demand.alone and demand.crowd and demand.crowd == other.crowd)
            assert not any(shuns(one, two) for one, two in ((demand, other), (other, demand)))


def shuns(one: Demand, other: Demand) -> bool:
    return any(
        other.crowd == name or other.crowd.startswith((f"{name}/", f"{name}@"))
        for name in one.apart
        if other.crowd
    )


@given(steps=steps, policy=policies)
@settings(max_examples=150, deadline=None)
def test_nothing_is_over_capacity_and_apart_holds_and_every_refusal_is_counted(steps, policy):
    following = Following(policy)
    for step in steps:
        following.do(step)


@given(
    steps=steps,
    policy=policies,
    among=st.none() | st.frozensets(st.integers(0, 9).map(lambda number: NodeId(f"n{number}"))),
)
@settings(max_examples=250, deadline=None)
def test_lists_and_arrays_decide_the_same_whether_nodes_are_looked_at_singly_or_at_once(
    steps, policy, among
):
    answers = []
    quick, sparse = few.QUICK, many.SPARSE
    for nodes_few, rows_few, crowds_few in (
        (64, quick, sparse),
        (0, quick, sparse),
        (0, 0, sparse),
        (0, 0, 0),
    ):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(table, "FEW", nodes_few)
            patch.setattr(few, "QUICK", rows_few)
            patch.setattr(many, "SPARSE", crowds_few)
            following = Following(policy, among)
            for step in steps:
                following.do(step)
            answers.append(following.answers)
    assert all(answer == answers[0] for answer in answers)


@given(steps=steps, more=steps, policy=policies)
@settings(max_examples=100, deadline=None)
def test_a_copy_and_a_trial_change_nothing_and_decide_the_same(steps, more, policy):
    following = Following(policy)
    for step in steps:
        following.do(step)
    twin = Following(policy)
    twin.fleet, twin.placed = following.fleet.copy(), list(following.placed)
    twin.answers = list(following.answers)
    with following.fleet.trial():
        for at, step in enumerate(more):
            if step[0] == "place" and (node := following.fleet.place(step[1], NOW).node):
                following.fleet.hold(f"tried {at}", node, step[1])
    for step in more:
        twin.do(step)
    reserved = {node.id: following.fleet.reserved(node.id) for node in following.fleet.nodes()}
    room = following.room()
    for node in following.fleet.nodes():
        assert abs(node.cpu - reserved[node.id].cpu - room[node.id][0]) < 1e-6
    again = Following(policy)
    again.fleet, again.placed = following.fleet, list(following.placed)
    again.answers = list(following.answers)
    for step in more:
        again.do(step)
    assert again.answers[len(following.answers) :] == twin.answers[len(following.answers) :]


@settings(deadline=None)
@given(taken=steps, asked=demands)
def test_what_can_never_be_placed_is_what_no_empty_fleet_of_ready_nodes_takes(taken, asked):
    one = Following(PlacementPolicy.PACK)
    for step in taken:
        one.do(step)
        one.fleet.never(asked)  # what is remembered of it changes nothing
    empty = Fleet()
    for node in one.fleet.nodes():
        empty.put(msgspec.structs.replace(node, state=NodeState.READY))
    known = {node.id for node in one.fleet.nodes()}
    is_all_known = all(node in known for _, node, _ in one.placed)
    is_hopeless = empty.place(asked, NOW).node is None and bool(known) and is_all_known
    assert (one.fleet.never(asked) is not None) is is_hopeless
