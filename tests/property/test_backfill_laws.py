"""Laws of room that is reserved for what is large, and of what may go before it."""

import heapq
from datetime import UTC, datetime, timedelta

from hypothesis import event, given
from hypothesis import strategies as st

from headway.calculate.placement import Ask, Fleet, Promise, reserve
from headway.model.demand import Demand
from headway.model.ids import NodeId
from headway.model.node import Node
from headway.model.resources import Resources

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def of_size(cpu: float, memory_mib: int, expected_s: float | None) -> Demand:
    return Demand(resources=Resources(cpu=cpu, memory_mib=memory_mib), expected_s=expected_s)


small = st.builds(
    of_size,
    st.sampled_from([0.5, 1, 2]),
    st.sampled_from([128, 900]),
    st.sampled_from([5, 20, 60, 300]),
)
large = st.builds(of_size, st.sampled_from([3, 4]), st.sampled_from([128, 2000]), st.just(60))
nodes = st.lists(
    st.tuples(st.sampled_from([4, 5]), st.sampled_from([2048, 4096])), min_size=1, max_size=3
)
rows = st.lists(small, min_size=4, max_size=12)


def filled(sizes, demands) -> tuple[Fleet, dict[str, tuple[NodeId, float]]]:
    fleet = Fleet()
    for number, (cpu, memory_mib) in enumerate(sizes):
        fleet.put(Node(id=NodeId(f"n{number}"), cpu=cpu, memory_mib=memory_mib))
    there: dict[str, tuple[NodeId, float]] = {}
    for number, demand in enumerate(demands):
        node = fleet.place(demand, NOW).node
        if node is not None:
            fleet.hold(f"r{number}", node, demand, after(demand.expected_s))
            there[f"r{number}"] = (node, demand.expected_s)
    return fleet, there


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


@given(nodes, rows, large)
def test_the_moment_is_the_first_at_which_it_fits_anywhere(sizes, demands, wanted):
    fleet, there = filled(sizes, demands)
    found = reserve(fleet, [Ask(wanted)], NOW)
    ends = sorted({0.0, *(ends_s for _, ends_s in there.values())})
    first = None
    for moment in ends:
        with fleet.trial():
            for run, (_, ends_s) in there.items():
                if ends_s <= moment:
                    fleet.free(run)
            if fleet.place(wanted, NOW).node is not None:
                first = moment
                break
    assert (found and (found.at - NOW).total_seconds()) == first
    if found is not None:
        assert all(there[run][0] == found.node for run in found.awaited)


@given(nodes, rows, large, st.lists(st.tuples(small, st.integers(0, 20)), max_size=40))
def test_nobody_who_keeps_to_what_was_expected_delays_who_has_it(sizes, demands, wanted, others):
    fleet, there = filled(sizes, demands)
    found = reserve(fleet, [Ask(wanted)], NOW)
    if found is None:
        return
    fleet.promise(Promise("large", found.node, (wanted,), found.awaited, after(1e6), at=found.at))
    ending = [(ends_s, run) for run, (_, ends_s) in there.items()]
    heapq.heapify(ending)
    now_s, at_s, let_past = 0.0, (found.at - NOW).total_seconds(), 0
    for number, (other, later_s) in enumerate(others):
        now_s += later_s
        if now_s > at_s:
            break
        while ending and ending[0][0] <= now_s:
            fleet.free(heapq.heappop(ending)[1])
        node = fleet.place(other, after(now_s)).node
        if node is not None:
            let_past += node == found.node
            fleet.hold(f"o{number}", node, other, after(now_s + other.expected_s))
            heapq.heappush(ending, (now_s + other.expected_s, f"o{number}"))
    event(f"{min(let_past, 3)} or more were let past on its node")
    while ending and ending[0][0] <= at_s:
        fleet.free(heapq.heappop(ending)[1])
    assert fleet.fits(wanted, found.node, found.at)


@given(nodes, rows, large, st.lists(st.tuples(small, st.integers(0, 20)), max_size=40))
def test_wrong_estimates_delay_it_only_by_who_was_there_when_it_should_have_been(
    sizes, demands, wanted, others
):
    """Nothing ends before it must: whoever is in its way then is the last that it waits for."""
    fleet, there = filled(sizes, demands)
    found = reserve(fleet, [Ask(wanted)], NOW)
    if found is None:
        return
    fleet.promise(Promise("large", found.node, (wanted,), found.awaited, after(1e6), at=found.at))
    in_its_way = {run for run, (node, _) in there.items() if node == found.node}
    now_s, at_s = 0.0, (found.at - NOW).total_seconds()
    for number, (other, later_s) in enumerate(others):
        now_s += later_s
        node = fleet.place(other, after(now_s)).node
        if node is not None:
            fleet.hold(f"o{number}", node, other, after(now_s + other.expected_s))
            if node == found.node and now_s <= at_s:
                in_its_way.add(f"o{number}")
    for run in in_its_way:
        fleet.free(run)
    assert fleet.fits(wanted, found.node, after(max(now_s, at_s)))
