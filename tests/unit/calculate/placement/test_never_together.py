"""Runs that start together and can never all have room, though each can."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.calculate.placement import Fleet, Part
from headway.calculate.placement.beside import Kind, Shape, Slot, Tries, fit_beside
from headway.model.ids import NodeId, PoolName
from headway.model.pool import NodeType, Pool, Scaling, Window
from tests.unit.calculate.placement.test_fleet import demand, fleet, node

FOUR = NodeType(name="four", cpu=4, memory_mib=8192, price_hour=1)


def parts(*cores: float, runner: float = 0) -> list[Part]:
    return [Part("worker", demand(cpu), demand(cpu + runner)) for cpu in cores]


def told(pool: Pool | None = None, *nodes) -> Fleet:
    there = fleet(*nodes)
    if pool is not None:
        there.put_pool(pool)
    there.tells_all(True)
    return there


def grows_to(most: int, **more) -> Pool:
    return Pool(types=(FOUR,), scaling=Scaling(nodes_max=most, **more))


@pytest.mark.parametrize(
    ("cores", "runner", "fits"),
    [
        ((3, 3), 0, True),
        ((3, 3, 3), 0, False),
        ((2.5, 2.5, 1, 1), 0, True),
        ((2, 3, 3), 0, False),
        ((2, 2, 2, 2), 0, True),
        ((2, 2, 2, 2), 0.5, False),
        ((1.5, 1.5, 1.5, 1.5), 0.5, True),
    ],
)
def test_a_pool_counts_as_large_as_it_may_be_with_a_runner_on_each_node(cores, runner, fits):
    found = told(grows_to(2)).never_together(parts(*cores, runner=runner))
    assert (found is None) == fits


def test_it_is_said_what_would_have_to_change():
    found = told(grows_to(2)).never_together(parts(3, 3, 3, 3))
    assert found is not None
    assert found.because.startswith("4 of worker (3 cores and ")
    assert found.because.endswith(
        "each) are to be there at once, and at most 2 ever can: pool default has at most 2"
    )
    assert found.hint == (
        "what would have to change: `nodes_max` of pool default is at least 4; "
        "or pool default has a larger type"
    )


def test_each_gang_is_told_of_its_own_jobs_though_they_ask_for_the_same():
    there = told(grows_to(2))
    for job in ("alpha", "beta"):
        found = there.never_together([Part(job, demand(3), demand(3))] * 4)
        assert found is not None
        assert found.because.startswith(f"4 of {job} (")


def test_a_ceiling_of_what_it_may_cost_counts_too():
    there = told(grows_to(9, cost_hour_max=2.5))
    assert there.never_together(parts(3, 3)) is None
    found = there.never_together(parts(3, 3, 3))
    assert found is not None
    assert "`cost_hour_max` of pool default is higher" in found.hint


def test_a_window_that_lets_it_be_larger_counts():
    night = Window(cron="0 20 * * *", length_s=3600, nodes_max=3)
    assert told(grows_to(1, windows=(night,))).never_together(parts(3, 3, 3)) is None


def test_nodes_that_nobody_lends_count_however_full_they_are():
    there = told(grows_to(1), node("a", cpu=4))
    there.hold("full", NodeId("a"), demand(4))
    assert there.never_together(parts(3, 3)) is None
    found = there.never_together(parts(3, 3, 3))
    assert found is not None
    assert "1 nodes are there, pool default has at most 1" in found.because


def test_a_node_of_the_pool_may_be_given_back_for_a_larger_one():
    large = NodeType(name="large", cpu=8, memory_mib=8192)
    pool = Pool(types=(FOUR, large), scaling=Scaling(nodes_max=2))
    there = told(pool, node("a", cpu=4, type="four", pool=PoolName("default")))
    assert there.never_together(parts(7, 7)) is None
    assert there.never_together(parts(7, 7, 7)) is not None


def test_where_not_all_nodes_are_known_nothing_is_said():
    there = told(grows_to(1))
    there.tells_all(False)
    assert there.never_together(parts(3, 3)) is None
    there.tells_all(True)
    assert there.never_together(parts(3, 3)) is not None
    there.put_pool(grows_to(2))
    assert there.never_together(parts(3, 3)) is None


def test_where_no_pool_grows_more_nodes_are_what_is_missing():
    found = told(None, node("a", cpu=4)).never_together(parts(3, 3))
    assert found is not None
    assert found.hint == "what would have to change: there are more nodes, or larger ones"


@settings(deadline=None)
@given(
    st.lists(st.integers(1, 6), min_size=1, max_size=5),
    st.lists(st.integers(2, 8), min_size=1, max_size=3),
)
def test_what_fits_in_some_order_is_said_to_fit_and_nothing_else(sizes, places):
    kinds = [Kind((size,), sizes.count(size)) for size in sorted(set(sizes))]
    every = frozenset(range(len(kinds)))
    fits = any(
        all(
            sum(size for size, at in zip(sizes, chosen, strict=True) if at == place) <= room
            for place, room in enumerate(places)
        )
        for chosen in product(range(len(places)), repeat=len(sizes))
    )
    assert fit_beside(kinds, [Slot((Shape((room,), every),), 1) for room in places]) == fits


def test_a_place_becomes_one_of_its_shapes_only():
    shapes = Shape((4, 0), frozenset({0})), Shape((0, 4), frozenset({1}))
    kinds = [Kind((2, 0), 2), Kind((0, 2), 2)]
    assert not fit_beside(kinds, [Slot(shapes, 1)])
    assert fit_beside(kinds, [Slot(shapes, 2)])


def crowded(places: int) -> tuple[list[Kind], list[Slot]]:
    """Give much that is unlike, all of which just does not fit in places that are unlike."""
    kinds = [Kind((300 + 7 * at, 400 - 5 * at), 8) for at in range(8)]
    shapes = [Shape((1000 + at, 1100 - at), frozenset(range(8))) for at in range(places)]
    return kinds, [Slot((shape,), 1) for shape in shapes]


def test_what_is_not_known_after_so_many_tries_counts_as_possible():
    tries = Tries(3000)
    assert fit_beside(*crowded(20), tries)
    assert tries.are_spent
    assert tries.left > -10  # and not much more was tried


def test_no_tries_are_spent_where_all_fit_in_the_first_way():
    kinds, slots = crowded(64)
    tries = Tries(100_000)
    assert fit_beside(kinds, slots, tries)
    assert not tries.are_spent
    assert tries.left > 90_000


def test_what_is_tried_in_a_pool_of_many_types_is_counted_by_type():
    kinds, slots = crowded(20)
    shapes = tuple(shape for slot in slots for shape in slot.shapes)
    tries = Tries(3000)
    assert fit_beside(kinds, [Slot(shapes, 20)], tries)
    assert -len(shapes) < tries.left <= 0
