"""Laws of a pool's size, whatever is there and whatever waits."""

from datetime import UTC, datetime, timedelta

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.calculate.autoscale.plan import plan_pool
from headway.model.demand import Demand
from headway.model.ids import NodeId
from headway.model.node import Node
from headway.model.pool import NodeType, Pool, Scaling
from headway.model.pool_plan import PoolVerb
from headway.model.pool_snapshot import Host, HostState, Load, Patience, PoolSnapshot, Waiting
from headway.model.resources import Resources

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
TYPES = tuple(
    NodeType(
        name=f"{size}-{billing_s}",
        cpu=size,
        memory_mib=2048 * size,
        price_hour=0.05 * size,
        billing_s=billing_s,
    )
    for size in (1, 4)
    for billing_s in (1, 3600)
)
seconds = st.floats(0, 8000)
demands = st.builds(
    lambda cpu, memory: Demand(resources=Resources(cpu=cpu, memory_mib=memory)),
    st.sampled_from([0.25, 1, 2, 8]),
    st.sampled_from([128, 1024, 4096]),
)


@st.composite
def hosts(draw, number: int) -> Host:
    kind = draw(st.sampled_from(TYPES))
    since = NOW - timedelta(seconds=draw(seconds))
    state = draw(st.sampled_from(list(HostState)))
    loads, free = [], kind.cpu
    for wanted in draw(st.lists(demands, max_size=4)):
        if wanted.resources.cpu > free or state is HostState.STARTING:
            continue
        free -= wanted.resources.cpu
        ends = draw(st.none() | st.floats(-500, 5000))
        ends_at = None if ends is None else NOW + timedelta(seconds=ends)
        loads.append(Load(demand=wanted, ends_at=ends_at))
    spare = draw(st.none() | seconds)
    return Host(
        node=Node(id=NodeId(f"n{number}"), cpu=kind.cpu, memory_mib=kind.memory_mib),
        kind=kind,
        state=state,
        since=since,
        ready_at=since + timedelta(seconds=kind.start_s),
        loads=tuple(loads),
        spare_since=None if spare is None else NOW - timedelta(seconds=spare),
    )


@st.composite
def snapshots(draw) -> PoolSnapshot:
    least = draw(st.integers(0, 3))
    scaling = Scaling(
        nodes_min=least,
        nodes_max=least + draw(st.integers(0, 6)),
        warm=draw(st.integers(0, 2)),
        cost_hour_max=draw(st.none() | st.sampled_from([0.1, 0.5])),
    )
    count = draw(st.integers(0, 6))
    waiting = st.builds(
        lambda demand, for_s, count, runs_s, patience: Waiting(
            demand=demand,
            since=NOW - timedelta(seconds=for_s),
            count=count,
            expected_s=runs_s,
            patience=patience,
        ),
        demands,
        seconds,
        st.integers(1, 30),
        st.floats(1, 4000),
        st.sampled_from(list(Patience)),
    )
    return PoolSnapshot(
        pool=Pool(types=TYPES, scaling=scaling),
        hosts=tuple(draw(hosts(number)) for number in range(count)),
        waiting=tuple(draw(st.lists(waiting, max_size=5))),
    )


def decide(snapshot: PoolSnapshot):
    return plan_pool(snapshot, NOW, lambda *_: True)


@settings(max_examples=50, deadline=None)
@given(snapshots())
def test_it_never_grows_beyond_the_maximum_or_the_ceiling(snapshot):
    plan, scaling = decide(snapshot), snapshot.pool.scaling
    added = [change for change in plan.changes if change.verb is PoolVerb.ADD]
    if added:
        assert plan.nodes <= scaling.nodes_max
        if scaling.cost_hour_max is not None:
            assert plan.price_hour <= scaling.cost_hour_max + 1e-6


