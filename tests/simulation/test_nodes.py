"""Nodes that are taken out of use, and what then becomes of what runs there."""

import asyncio
import random
from collections import Counter
from functools import partial

import msgspec
import pytest

from headway.calculate.departure import NodePlan, NodeSnapshot
from headway.calculate.placement import Copies
from headway.control import nodes
from headway.control.errors import Invalid, NotFound
from headway.control.requests import RunQuestion
from headway.control.runs import runs
from headway.model.container import Container
from headway.model.demand import Demand
from headway.model.ids import NodeId
from headway.model.job import Delivery, Job, Retries
from headway.model.node import Holder, Node, NodeState
from headway.model.run import Run, RunState
from headway.ports.store import Stale
from headway.sim.engine import SimulatedEngine
from tests.simulation.conftest import SMALL, Plane, wishing

ONCE = Job(name="once", function="m:f", resources=SMALL, timeout_s=600)
AGAIN = Job(
    name="again",
    function="m:f",
    resources=SMALL,
    timeout_s=600,
    delivery=Delivery.AT_LEAST_ONCE,
    retries=Retries(most=1, delay_s=0.01),
)
A, B = NodeId("a"), NodeId("b")


@pytest.fixture
async def two(tmp_path):
    """Two nodes; the second is cordoned, so that a test knows where runs begin."""
    engine = SimulatedEngine([Node(id=name, cpu=4, memory_mib=4096) for name in (A, B)])
    plane = Plane(tmp_path, engine)
    await plane.up()
    plane.world.settings = msgspec.structs.replace(plane.world.settings, node_lost_after_s=0.3)
    await plane.release(ONCE, AGAIN)
    await nodes.cordon(plane.world, "ana", B)
    yield plane
    await plane.down()


async def begun_on_a(plane, job: str, **wish) -> Run:
    run = (await plane.invoke(job, wishing(wish)))[0]
    row = await plane.until(run, "running")
    assert row.attempt.node == A
    await nodes.uncordon(plane.world, "ana", B)
    return run


async def emptied(plane, node: NodeId) -> None:
    async def is_empty() -> bool:
        view = await nodes.one(plane.world, node)
        return view.hold is not None and view.hold.empty_at is not None

    await until(is_empty)
    rows = await plane.store.read(lambda reader: reader.find(Container, node=node, retired=False))
    assert all(row.is_ended for row in rows)


async def until(holds, within_s: float = 20) -> None:
    async with asyncio.timeout(within_s):
        while not await holds():
            await asyncio.sleep(0.01)


async def kinds(plane, subject: str) -> list[str]:
    return [
        row.kind for row in await plane.store.read(lambda reader: reader.events(subject=subject))
    ]


async def test_what_is_said_of_a_node_is_said_once_and_outlives_the_control_plane(plane):
    first = await nodes.cordon(plane.world, "ana", "here", "new disk")
    again = await nodes.cordon(plane.world, "bob", "here", "me too")
    assert first == again
    assert first.node.state is NodeState.CORDONED
    drained = await nodes.drain(plane.world, "ana", "here", 60, "new disk")
    assert (await nodes.drain(plane.world, "ana", "here", 60)).hold.until == drained.hold.until
    longer = await nodes.drain(plane.world, "ana", "here", 3600)
    assert longer.hold.until > drained.hold.until
    await plane.down()
    await plane.up()
    (node,) = plane.world.nodes
    assert node.state is NodeState.DRAINING
    await nodes.uncordon(plane.world, "ana", "here")
    (row,) = [(await nodes.uncordon(plane.world, "ana", "here")).node]
    assert row.state is NodeState.READY
    said = [kind for kind in await kinds(plane, "here") if kind != "node.drained"]
    assert said == ["node.cordoned", "node.draining", "node.draining", "node.uncordoned"]


