"""Decisions a second at 70 % full, with tags, spread, anti-affinity and reasons for refusals.

One process; processor time, so that neighbours on the machine do not count. Each step takes something
away and places something else. A fifth of all must have one of eight tags, a fifth is of one of 200
crowds that are at most once on a node, a fifth of services that spread; sizes are those of 24 kinds.
"""

import itertools
import os
import random
import time
from datetime import UTC, datetime

from benchmarks.figure import Figure, percentile
from headway.calculate.placement import Fleet
from headway.model.demand import Demand
from headway.model.ids import NodeId
from headway.model.node import Node
from headway.model.resources import Resources
from headway.model.tag import TagOperator, TagRule

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SIZES = tuple(int(size) for size in os.environ.get("NODES", "100,1000,10000,50000").split(","))
STEPS = int(os.environ.get("STEPS", "20000"))
C2M = int(os.environ.get("C2M", "2000000"))
CORES, MEMORY_MIB, FULL = 16, 65536, 0.7


def run() -> list[Figure]:
    """Measure every size, then the shape of Nomad's challenge."""
    rates = {size: _steps(size) for size in SIZES}
    figures = [figure for size in SIZES for figure in rates[size][1]]
    if {10000, 50000} <= set(SIZES):
        ratio = rates[10000][0] / rates[50000][0]
        figures.append(
            Figure(
                what="50,000 nodes against 10,000",
                value=ratio,
                unit="times",
                goal="at most 1.3",
                holds=ratio <= 1.3,
            )
        )
    return [*figures, _refusals(10000), _c2m(6100, C2M)]


def _fleet(size: int) -> Fleet:
    fleet = Fleet()
    for number in range(size):
        tags = {"zone": "abc"[number % 3], "kind": f"k{number % 8}"}
        fleet.put(Node(id=NodeId(f"n{number:05}"), cpu=CORES, memory_mib=MEMORY_MIB, tags=tags))
    return fleet


def _demands() -> list[Demand]:
    found = []
    sizes = list(itertools.product((0.25, 0.5, 1, 2), (512, 1024, 2048, 4096, 6144, 8192)))
    for number, (cpu, memory) in enumerate(sizes * 10):
        resources = Resources(cpu=cpu, memory_mib=memory)
        share = number % 5
        if share == 0:
            kind = TagRule(tag="kind", operator=TagOperator.IN, values=(f"k{number % 8}",))
            found.append(Demand(resources=resources, where=(kind,)))
        elif share == 1:
            crowd = f"demo~1/app{number % 200}/web@1"
            found.append(Demand(resources=resources, crowd=crowd, alone=True))
        elif share == 2:
            crowd = f"demo~1/svc{number}/web@1"
            found.append(Demand(resources=resources, crowd=crowd, spread=("zone", "node")))
        else:
            found.append(Demand(resources=resources))
    return found


def _steps(size: int) -> tuple[float, list[Figure]]:
    chance = random.Random(1)
    fleet, demands = _fleet(size), _demands()
    live: list[str] = []
    names = (f"c{number}" for number in itertools.count())
    used, began = 0.0, time.process_time()
    while used < FULL * CORES * size:
        demand = chance.choice(demands)
        node = fleet.place(demand, NOW).node
        if node is not None:
            live.append(next(names))
            fleet.hold(live[-1], node, demand)
        used += demand.resources.cpu
    filled = len(live) / (time.process_time() - began)
    took, began = [], time.process_time()
    for _ in range(STEPS):
        at = chance.randrange(len(live))
        fleet.free(live[at])
        demand = chance.choice(demands)
        one = time.process_time()
        node = fleet.place(demand, NOW).node
        took.append(time.process_time() - one)
        if node is None:
            live[at] = live[-1]
            live.pop()
        else:
            live[at] = next(names)
            fleet.hold(live[at], node, demand)
    rate = STEPS / (time.process_time() - began)
    goal = {"goal": "at least 25,000", "holds": rate >= 25000} if size == 10000 else {}
    return rate, [
        Figure(
            what=f"{size:,} nodes: placed and freed",
            value=rate,
            unit="/s",
            against=f"p99 {percentile(took, 0.99) * 1e6:,.0f} us a decision",
            **goal,
        ),
        Figure(what=f"{size:,} nodes: filled in a burst", value=filled, unit="/s"),
    ]


def _refusals(size: int) -> Figure:
    fleet = _fleet(size)
    rule = TagRule(tag="kind", operator=TagOperator.IN, values=("k1",))
    wanted = Demand(resources=Resources(cpu=2 * CORES, memory_mib=1024), where=(rule,))
    began = time.process_time()
    for _ in range(100):
        placed = fleet.place(wanted, NOW)
    each = (time.process_time() - began) / 100
    assert sum(row.nodes for row in placed.refusals) == size
    return Figure(what=f"{size:,} nodes: why nothing fits", value=each * 1e3, unit="ms")


def _c2m(nodes: int, containers: int) -> Figure:
    fleet = Fleet()
    for number in range(nodes):
        fleet.put(Node(id=NodeId(f"n{number:05}"), cpu=64, memory_mib=128 * 1024))
    demand = Demand(resources=Resources(cpu=0.1, memory_mib=128))
    began = time.process_time()
    for number in range(containers):
        node = fleet.place(demand, NOW).node
        assert node is not None
        fleet.hold(f"c{number}", node, demand)
    took = time.process_time() - began
    return Figure(
        what=f"{containers:,} containers on {nodes:,} nodes",
        value=took,
        unit="s",
        against="22 min 14 s in Nomad's published challenge, with real starts",
        goal="under 120 s",
        holds=took < 120,
    )
