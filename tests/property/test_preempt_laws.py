"""Laws of taking the place of others, and of room that is promised."""

from datetime import UTC, datetime, timedelta
from itertools import combinations

from hypothesis import event, given
from hypothesis import strategies as st

from headway.calculate.placement import Ask, Fleet, Promise, preempt
from headway.model.demand import Demand, Preemption
from headway.model.ids import ContainerId, NodeId
from headway.model.node import Node, NodeState
from headway.model.preempting import Offer
from headway.model.resources import Resources

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)

demands = st.builds(
    Demand,
    resources=st.builds(
        Resources, cpu=st.sampled_from([0.1, 0.3, 1, 3]), memory_mib=st.sampled_from([128, 900])
    ),
    priority=st.integers(-2, 2),
    preemption=st.sampled_from(Preemption),
    expected_s=st.sampled_from([60, 3600]),
)
above = st.builds(
    Demand,
    resources=st.builds(
        Resources, cpu=st.sampled_from([1, 2]), memory_mib=st.sampled_from([128, 900])
    ),
    priority=st.sampled_from([2, 1, 0]),
    preemption=st.sampled_from(Preemption),
    expected_s=st.just(60),
)
nodes = st.lists(
    st.tuples(
        st.sampled_from([2, 4]),
        st.sampled_from([1024, 4096]),
        st.sampled_from([NodeState.READY, NodeState.READY, NodeState.CORDONED]),
    ),
    min_size=1,
    max_size=3,
)
held = st.lists(st.tuples(demands, st.integers(0, 50)), min_size=6, max_size=14)


def filled(sizes, rows) -> tuple[Fleet, dict[str, tuple[NodeId, Demand, float]]]:
    """Make a fleet in which these run, as far as they fit, begun so many seconds ago."""
    fleet = Fleet()
    for number, (cpu, memory_mib, _) in enumerate(sizes):
        fleet.put(Node(id=NodeId(f"n{number}"), cpu=cpu, memory_mib=memory_mib))
    there: dict[str, tuple[NodeId, Demand, float]] = {}
    for number, (demand, ago_s) in enumerate(rows):
        node = fleet.place(demand, NOW).node
        if node is not None:
            until = NOW + timedelta(seconds=demand.expected_s - ago_s)
            fleet.hold(f"r{number}", node, demand, until)
            there[f"r{number}"] = (node, demand, ago_s)
    for number, (cpu, memory_mib, state) in enumerate(sizes):
        fleet.put(Node(id=NodeId(f"n{number}"), cpu=cpu, memory_mib=memory_mib, state=state))
    return fleet, there


def cost(rows) -> tuple[int, float, int]:
    """Say what it costs to lose these."""
    return (
        max(demand.priority for _, demand, _ in rows),
        round(sum(demand.resources.cpu * ago_s for _, demand, ago_s in rows), 6),
        len(rows),
    )


def copies_in(there: dict[str, tuple[NodeId, Demand, float]]) -> list[str]:
    """Give what may be copies of one process type: all of one size."""
    firm = {
        name: demand.resources
        for name, (_, demand, _) in there.items()
        if demand.preemption is Preemption.NEVER
    }
    return [name for name, size in firm.items() if size == next(iter(firm.values()))]


def picture(fleet: Fleet) -> list[object]:
    return [(fleet.reserved(node.id), sorted(fleet.on(node.id))) for node in fleet.nodes()]


@given(nodes, held, above)
def test_only_what_is_lower_and_may_be_lost_gives_way_and_never_more_than_is_needed(
    sizes, rows, wanted
):
    fleet, there = filled(sizes, rows)
    if fleet.place(wanted, NOW).node is not None:
        return
    before = picture(fleet)
    found = preempt(fleet, [Ask(wanted)], NOW)
    event(f"{len(found.runs) if found else 0} give way")
    assert picture(fleet) == before
    if found is None:
        return
    assert found.runs
    for run in found.runs:
        node, demand, _ = there[run]
        assert node == found.node
        assert demand.priority < wanted.priority
        assert demand.preemption is Preemption.ALLOWED
    for kept in [None, *found.runs]:
        with fleet.trial():
            for run in found.runs:
                if run != kept:
                    fleet.free(run)
            assert fleet.fits(wanted, found.node, NOW) is (kept is None)


@given(nodes, held, above)
def test_who_may_give_way_and_would_be_enough_does(sizes, rows, wanted):
    fleet, there = filled(sizes, rows)
    if fleet.place(wanted, NOW).node is not None:
        return
    found = preempt(fleet, [Ask(wanted)], NOW)
    event(f"{len(found.runs) if found else 0} give way")
    with fleet.trial():
        for run, (_, demand, _) in there.items():
            if demand.priority < wanted.priority and demand.preemption is Preemption.ALLOWED:
                fleet.free(run)
        assert (fleet.place(wanted, NOW).node is not None) is (found is not None)