@settings(max_examples=50, deadline=None)
@given(snapshots())
def test_it_never_shrinks_below_the_minimum_by_itself(snapshot):
    plan = decide(snapshot)
    drained = {change.node for change in plan.changes if change.verb is PoolVerb.DRAIN}
    stay = [
        host
        for host in snapshot.hosts
        if host.state in (HostState.READY, HostState.STARTING) and host.id not in drained
    ]
    if drained:
        assert len(stay) >= snapshot.pool.scaling.nodes_min


@settings(max_examples=50, deadline=None)
@given(snapshots())
def test_what_runs_somewhere_is_never_released(snapshot):
    busy = {host.id for host in snapshot.hosts if host.loads}
    for change in decide(snapshot).changes:
        assert not (change.verb is PoolVerb.RELEASE and change.node in busy)


@settings(max_examples=50, deadline=None)
@given(snapshots())
def test_services_of_a_drained_node_have_room_elsewhere(snapshot):
    plan = decide(snapshot)
    drained = {change.node for change in plan.changes if change.verb is PoolVerb.DRAIN}
    moving = [
        load.demand.resources.cpu
        for host in snapshot.hosts
        if host.id in drained
        for load in host.loads
        if load.ends_at is None
    ]
    free = sum(
        host.node.cpu - sum(load.demand.resources.cpu for load in host.loads)
        for host in snapshot.hosts
        if host.state is HostState.READY and host.id not in drained
    )
    assert sum(moving) <= free + 1e-6


@settings(max_examples=50, deadline=None)
@given(snapshots())
def test_it_is_the_same_twice_and_in_any_order_of_nodes(snapshot):
    plan = decide(snapshot)
    turned = msgspec.structs.replace(snapshot, hosts=tuple(reversed(snapshot.hosts)))
    assert decide(snapshot) == plan
    assert sorted(decide(turned).changes, key=repr) == sorted(plan.changes, key=repr)


@settings(max_examples=50, deadline=None)
@given(snapshots())
def test_it_does_not_add_and_give_back_at_once(snapshot):
    verbs = {change.verb for change in decide(snapshot).changes}
    assert not (PoolVerb.ADD in verbs and PoolVerb.DRAIN in verbs)


@settings(max_examples=50, deadline=None)
@given(snapshots())
def test_what_was_added_is_soon_enough(snapshot):
    """The nodes that a decision adds count in the next one: asked again at once, it ends.

    Packing onto nodes that start is not packing onto nodes to be had, and what waits takes spares
    that start: so it may ask for a few more, but not for twice as much, by what it costs, and for
    the spares again.
    """
    prices = {kind.name: kind.price_hour for kind in TYPES}
    spares, plan, added = snapshot.pool.scaling.warm * max(prices.values()), decide(snapshot), []
    while more := [change for change in plan.changes if change.verb is PoolVerb.ADD]:
        added.append(sum(prices[change.type] for change in more))
        snapshot = grown(snapshot, plan)
        plan = decide(snapshot)
    assert sum(added[1:]) <= sum(added[:1]) + spares + 1e-9, added


def grown(snapshot: PoolSnapshot, plan) -> PoolSnapshot:
    """A moment later: what was added starts, what was to be kept is kept."""
    by_name = {kind.name: kind for kind in TYPES}
    new = [
        Host(
            node=Node(
                id=NodeId(f"new{len(snapshot.hosts) + number}"),
                cpu=by_name[change.type].cpu,
                memory_mib=by_name[change.type].memory_mib,
            ),
            kind=by_name[change.type],
            state=HostState.STARTING,
            since=NOW,
            ready_at=NOW + timedelta(seconds=by_name[change.type].start_s),
        )
        for number, change in enumerate(plan.changes)
        if change.verb is PoolVerb.ADD
    ]
    kept = {change.node for change in plan.changes if change.verb is PoolVerb.KEEP}
    old = [
        msgspec.structs.replace(host, state=HostState.READY) if host.id in kept else host
        for host in snapshot.hosts
    ]
    return msgspec.structs.replace(snapshot, hosts=(*old, *new))