async def test_a_plan_of_before_another_drain_stops_nothing(plane):
    first = (await nodes.drain(plane.world, "ana", "here", 0)).hold
    snapshot = NodeSnapshot(node=plane.world.nodes[0], hold=first)
    plan = NodePlan(is_empty=True)
    await nodes.drain(plane.world, "ana", "here", 3600)
    write = partial(
        plane.departures._write,
        snapshot=snapshot,
        plan=plan,
        is_news=False,
        now=plane.world.clock.now(),
    )
    with pytest.raises(Stale):
        await plane.store.write(write)


async def test_what_makes_no_sense_is_refused(plane):
    with pytest.raises(NotFound):
        await nodes.drain(plane.world, "ana", "elsewhere")
    with pytest.raises(Invalid):
        await nodes.drain(plane.world, "ana", "here", -1)


async def test_a_cordoned_node_takes_no_runs_and_says_so(plane):
    await plane.release(ONCE)
    await nodes.cordon(plane.world, "ana", "here")
    (run,) = await plane.invoke("once", wishing())
    row = await runs.one(plane.world, run.id)
    assert row.state == "queued"

    async def is_said() -> bool:
        page = await runs.page(plane.world, plane.dispatch, RunQuestion(job="once"))
        return page.waits.get(run.id, "").startswith("here: cordoned")

    await until(is_said)
    await nodes.uncordon(plane.world, "ana", "here")
    assert (await plane.ended(run)).state == "succeeded"


async def test_a_drained_node_finishes_what_it_runs_and_takes_nothing_new(two):
    run = await begun_on_a(two, "once", sleep_s=0.5)
    await nodes.drain(two.world, "ana", A)
    (other,) = await two.invoke("once", wishing())
    assert (await two.ended(other)).attempt.node == B
    row = await two.ended(run)
    assert (row.state, row.attempt.node) == (RunState.SUCCEEDED, A)
    await emptied(two, A)
    assert "node.drained" in await kinds(two, A)


async def test_what_is_over_the_limit_is_handed_back_by_its_delivery(two):
    again = await begun_on_a(two, "again", sleep_s=1)
    await nodes.cordon(two.world, "ana", B)
    once = await begun_on_a(two, "once", sleep_s=600)
    await nodes.drain(two.world, "ana", A, 0.1)
    lost = await two.ended(once)
    assert lost.state is RunState.LOST
    assert "is drained" in lost.because
    done = await two.ended(again)
    assert done.state is RunState.SUCCEEDED
    assert [row.node for row in done.attempts] == [A, B]
    assert [row.is_handed_back for row in done.attempts] == [True, False]
    await emptied(two, A)


async def test_a_drain_goes_on_where_it_was_when_the_control_plane_died(two):
    again = await begun_on_a(two, "again", sleep_s=1)
    await nodes.drain(two.world, "ana", A, 0.2)
    await two.down()
    await two.up()
    done = await two.ended(again)
    assert done.state is RunState.SUCCEEDED
    assert done.attempts[-1].node == B
    await emptied(two, A)


async def test_runs_of_a_node_that_does_not_come_back_begin_elsewhere(two):
    again = await begun_on_a(two, "again", sleep_s=1)
    await nodes.cordon(two.world, "ana", B)
    once = await begun_on_a(two, "once", sleep_s=600)
    two.engine.go_away(A)
    lost = await two.ended(once)
    assert lost.state is RunState.LOST
    assert "not been heard from" in lost.because
    done = await two.ended(again)
    assert done.state is RunState.SUCCEEDED
    assert [row.node for row in done.attempts] == [A, B]
    assert (await nodes.one(two.world, A)).node.state is NodeState.LOST
    running = [row.id for row in two.engine.containers.values() if row.exit is None]
    assert len([name for name in running if two.engine.containers[name].node == A]) == 1
    both = Demand(resources=SMALL, crowd="demo~1/shop/web@1", alone=True)
    assert two.world.fleet.too_few([Copies("web", both, 2)]) is not None
    two.engine.come_back(A)

    async def is_clear() -> bool:
        return all(row.exit is not None for row in two.engine.containers.values() if row.node == A)

    await until(is_clear)
    assert (await runs.one(two.world, once.id)).state is RunState.LOST
    assert "node.lost" in await kinds(two, A)
    assert two.world.fleet.too_few([Copies("web", both, 2)]) is None
    (new,) = await two.invoke("once", wishing())
    assert (await two.ended(new)).state is RunState.SUCCEEDED


