"""What people may ask of pools, and what they are told."""

import asyncio

import pytest

from headway.control.errors import Conflict, Invalid, NotFound
from headway.control.pool import monitor, pools
from headway.control.queries import why
from headway.model.ids import NodeId
from headway.ports.store import Stale
from tests.simulation.pools_world import PoolsWorld, virtually

DOCUMENT = """\
name: default
types: [{name: small, cpu: 2.1, memory: 4GiB, price_hour: 0.1, start: 60s}]
scaling: {nodes_min: %d, nodes_max: %d}
"""


async def applied(place: PoolsWorld, least: int, most: int, **options):
    return await pools.apply(place.world, place.pools, "ana", DOCUMENT % (least, most), **options)


def test_a_plan_says_what_would_come_of_it_and_changes_nothing():
    async def scenario(place: PoolsWorld) -> None:
        view = await applied(place, 2, 4, plan=True)
        assert [change.what for change in view.next] == [
            "pool default: add a node of type small, +0.1 an hour"
        ] * 2
        await asyncio.sleep(120)
        assert await place.provider.machines() == ()
        assert place.events("pool.declared") == []

    virtually(scenario)


def test_declaring_again_changes_nothing_and_changing_is_told():
    async def scenario(place: PoolsWorld) -> None:
        await applied(place, 1, 4)
        await applied(place, 1, 4)
        assert len(place.events("pool.declared")) == 1
        await applied(place, 1, 5, because="more to do")
        assert [event.because for event in place.events("pool.changed")] == ["more to do"]
        await asyncio.sleep(120)
        view = await pools.one(place.world, place.pools, "default")
        assert (view.ready, view.price_hour, view.next) == (1, 0.1, ())

    virtually(scenario)


def test_mistakes_are_refused_with_their_places():
    async def scenario(place: PoolsWorld) -> None:
        with pytest.raises(Invalid) as refused:
            await applied(place, 5, 4)
        assert refused.value.problems[0].line == 3
        with pytest.raises(NotFound):
            await pools.one(place.world, place.pools, "nowhere")
        with pytest.raises(NotFound):
            await pools.scale(place.world, place.pools, "ana", "nowhere", nodes_max=1)

    virtually(scenario)


def test_bounds_that_would_leave_what_runs_without_a_node_are_refused():
    async def scenario(place: PoolsWorld) -> None:
        await applied(place, 0, 4)
        await place.works(2, runs_s=3000)
        await asyncio.sleep(100)
        with pytest.raises(Conflict, match="2 run in default"):
            await pools.scale(place.world, place.pools, "ana", "default", nodes_max=0)
        with pytest.raises(Invalid, match="minimum 5"):
            await pools.scale(place.world, place.pools, "ana", "default", nodes_min=5)
        with pytest.raises(Conflict, match="has 1 nodes"):
            await pools.remove(place.world, place.pools, "ana", "default")

    virtually(scenario)


def test_a_pool_that_has_shrunk_to_nothing_can_be_removed():
    async def scenario(place: PoolsWorld) -> None:
        await applied(place, 1, 4)
        await asyncio.sleep(100)
        await pools.scale(place.world, place.pools, "ana", "default", nodes_min=0, nodes_max=0)
        await asyncio.sleep(300)
        await pools.remove(place.world, place.pools, "ana", "default")
        assert await pools.listing(place.world, place.pools) == []

    virtually(scenario)


def test_without_a_provider_it_says_that_no_node_can_be_added():
    async def scenario(place: PoolsWorld) -> None:
        place.world.provider = None
        view = await applied(place, 1, 4)
        assert view.next == ()
        assert "no provider is configured" in view.pending[0]

    virtually(scenario)


