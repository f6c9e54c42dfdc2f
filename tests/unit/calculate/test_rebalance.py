from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from headway.calculate.placement import Fleet
from headway.calculate.rebalance import Standing, plan_rebalance
from headway.model.demand import Demand
from headway.model.ids import NodeId
from headway.model.node import Node
from headway.model.resources import Resources

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)


def world(*nodes: list[float], price: float = 0.1, fixed: tuple[str, ...] = ()):
    """Make nodes of four cores, each with services of so many cores."""
    fleet, standing = Fleet(), []
    for number, services in enumerate(nodes):
        node = NodeId(f"n{number}")
        fleet.put(Node(id=node, cpu=4, memory_mib=65536, price_hour=price))
        for place, cpu in enumerate(services):
            name = f"{node}.{place}"
            demand = Demand(resources=Resources(cpu=cpu, memory_mib=64))
            fleet.hold(name, node, demand)
            standing.append(
                Standing(id=name, label=name, node=node, demand=demand, movable=name not in fixed)
            )
    return fleet, standing


def test_stragglers_move_together_and_what_that_saves_is_told():
    fleet, standing = world([3], [1], [1, 1])
    plan = plan_rebalance(fleet, standing, NOW, churn=1.0)
    assert [row.node for row in plan.nodes] == ["n1"]
    assert (plan.saves_hour, plan.moves, plan.services) == (0.1, 1, 4)
    assert plan.nodes[0].moves[0].target in ("n0", "n2")
    assert fleet.reserved(NodeId("n1")).cpu == 1


def test_what_cannot_move_keeps_its_node():
    fleet, standing = world([1], [2], fixed=("n0.0", "n1.0"))
    plan = plan_rebalance(fleet, standing, NOW)
    assert plan.nodes == ()
    assert "n0: n0.0 cannot move" in plan.left


def test_full_nodes_stay():
    fleet, standing = world([4], [4])
    plan = plan_rebalance(fleet, standing, NOW)
    assert plan.nodes == ()
    assert "no room" in plan.left[0]


def test_many_moves_for_little_are_not_proposed():
    fleet, standing = world([0.1] * 20, [3], [3], [3], [3], [3], [3])
    plan = plan_rebalance(fleet, standing, NOW, churn=1.0)
    assert plan.nodes == ()
    assert any("saves too little for 20 moves" in text for text in plan.left)


def test_nodes_that_cost_nothing_stay():
    fleet, standing = world([1], [1], price=0.0)
    assert plan_rebalance(fleet, standing, NOW).nodes == ()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.lists(st.sampled_from([0.5, 1.0, 2.0]), max_size=4).filter(lambda row: sum(row) <= 4),
        min_size=1,
        max_size=6,
    ),
    st.sampled_from([0.1, 0.5, 1.0]),
)
def test_every_move_has_room_and_the_budget_holds(nodes, churn):
    fleet, standing = world(*nodes)
    plan = plan_rebalance(fleet, standing, NOW, churn=churn)
    used = {f"n{number}": sum(services) for number, services in enumerate(nodes)}
    sizes = {row.id: row.demand.resources.cpu for row in standing}
    emptied = {row.node for row in plan.nodes}
    for row in plan.nodes:
        for move in row.moves:
            used[move.source] -= sizes[move.what]
            used[move.target] += sizes[move.what]
            assert move.target not in emptied
    assert all(cores <= 4 + 1e-6 for cores in used.values())
    assert all(used[node] < 1e-6 for node in emptied)
    first = len(plan.nodes[0].moves) if plan.nodes else 0
    assert plan.moves <= max(first, int(churn * len(standing)), 1)
