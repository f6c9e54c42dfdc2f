"""Law of copies that are apart: that they are too many for the nodes is said of no others."""

from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from headway.calculate.placement import Copies, Fleet
from headway.model.demand import Demand
from headway.model.ids import NodeId
from headway.model.node import Node
from headway.model.resources import Resources

NAMES = ("a", "b", "c", "d")
kinds = st.tuples(st.integers(1, 3), st.booleans(), st.sets(st.sampled_from(NAMES)))


def fits(wanted: list[Copies], nodes: int) -> bool:
    """Try every way in which copies can be on nodes that have room for all."""
    each = [copies for copies in wanted for _ in range(copies.wanted)]

    def agree(one: Copies, other: Copies) -> bool:
        return not one.demand.alone if one is other else not one.is_apart(other)

    return any(
        all(
            agree(each[first], each[second])
            for first in range(len(each))
            for second in range(first)
            if chosen[first] == chosen[second]
        )
        for chosen in product(range(nodes), repeat=len(each))
    )


@settings(deadline=None)
@given(st.lists(kinds, min_size=1, max_size=3), st.integers(1, 3))
def test_what_can_be_placed_is_never_too_much(drawn, nodes):
    wanted = []
    for name, (count, alone, apart) in zip(NAMES, drawn, strict=False):
        others = tuple(f"demo~1/shop/{other}" for other in sorted(apart - {name}))
        asked = Demand(
            resources=Resources(cpu=0.1, memory_mib=1),
            crowd=f"demo~1/shop/{name}@1",
            alone=alone,
            apart=others,
        )
        wanted.append(Copies(name, asked, count))
    fleet = Fleet()
    for number in range(nodes):
        fleet.put(Node(id=NodeId(f"n{number}"), cpu=9, memory_mib=9_000))
    found = fleet.too_few(wanted)
    if fits(wanted, nodes):
        assert found is None
    elif len(wanted) == 1:
        assert found is not None