def test_why_tells_of_a_pool_and_of_a_node_that_is_on_its_way():
    async def scenario(place: PoolsWorld) -> None:
        await applied(place, 0, 4)
        await place.works(2, runs_s=3000)
        await asyncio.sleep(10)
        (row,) = await place.rows()
        found = await why.explain(place.world, place.dispatch, "default")
        assert "0 to 4 nodes" in found.because
        assert found.happened[-1].event.kind == "pool.grew"
        found = await why.explain(place.world, place.dispatch, row.id)
        assert found.state == "lent"
        assert "would otherwise start too late" in found.because

    virtually(scenario)


def test_doctor_names_runs_that_wait_for_ever_and_machines_that_are_wrong():
    async def scenario(place: PoolsWorld) -> None:
        await applied(place, 0, 1)
        await place.works(9, runs_s=7000)
        await asyncio.sleep(1200)
        place.pools.seen.flags[NodeId("x")] = "is odd"
        runs, machine = await monitor.checks(place.world, place.pools)
        assert "has waited for 20 min" in runs.detail
        assert (machine.name, machine.detail, machine.ok) == ("machine x", "is odd", False)

    virtually(scenario)


def test_two_who_scale_a_pool_at_once_undo_nothing_of_each_other():
    async def scenario(place: PoolsWorld) -> None:
        await applied(place, 0, 4)
        asked = [{"nodes_min": 1}, {"nodes_max": 7}]
        done = await asyncio.gather(
            *(pools.scale(place.world, place.pools, "ana", "default", **one) for one in asked),
            return_exceptions=True,
        )
        for one, answer in zip(asked, done, strict=True):
            if isinstance(answer, Stale):
                await pools.scale(place.world, place.pools, "ana", "default", **one)
        scaling = (await pools.one(place.world, place.pools, "default")).pool.scaling
        assert (scaling.nodes_min, scaling.nodes_max) == (1, 7)

    virtually(scenario)


def test_a_type_that_can_never_be_lent_is_said_and_not_tried():
    async def scenario(place: PoolsWorld) -> None:
        document = """\
name: default
types: [{name: giant, cpu: 64, memory: 4GiB, start: 60s}]
scaling: {nodes_min: 1, nodes_max: 4}
"""
        view = await pools.apply(place.world, place.pools, "ana", document, plan=True)
        assert view.next == ()
        assert view.flags == ("type giant: there is no type 'giant': large, small",)
        await pools.apply(place.world, place.pools, "ana", document)
        await asyncio.sleep(600)
        assert place.events("node.wanted") == []
        assert "provider" not in place.world.troubles
        (check,) = [row for row in await monitor.checks(place.world, place.pools) if not row.ok]
        assert (check.name, "giant" in check.detail) == ("pool default", True)
        assert "headway pools apply" in check.fix

    virtually(scenario)


def test_a_pool_is_not_told_what_another_was_refused():
    async def scenario(place: PoolsWorld) -> None:
        await applied(place, 1, 4)
        await asyncio.sleep(10)
        place.provider.room["small"] = 1
        other = DOCUMENT.replace("default", "ci") % (1, 4)
        await pools.apply(place.world, place.pools, "ana", other)
        await asyncio.sleep(10)
        views = {row.pool.name: row for row in await pools.listing(place.world, place.pools)}
        assert "none of small: all 0 machines" in views["default"].pending[0]
        assert (views["ci"].pending, len(views["ci"].nodes)) == ((), 1)

    virtually(scenario, room={"small": 0})


def test_why_of_a_pool_tells_that_nodes_were_given_back():
    async def scenario(place: PoolsWorld) -> None:
        await applied(place, 0, 4)
        await place.works(2, runs_s=300)
        await asyncio.sleep(3000)
        assert await place.rows() == []
        found = await why.explain(place.world, place.dispatch, "default")
        assert found.state == "0 nodes"
        assert found.happened[-1].event.kind == "pool.shrank"
        assert found.happened[-1].event.data["what"] == "give a node back"
        assert "start too late" not in found.because
        (declared,) = place.events("pool.declared")
        assert declared.because == "it may have 0 to 4 nodes"

    virtually(scenario)
