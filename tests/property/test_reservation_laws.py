"""Capacity ahead of time: nobody's window is ever promised twice."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from headway.calculate.reservation import Taken, reserve
from headway.model.ids import NodeId
from headway.model.lease import Claim, ClaimKind
from headway.model.node import Node

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)


def at(hours: float) -> datetime:
    return NOW + timedelta(hours=hours)


def capacity(cpu: float, memory_mib: int = 0) -> Claim:
    return Claim(kind=ClaimKind.CAPACITY, name="default", cpu=cpu, memory_mib=memory_mib)


def node(name: str, cpu: float = 4, memory_mib: int = 4096, **more) -> Node:
    return Node(id=NodeId(name), cpu=cpu, memory_mib=memory_mib, **more)


@st.composite
def wishes(draw):
    begins = draw(st.integers(0, 20))
    return (
        draw(st.floats(0.1, 12)),
        draw(st.integers(0, 12_000)),
        begins,
        begins + draw(st.integers(1, 10)),
    )


@given(
    nodes=st.lists(st.tuples(st.floats(0.5, 8), st.integers(128, 8192)), min_size=1, max_size=5),
    asked=st.lists(wishes(), max_size=12),
)
def test_no_node_gives_more_than_it_has_at_any_moment(nodes, asked):
    fleet = [node(f"n{i}", cpu, memory) for i, (cpu, memory) in enumerate(nodes)]
    taken: list[Taken] = []
    for cpu, memory, begins, ends in asked:
        found = reserve(capacity(cpu, memory), fleet, taken, at(begins), at(ends))
        assert bool(found.shares) is not bool(found.because)
        if found.because:
            if found.fits_at is not None:
                later = found.fits_at + timedelta(hours=ends - begins)
                again = reserve(capacity(cpu, memory), fleet, taken, found.fits_at, later)
                assert again.shares
            continue
        assert abs(sum(share.cpu for share in found.shares) - cpu) < 1e-6
        assert sum(share.memory_mib for share in found.shares) >= memory
        taken += [
            Taken(
                node=share.node,
                cpu=share.cpu,
                memory_mib=share.memory_mib,
                begins=at(begins),
                ends=at(ends),
            )
            for share in found.shares
        ]
    for hour in range(31):
        for one in fleet:
            here = [
                row for row in taken if row.node == one.id and row.begins <= at(hour) < row.ends
            ]
            assert sum(row.cpu for row in here) <= one.cpu + 1e-6
            assert sum(row.memory_mib for row in here) <= one.memory_mib + len(here)


def test_forty_cores_tonight_are_put_on_the_nodes_with_most_room():
    fleet = [node(f"n{i:02}", cpu=4) for i in range(12)]
    busy = [Taken(node=NodeId("n00"), cpu=2, memory_mib=0)]
    found = reserve(capacity(40), fleet, busy, at(17), at(19))
    assert len(found.shares) == 10
    assert "n00" not in {share.node for share in found.shares}


def test_what_ends_before_the_window_does_not_count_and_a_refusal_says_when_there_is_room():
    fleet = [node("a"), node("b", pool="other")]
    busy = [Taken(node=NodeId("a"), cpu=3, memory_mib=0, ends=at(3))]
    assert reserve(capacity(4), fleet, busy, at(3), at(5)).shares
    refused = reserve(capacity(4), fleet, busy, at(2), at(4))
    assert refused.because == (
        "pool default has room for 1 core of 4 cores from 2026-11-21 11:00 to 2026-11-21 13:00 UTC"
    )
    assert refused.fits_at == at(3)


def test_what_has_no_end_is_in_the_way_for_ever():
    busy = [Taken(node=NodeId("a"), cpu=3, memory_mib=0)]
    refused = reserve(capacity(4), [node("a")], busy, at(2), at(4))
    assert refused.fits_at is None


def test_a_gap_between_two_windows_is_used():
    taken = [
        Taken(node=NodeId("a"), cpu=4, memory_mib=0, begins=at(1), ends=at(2)),
        Taken(node=NodeId("a"), cpu=4, memory_mib=0, begins=at(4), ends=at(5)),
    ]
    assert reserve(capacity(4), [node("a")], taken, at(2), at(4)).shares
    assert reserve(capacity(4), [node("a")], taken, at(2), at(4.5)).because