@given(nodes, held, above)
def test_nobody_of_a_lower_priority_could_have_given_way_instead(sizes, rows, wanted):
    fleet, there = filled(sizes, rows)
    if fleet.place(wanted, NOW).node is not None:
        return
    found = preempt(fleet, [Ask(wanted)], NOW)
    event(f"{len(found.runs) if found else 0} give way")
    if found is None:
        return
    lost = max(there[run][1].priority for run in found.runs)
    for number in (1, 2, 3):
        for runs in combinations(there, number):
            mine = [there[run] for run in runs]
            if any(row[1].preemption is Preemption.NEVER for row in mine):
                continue
            if cost(mine)[0] < lost:
                with fleet.trial():
                    for run in runs:
                        fleet.free(run)
                    assert not any(fleet.fits(wanted, row[0], NOW) for row in mine)


@given(nodes, held, above, demands, st.randoms(use_true_random=False))
def test_room_that_is_promised_is_there_when_all_that_gave_way_has_ended(
    sizes, rows, wanted, other, chance
):
    fleet, _ = filled(sizes, rows)
    if fleet.place(wanted, NOW).node is not None:
        return
    found = preempt(fleet, [Ask(wanted)], NOW)
    event(f"{len(found.runs) if found else 0} give way")
    if found is None:
        return
    fleet.promise(
        Promise("somebody", found.node, (wanted,), frozenset(found.runs), NOW + timedelta(hours=1))
    )
    ending = list(found.runs)
    chance.shuffle(ending)
    number = 0
    for run in [None, *ending]:
        if run is not None:
            assert not fleet.fits(wanted, found.node, NOW)
            fleet.free(run)
        while other != wanted and other.priority <= wanted.priority:  # others press for the room
            node = fleet.place(other, NOW).node
            if node is None:
                break
            fleet.hold(f"o{number}", node, other)
            number += 1
    assert fleet.fits(wanted, found.node, NOW)
    fleet.hold("wanted", found.node, wanted)
    assert not fleet.promises()
    for name in ("wanted", *(f"o{at}" for at in range(number))):
        fleet.free(name)
    for node in fleet.nodes():
        assert not any(name.startswith("promised") for name in fleet.on(node.id))


@given(nodes, held, above)
def test_a_promise_that_is_withdrawn_leaves_nothing_behind(sizes, rows, wanted):
    fleet, _ = filled(sizes, rows)
    before = picture(fleet)
    found = preempt(fleet, [Ask(wanted)], NOW)
    event(f"{len(found.runs) if found else 0} give way")
    if found is None:
        return
    made = fleet.promise(Promise("me", found.node, (wanted,), frozenset(found.runs), NOW))
    fleet.withdraw(made)
    assert picture(fleet) == before


@given(nodes, held, above, st.integers(0, 4), st.lists(st.integers(0, 13), max_size=3, unique=True))
def test_of_copies_that_are_offered_the_floor_stays_whatever_leaves_and_dies(
    sizes, rows, wanted, floor, dying
):
    """Ask until nothing gives way any more, with copies that die in between."""
    fleet, there = filled(sizes, rows)
    copies = copies_in(there)
    offer = Offer(copies=frozenset(ContainerId(name) for name in copies), floor=floor)
    fleet.yielding.offer("app", (offer,))
    taken: set[str] = set()
    for number in range(20):
        if fleet.place(wanted, NOW).node is not None:
            break
        found = preempt(fleet, [Ask(wanted)], NOW)
        if found is None:
            break
        assert set(found.containers) <= set(copies) - taken
        assert found.moving <= set(found.containers)
        taken |= set(found.containers)
        assert len(set(copies) - taken) >= floor or not found.containers
        fleet.promise(
            Promise(f"w{number}", found.node, (wanted,), frozenset(found.all), NOW + HOUR)
        )
        for dead in [f"r{at}" for at in dying if f"r{at}" in copies]:
            fleet.free(dead)
            copies.remove(dead)
    event(f"{min(len(taken), 3)} copies leave")


@given(nodes, held, above, st.integers(0, 4))
def test_copies_above_the_floor_that_would_be_enough_give_way(sizes, rows, wanted, floor):
    fleet, there = filled(sizes, rows)
    if fleet.place(wanted, NOW).node is not None:
        return
    copies = copies_in(there)
    offer = Offer(copies=frozenset(ContainerId(name) for name in copies), floor=floor)
    fleet.yielding.offer("app", (offer,))
    before = picture(fleet)
    found = preempt(fleet, [Ask(wanted)], NOW)
    assert picture(fleet) == before
    event(f"{len(found.containers) if found else 0} copies leave")
    if found is None:
        one_at_a_time = [name for name in copies if there[name][1].priority < wanted.priority]
        for name in one_at_a_time if len(copies) > floor else ():
            with fleet.trial():
                fleet.free(name)
                assert not fleet.fits(wanted, there[name][0], NOW)
        return
    with fleet.trial():
        for name in found.all:
            assert there[name][1].priority < wanted.priority
            fleet.free(name)
        assert fleet.fits(wanted, found.node, NOW)
