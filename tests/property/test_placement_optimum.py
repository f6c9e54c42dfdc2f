"""Packing against the optimum that a constraint solver finds, on sizes as dynos have them."""

import itertools
import random
from datetime import UTC, datetime

import pytest

from headway.calculate.placement import Fleet
from headway.model.demand import Demand
from headway.model.ids import NodeId
from headway.model.node import Node
from headway.model.resources import Resources

cp_model = pytest.importorskip("ortools.sat.python.cp_model", reason="OR-Tools is not installed")

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CORES, MEMORY = 8, 16384
SIZES = ((0.25, 512), (0.5, 1024), (1, 2048), (2, 4096), (4, 8192), (1, 4096), (2, 2048))


@pytest.mark.parametrize("seed", range(4))
def test_forty_containers_take_at_most_one_node_more_than_the_best_packing(seed):
    chance = random.Random(seed)
    items = [chance.choice(SIZES) for _ in range(40)]
    used = nodes_used(items)
    assert used <= fewest(items, used) + 1


def nodes_used(items) -> int:
    fleet = Fleet()
    for number in range(len(items)):
        fleet.put(Node(id=NodeId(f"n{number}"), cpu=CORES, memory_mib=MEMORY))
    for number, (cpu, memory) in enumerate(items):
        demand = Demand(resources=Resources(cpu=cpu, memory_mib=memory))
        placed = fleet.place(demand, NOW)
        fleet.hold(str(number), placed.node, demand)
    return sum(bool(fleet.on(node.id)) for node in fleet.nodes())


def fewest(items, most: int) -> int:
    """Give a number of nodes below which no packing exists; the best bound where time is up."""
    model = cp_model.CpModel()
    used = [model.new_bool_var("") for _ in range(most)]
    where = [[model.new_bool_var("") for _ in range(most)] for _ in items]
    for row in where:
        model.add_exactly_one(row)
    for node in range(most):
        cores = sum(int(cpu * 100) * row[node] for (cpu, _), row in zip(items, where, strict=True))
        memory = sum(size * row[node] for (_, size), row in zip(items, where, strict=True))
        model.add(cores <= CORES * 100 * used[node])
        model.add(memory <= MEMORY * used[node])
    for one, other in itertools.pairwise(used):
        model.add(one >= other)
    model.minimize(sum(used))
    solver = cp_model.CpSolver()
    solver.parameters.max_deterministic_time = 2
    solver.parameters.num_workers = 1
    solver.solve(model)
    return round(solver.best_objective_bound)
