"""Laws of gangs that take the place of others."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import combinations

import msgspec
from hypothesis import assume, event, given
from hypothesis import strategies as st

from headway.calculate.placement import (
    Fleet,
    Part,
    Promise,
    Site,
    preempt_together,
)
from headway.calculate.placement.gang import Place, rehearse
from headway.model.demand import Demand, Preemption
from headway.model.ids import ContainerId, NodeId
from headway.model.node import Node
from headway.model.preempting import Offer
from headway.model.resources import Resources
from tests.property.test_preempt_laws import (
    HOUR,
    NOW,
    copies_in,
    demands,
    filled,
    nodes,
    picture,
)

crowded = st.lists(
    st.tuples(
        demands.map(
            lambda one: msgspec.structs.replace(
                one,
                preemption=one.preemption if one.priority == 0 else Preemption.ALLOWED,
            )
        ),
        st.integers(0, 50),
    ),
    min_size=6,
    max_size=14,
)
RUNNER = Resources(cpu=0.1, memory_mib=64)


def part(cpu: float, memory_mib: int, priority: int) -> Part:
    demand = Demand(
        resources=Resources(cpu=cpu, memory_mib=memory_mib),
        priority=priority,
        expected_s=60,
        gang="crew",
    )
    beside = Resources(cpu=cpu + RUNNER.cpu, memory_mib=memory_mib + RUNNER.memory_mib)
    return Part("crew", demand, msgspec.structs.replace(demand, resources=beside))


sizes_of_members = st.lists(
    st.tuples(st.sampled_from([0.5, 1, 2]), st.sampled_from([128, 900])), min_size=2, max_size=4
)
gangs = st.builds(
    lambda sizes, priority: [part(*size, priority) for size in sizes],
    sizes_of_members,
    st.sampled_from([2, 3]),
)
sites = st.sampled_from(
    [
        Site(None, ()),
        Site((NodeId("n0"),), ()),
        Site((), (NodeId("n1"),)),
        Site((NodeId("n1"), NodeId("n2")), ()),
    ]
)


def fits(fleet: Fleet, parts: list[Part], site: Site, gone: list[str]) -> bool:
    with fleet.trial():
        for what in gone:
            fleet.free(what)
        return not rehearse(fleet, parts, site, NOW).because


def taken(places: Sequence[Place]) -> dict[NodeId, tuple[float, int]]:
    """Say what is taken of each node."""
    found: dict[NodeId, tuple[float, int]] = {}
    for node, demand in places:
        cpu, memory_mib = found.get(node, (0.0, 0))
        needs = demand.resources
        found[node] = round(cpu + needs.cpu, 6), memory_mib + needs.memory_mib
    return found


def dearest_first(rows) -> list[tuple[int, float]]:
    """Say what it costs to lose each of these."""
    return sorted(((demand.priority, ago_s) for _, demand, ago_s in rows), reverse=True)


@given(nodes, crowded, gangs, sites)
def test_only_what_is_lower_and_may_be_lost_gives_way_and_never_more_than_is_needed(
    sizes, rows, parts, site
):
    fleet, there = filled(sizes, rows)
    assume(not fits(fleet, parts, site, []))
    before = picture(fleet)
    found = preempt_together(fleet, parts, site, NOW)
    event(f"{len(found.runs) if found else 0} give way")
    assert picture(fleet) == before
    priority = parts[0].alone.priority
    may_go = [
        run
        for run, (_, demand, _) in there.items()
        if demand.priority < priority and demand.preemption is Preemption.ALLOWED
    ]
    assert (found is not None) is fits(fleet, parts, site, may_go)
    if found is None:
        return
    assert set(found.runs) <= set(may_go)
    assert set(found.nodes) == {there[run][0] for run in found.runs}
    where = site._replace(promised=[node for node, _ in found.places])
    assert fits(fleet, parts, where, list(found.runs))
    for kept in found.runs:
        assert not fits(fleet, parts, site, [run for run in found.runs if run != kept])


@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=3),
    st.lists(st.tuples(st.integers(-2, 2), st.integers(0, 50)), min_size=4, max_size=9),
    st.integers(2, 4),
)
def test_where_all_are_of_one_size_nothing_cheaper_could_have_given_way(sizes, rows, size):
    sized = [
        Demand(
            resources=Resources(cpu=1, memory_mib=1),
            priority=priority,
            preemption=Preemption.ALLOWED,
            expected_s=100,
        )
        for priority, _ in rows
    ]
    ages = [ago_s for _, ago_s in rows]
    fleet, there = filled([(cpu, 4096, "ready") for cpu in sizes], zip(sized, ages, strict=True))
    parts, site = [part(1, 1, 2) for _ in range(size)], Site(None, ())
    assume(not fits(fleet, parts, site, []))
    found = preempt_together(fleet, parts, site, NOW)
    event(f"{len(found.runs) if found else 0} give way")
    if found is None:
        return
    lost = dearest_first([there[run] for run in found.runs])
    for number in range(1, len(found.runs) + 1):
        for runs in combinations(there, number):
            mine = [there[run] for run in runs]
            if dearest_first(mine) < lost and all(demand.priority < 2 for _, demand, _ in mine):
                assert not fits(fleet, parts, site, list(runs))


@given(nodes, crowded, gangs, sites, demands, st.randoms(use_true_random=False))
def test_room_that_is_promised_is_there_when_all_that_gave_way_has_ended(
    sizes, rows, parts, site, other, chance
):
    fleet, _ = filled(sizes, rows)
    assume(not fits(fleet, parts, site, []))
    found = preempt_together(fleet, parts, site, NOW)
    event(f"{len(found.runs) if found else 0} give way")
    if found is None:
        return
    asked = tuple(demand for one in parts for demand in (one.alone, one.with_runner))
    for node, demand in found.places:
        fleet.promise(Promise("crew", node, (demand, *asked), frozenset(found.all), NOW + HOUR))
    alike = msgspec.structs.replace(parts[0].alone, gang="")
    pressing = [alike] + ([other] if other.priority <= alike.priority else [])
    ending = list(found.runs)
    chance.shuffle(ending)
    number = 0
    for run in [None, *ending]:
        if run is not None:
            fleet.free(run)
        for wish in pressing:  # others press for the room, also such as ask for the same
            while (node := fleet.place(wish, NOW).node) is not None:
                fleet.hold(f"o{number}", node, wish)
                number += 1
    where = [node for node, _ in found.places]
    there = rehearse(fleet, parts, site._replace(promised=where), NOW)
    assert not there.because
    assert [node for node, _ in there.places] == where, "any of a node's may be its runner's first"
    assert taken(there.places) == taken(found.places)
    for at, (node, demand) in enumerate(there.places):
        fleet.hold(f"member{at}", node, demand)
    assert not fleet.promises()


@given(nodes, crowded, gangs, st.integers(0, 4))
def test_of_copies_that_are_offered_the_floor_stays(sizes, rows, parts, floor):
    fleet, there = filled(sizes, rows)
    site = Site(None, ())
    assume(not fits(fleet, parts, site, []))
    copies = copies_in(there)
    offer = Offer(copies=frozenset(ContainerId(name) for name in copies), floor=floor)
    fleet.yielding.offer("app", (offer,))
    found = preempt_together(fleet, parts, site, NOW)
    event(f"{len(found.containers) if found else 0} copies leave")
    if found is None:
        return
    assert set(found.containers) <= set(copies)
    assert len(copies) - len(found.containers) >= floor or not found.containers
    where = site._replace(promised=[node for node, _ in found.places])
    assert fits(fleet, parts, where, list(found.all))
    for kept in found.all:
        assert not fits(fleet, parts, site, [what for what in found.all if what != kept])


def test_what_is_large_finds_room_though_what_is_small_was_asked_for_first():
    """Taking what costs least for the first member leaves the second without room."""
    fleet = Fleet()
    for name, cpu in (("n0", 2), ("n1", 1)):
        fleet.put(Node(id=NodeId(name), cpu=cpu, memory_mib=4096))
    for name, node, cpu, ago_s in (("cheap", "n0", 2, 1), ("dear", "n1", 1, 50)):
        demand = Demand(
            resources=Resources(cpu=cpu, memory_mib=1),
            preemption=Preemption.ALLOWED,
            expected_s=100,
        )
        fleet.hold(name, NodeId(node), demand, NOW + timedelta(seconds=100 - ago_s))
    found = preempt_together(fleet, [part(1, 1, 1), part(2, 1, 1)], Site(None, ()), NOW)
    assert found is not None
    assert set(found.runs) == {"cheap", "dear"}


def test_of_copies_those_leave_that_are_where_it_helps_though_others_cost_no_more():
    """Any three of five may leave, and only these: one anywhere, and two where there are three."""
    fleet, copies = Fleet(), []
    for name, cpu in (("n0", 1), ("n1", 1), ("n2", 3)):
        fleet.put(Node(id=NodeId(name), cpu=cpu, memory_mib=4096))
        for _ in range(cpu):
            copies.append(ContainerId(f"c{len(copies)}"))
            fleet.hold(copies[-1], NodeId(name), Demand(resources=Resources(cpu=1, memory_mib=1)))
    fleet.yielding.offer("app", (Offer(copies=frozenset(copies), floor=2),))
    found = preempt_together(fleet, [part(1, 1, 1), part(2, 1, 1)], Site(None, ()), NOW)
    assert found is not None
    assert len(found.containers) == 3
    assert {node for node, _ in found.places} > {"n2"}