async def test_a_node_that_is_silent_for_a_moment_loses_nothing(two):
    two.world.settings = msgspec.structs.replace(two.world.settings, node_lost_after_s=600)
    run = await begun_on_a(two, "once", sleep_s=0.5)
    two.engine.go_away(A)

    async def is_lost() -> bool:
        return (await nodes.one(two.world, A)).node.state is NodeState.LOST

    await until(is_lost)
    two.engine.come_back(A)
    assert (await two.ended(run)).state is RunState.SUCCEEDED
    assert "node.lost" not in await kinds(two, A)


async def test_nothing_is_given_up_while_no_node_is_heard_from(two):
    run = await begun_on_a(two, "once", sleep_s=1)
    for node in (A, B):
        two.engine.go_away(node)
    row = await two.ended(run)  # it takes longer than a node may be silent
    assert row.state is RunState.SUCCEEDED
    two.engine.come_back(A)
    (new,) = await two.invoke("once", wishing())
    assert (await two.ended(new)).attempt.node == A


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.parametrize("seed", [1, 2])
async def test_nodes_come_and_go_and_every_delivery_keeps_its_promise(two, seed):
    chance = random.Random(seed)
    await nodes.uncordon(two.world, "ana", B)
    made: list[Run] = []
    for _ in range(40):
        wishes = [
            wishing({"sleep_s": chance.choice([0, 0.01, 0.2])}) for _ in range(chance.randint(1, 9))
        ]
        made += await two.invoke(chance.choice(["once", "again"]), *wishes)
        node = chance.choice([A, B])
        what = chance.choice(["away", "back", "drain", "uncordon", "crash"])
        if what == "away":
            two.engine.go_away(node)
        elif what == "back":
            two.engine.come_back(node)
        elif what == "drain":
            await nodes.drain(two.world, "ana", node, chance.choice([0.0, 0.1, 60]))
        elif what == "uncordon":
            await nodes.uncordon(two.world, "ana", node)
        else:
            await two.down()
            await two.up()
        await asyncio.sleep(chance.uniform(0, 0.2))
    for node in (A, B):
        two.engine.come_back(node)
        await nodes.uncordon(two.world, "ana", node)
    ended = [await two.ended(run, within_s=60) for run in made]
    begun = Counter(run for run, _ in two.engine.begun)
    for row in ended:
        if row.job == "once":
            assert begun[row.id] <= 1, row
            assert row.state in (RunState.SUCCEEDED, RunState.LOST), row
        else:
            assert row.state in (RunState.SUCCEEDED, RunState.DEAD), row


async def test_what_is_done_for_a_lease_leaves_what_a_person_said_of_a_node(two):
    world = two.world
    await nodes.drain(world, "lse-1", B, holder=Holder.LEASE)
    await nodes.uncordon(world, "lse-1", B, holder=Holder.LEASE)
    hold = (await nodes.one(world, B)).hold
    assert (hold.state, hold.by) == (NodeState.CORDONED, "ana")
    await nodes.drain(world, "lse-1", A, holder=Holder.LEASE)
    await nodes.uncordon(world, "ana", A, holder=Holder.LEASE)
    assert (await nodes.one(world, A)).hold.owner == "lease lse-1"
    await nodes.uncordon(world, "lse-1", A, holder=Holder.LEASE)
    assert (await nodes.one(world, A)).hold is None


async def test_a_node_that_goes_while_it_is_cordoned_is_unknown(two):
    async def gone(deed):
        done = await write(deed)
        two.world.roster.gone(A)
        return done

    write, two.store.write = two.store.write, gone
    with pytest.raises(NotFound):
        await nodes.cordon(two.world, "ana", A)
    two.store.write = write
