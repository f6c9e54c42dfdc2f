"""What leases keep of nodes: others never get it, the lease's own always do."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from headway.calculate.keeping import kept, placed_under
from headway.calculate.placement import Fleet
from headway.model.demand import Demand
from headway.model.ids import LeaseId, NodeId
from headway.model.lease import Claim, ClaimKind, Lease, LeaseState, Share
from headway.model.node import Node
from headway.model.resources import Resources

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
A, B = NodeId("a"), NodeId("b")
MINE = LeaseId("lse-000001")


def fleet(cpu: float = 4) -> Fleet:
    made = Fleet()
    for node in (A, B):
        made.put(Node(id=node, cpu=cpu, memory_mib=100_000))
    return made


def of(cpu: float, lease: str = "") -> Demand:
    return Demand(resources=Resources(cpu=cpu, memory_mib=1), lease=lease)


def lease(kind: ClaimKind, name: str, state: LeaseState, **more) -> Lease:
    return Lease(
        id=MINE,
        holder="ana",
        until=NOW + timedelta(hours=9),
        claim=Claim(kind=kind, name=name, cpu=3),
        state=state,
        length_s=60,
        asked_at=NOW,
        **more,
    )


def test_a_lent_node_takes_what_is_under_the_lease_and_says_so_to_others():
    held = lease(ClaimKind.NODE, A, LeaseState.HELD)
    lent = fleet()
    for node, owner in kept([held], NOW, 0).lent.items():
        lent.lend(node, owner)
    assert lent.place(of(1), NOW).node == B
    refused = lent.place(of(1), NOW, among=[A])
    assert refused.node is None
    assert MINE in refused.because
    own = placed_under(of(1), held)
    assert lent.place(own, NOW).node == A
    assert lent.place(own, NOW, but=[A]).node is None
    lent.lend(A, "")
    assert lent.place(of(1), NOW, among=[A]).node == A


def test_a_node_that_is_waited_for_is_still_everybodys():
    assert kept([lease(ClaimKind.NODE, A, LeaseState.WAITING)], NOW, 0).lent == {}


def test_capacity_is_kept_from_the_lead_before_it_begins():
    begins = NOW + timedelta(hours=2)
    shares = (Share(node=A, cpu=3, memory_mib=0),)
    booked = lease(ClaimKind.CAPACITY, "default", LeaseState.BOOKED, from_at=begins, shares=shares)
    early = kept([booked], NOW, 3600)
    assert (early.shares, early.change_at) == ({}, NOW + timedelta(hours=1))
    assert kept([booked], NOW + timedelta(hours=1), 3600).shares == {MINE: shares}


def test_a_share_is_for_its_lease_and_what_that_has_of_it_is_not_counted_twice():
    own = fleet()
    own.keep(MINE, (Share(node=A, cpu=3, memory_mib=0),))
    assert own.place(of(2), NOW, among=[A]).node is None
    assert own.place(of(3, MINE), NOW, among=[A]).node == A
    own.hold("mine", A, of(2, MINE))
    assert own.reserved(A).cpu == 3
    assert own.place(of(1), NOW, among=[A]).node == A
    own.hold("more", A, of(1.5, MINE))
    assert own.reserved(A).cpu == 3.5
    own.free("mine")
    assert own.reserved(A).cpu == 3
    own.free("more")
    own.keep(MINE, ())
    assert own.reserved(A).cpu == 0


def test_a_trial_leaves_shares_as_they_were():
    own = fleet()
    own.keep(MINE, (Share(node=A, cpu=3, memory_mib=0),))
    with own.trial():
        own.hold("mine", A, of(1, MINE))
        own.hold("other", A, of(1))
        own.free("mine")
        own.place(of(2, MINE), NOW)
    assert own.reserved(A).cpu == 3
    own.hold("mine", A, of(1, MINE))
    assert own.reserved(A).cpu == 3


steps = st.lists(
    st.tuples(
        st.sampled_from(["other", "own", "free"]),
        st.integers(0, 20),
        st.integers(1, 8).map(lambda quarter: quarter / 4),
    ),
    max_size=40,
)


@given(share=st.integers(1, 12).map(lambda quarter: quarter / 4), steps=steps)
def test_others_never_get_what_is_kept_and_its_lease_always_does(share, steps):
    here = fleet()
    here.keep(MINE, (Share(node=A, cpu=share, memory_mib=0),))
    held: dict[str, Demand] = {}
    for number, (what, which, cpu) in enumerate(steps):
        if what == "free":
            names = sorted(held)
            if names:
                name = names[which % len(names)]
                here.free(name)
                del held[name]
        else:
            demand = of(cpu, MINE if what == "own" else "")
            if here.place(demand, NOW, among=[A]).node is not None:
                here.hold(f"h{number}", A, demand)
                held[f"h{number}"] = demand
        own = sum(row.resources.cpu for row in held.values() if row.lease == MINE)
        others = sum(row.resources.cpu for row in held.values() if row.lease != MINE)
        assert others + max(own, share) <= 4 + 1e-6
        assert abs(here.reserved(A).cpu - others - max(own, share)) < 1e-6
        left = share - own
        if left > 0:
            assert here.place(of(left, MINE), NOW, among=[A]).node == A
