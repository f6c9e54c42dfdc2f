"""Pools follow the load, through providers that fail, lie and forget, and through restarts."""

import asyncio
from datetime import timedelta
from itertools import pairwise

import msgspec

from headway.control import nodes
from headway.control.leases import claiming
from headway.control.pool import pools
from headway.control.queries import why
from headway.control.requests import LeaseRequest
from headway.control.runs import runs
from headway.model.build import Build, BuildState
from headway.model.container import Container, ContainerState
from headway.model.ids import AppName, BuildId, ContainerId, Digest, NodeId, PoolName
from headway.model.lease import ClaimKind
from headway.model.machine import Machine, MachineState
from headway.model.node import Holder, NodeState
from headway.model.pool import Pool, Scaling
from headway.model.pool_node import PoolNodeState
from headway.model.pool_plan import PoolChange, PoolVerb
from headway.model.pool_snapshot import HostState
from headway.model.resources import Resources
from headway.model.run import RunState
from tests.simulation.conftest import ENVIRONMENT, wishing
from tests.simulation.pools_world import BEGAN, LARGE, SMALL, WORK, PoolsWorld, virtually


def test_a_pool_grows_for_what_waits_and_shrinks_when_it_is_done():
    async def scenario(place: PoolsWorld) -> None:
        await place.pool()
        await place.works(4, runs_s=600)
        await asyncio.sleep(90)
        assert len(place.nodes()) == 2
        assert len(place.engine.begun) == 4
        await asyncio.sleep(600 + 180 + 120)
        assert place.nodes() == []
        assert await place.rows() == []
        assert place.provider.requested["small"] == 2
        assert len(place.events("node.gone")) == 2

    virtually(scenario)


def test_a_node_that_is_held_or_promised_under_a_lease_is_not_given_back():
    async def scenario(place: PoolsWorld) -> None:
        await place.pool()
        await place.works(4, runs_s=600)
        await asyncio.sleep(90)
        first, second = (node.id for node in place.nodes())
        wish = LeaseRequest(kind=ClaimKind.NODE, name=first, length_s=14_400)
        node = await claiming.acquire(place.world, "ana", wish)
        wish = LeaseRequest(
            kind=ClaimKind.CAPACITY,
            name="default",
            cpu=0.5,
            length_s=600,
            from_at=place.clock.now() + timedelta(hours=2),
        )
        part = await claiming.acquire(place.world, "ana", wish)
        assert [share.node for share in part.lease.shares] == [second]
        await asyncio.sleep(3600)
        assert [row.id for row in place.nodes()] == [first, second]
        await claiming.release(place.world, "ana", part.lease.id)
        await asyncio.sleep(600)
        assert [row.id for row in place.nodes()] == [first]
        await claiming.release(place.world, "ana", node.lease.id)
        await asyncio.sleep(600)
        assert place.nodes() == []

    virtually(scenario)


def test_a_node_on_which_something_is_built_is_not_given_back():
    async def scenario(place: PoolsWorld) -> None:
        await place.pool(idle_s=60)
        await place.works(1, runs_s=10)
        await asyncio.sleep(90)
        (node,) = place.nodes()
        build = Build(
            id=BuildId("build-1"),
            app=AppName("shop"),
            source=Digest("sha256:1"),
            state=BuildState.RUNNING,
            node=node.id,
            created_at=place.clock.now(),
            created_by="ana",
        )
        stored = await place.store.write(lambda tx: tx.put(build))
        await asyncio.sleep(1200)
        assert [row.id for row in place.nodes()] == [node.id]
        ended = msgspec.structs.replace(stored, state=BuildState.SUCCEEDED)
        await place.store.write(lambda tx: tx.put(ended))
        await asyncio.sleep(300)
        assert place.nodes() == []

    virtually(scenario)


def test_the_tags_of_a_pool_are_those_of_its_nodes():
    async def scenario(place: PoolsWorld) -> None:
        fast = msgspec.structs.replace(SMALL, tags={"disk": "fast"})
        pool = Pool(types=(fast,), tags={"disk": "any", "zone": "a"}, scaling=Scaling(nodes_min=1))
        await place.store.write(lambda tx: tx.put(pool))
        place.world.bell.pool()
        await asyncio.sleep(90)
        (node,) = place.nodes()
        assert node.tags == {"disk": "fast", "zone": "a", "node": node.id, "pool": "default"}

    virtually(scenario)


def test_what_a_person_says_of_a_node_is_undone_by_no_pool():
    async def scenario(place: PoolsWorld) -> None:
        await place.pool(idle_s=60, drain_s=3600)
        await place.works(2, runs_s=900)
        await asyncio.sleep(90)
        (node,) = place.nodes()
        # The pool empties it, as its maximum has fallen to what others have; ana wants it drained.
        change = PoolChange(
            verb=PoolVerb.DRAIN, type="small", node=node.id, because="a test", within_s=3600
        )
        pool = await place.store.read(lambda tx: tx.get(Pool, "default"))
        await place.pools.change(pool, change)
        assert place.world.roster.holds[node.id].owner == "pool default"
        taken = await nodes.drain(place.world, "ana", node.id, None, "its disk is full")
        assert (taken.hold.holder, taken.hold.by) == (Holder.PERSON, "ana")
        assert [row.state for row in await place.rows()] == [PoolNodeState.LENT]
        keep = msgspec.structs.replace(change, verb=PoolVerb.KEEP, within_s=None)
        await place.pools.change(pool, keep)
        await place.pools.change(pool, change)
        assert place.world.roster.holds[node.id].because == "its disk is full"
        await asyncio.sleep(3600)
        assert [row.id for row in await place.rows()] == [node.id]
        assert place.world.roster.holds[node.id].by == "ana"
        await nodes.uncordon(place.world, "ana", node.id)
        await asyncio.sleep(600)
        assert await place.rows() == []

    virtually(scenario)


def test_who_takes_a_node_back_keeps_it_from_being_given_back():
    async def scenario(place: PoolsWorld) -> None:
        await place.pool(idle_s=60, drain_s=3600)
        await place.works(2, runs_s=900)
        await asyncio.sleep(90)
        (node,) = place.nodes()
        pool = await place.store.read(lambda tx: tx.get(Pool, "default"))
        because = "a test"
        verb = PoolVerb.DRAIN
        change = PoolChange(verb=verb, type="small", node=node.id, because=because, within_s=3600)
        await place.pools.change(pool, change)
        await nodes.uncordon(place.world, "ana", node.id)
        (row,) = await place.rows()
        assert (row.state, row.because) == (PoolNodeState.LENT, "ana wants it to stay")
        assert [row.id for row in place.nodes()] == [node.id]

    virtually(scenario)


def test_a_kill_at_any_moment_asks_for_no_node_twice():
    async def scenario(place: PoolsWorld) -> None:
        await place.pool()
        await place.works(4, runs_s=300)
        for _ in range(12):
            await asyncio.sleep(7)
            await place.down()
            await place.up()
        await asyncio.sleep(60)
        assert place.provider.requested["small"] == 2

    virtually(scenario)


def test_an_answer_that_was_lost_is_asked_for_again_under_the_same_id():
    async def scenario(place: PoolsWorld) -> None:
        place.provider.forgets_to_answer = 3
        await place.pool()
        await place.works(2, runs_s=300)
        await asyncio.sleep(200)
        assert len(place.nodes()) == 1
        assert place.provider.requested["small"] == 1

    virtually(scenario)


def test_a_provider_that_does_not_answer_is_trouble_that_passes():
    async def scenario(place: PoolsWorld) -> None:
        place.provider.answers = False
        await place.pool()
        await place.works(2, runs_s=300)
        await asyncio.sleep(120)
        assert "does not answer" in place.world.troubles["provider"][1]
        place.provider.answers = True
        await asyncio.sleep(150)
        assert len(place.nodes()) == 1
        assert "provider" not in place.world.troubles

    virtually(scenario)


def test_a_provider_that_takes_for_ever_stops_nothing():
    async def scenario(place: PoolsWorld) -> None:
        place.provider.slow_s = 1e6
        await place.pool()
        await place.works(2, runs_s=300)
        await asyncio.sleep(120)
        assert "no answer within 20 s" in place.world.troubles["provider"][1]
        place.provider.slow_s = 0.0
        await asyncio.sleep(200)
        assert len(place.nodes()) == 1

    virtually(scenario)


def test_a_type_that_is_used_up_is_replaced_by_another():
    async def scenario(place: PoolsWorld) -> None:
        await place.pool(SMALL, LARGE)
        await place.works(2, runs_s=300)
        await asyncio.sleep(120)
        assert [node.type for node in place.nodes()] == ["large"]
        assert "none is to be had" in place.events("node.gone")[0].because

    virtually(scenario, room={"small": 0})


def test_machines_that_have_less_than_promised_are_made_up_for():
    async def scenario(place: PoolsWorld) -> None:
        place.provider.short["small"] = 0.5
        await place.pool()
        await place.works(2, runs_s=900)
        await asyncio.sleep(400)
        assert len(place.nodes()) == 2
        assert len(place.engine.begun) == 2
        assert "of 2.1 cores" in next(iter(place.pools.seen.flags.values()))

    virtually(scenario)


def test_a_machine_that_never_becomes_a_node_is_given_back():
    async def scenario(place: PoolsWorld) -> None:
        place.provider.stillborn = 1
        await place.pool()
        await place.works(2, runs_s=300)
        await asyncio.sleep(3 * SMALL.start_s + 60 + 60 + 90)
        assert len(place.nodes()) == 1
        assert any("not there as a node" in row.because for row in place.events("node.released"))

    virtually(scenario)


def test_a_machine_that_nobody_asked_for_is_shown_and_after_a_while_given_back():
    async def scenario(place: PoolsWorld) -> None:
        await place.pool(nodes_min=1)
        await asyncio.sleep(100)
        place.foist("stranger")
        await asyncio.sleep(60)
        assert "nobody asked for it" in place.pools.seen.flags[NodeId("stranger")]
        await asyncio.sleep(700)
        machines = await place.provider.machines()
        assert [row.id for row in machines] == [row.id for row in await place.rows()]
        assert place.pools.seen.flags == {}

    virtually(scenario)


def test_a_machine_that_dies_is_forgotten_and_replaced_and_its_runs_start_again():
    async def scenario(place: PoolsWorld) -> None:
        await place.pool()
        await place.works(2, runs_s=900)
        await asyncio.sleep(120)
        (node,) = place.nodes()
        place.provider.vanish(node.id)
        await asyncio.sleep(300)
        assert node.id not in {row.id for row in await place.rows()}
        assert any("lists it no more" in row.because for row in place.events("node.gone"))
        assert place.world.roster.node(node.id) is None

    virtually(scenario)


def test_a_node_that_is_not_wanted_before_it_is_there_takes_nothing_when_it_comes():
    async def scenario(place: PoolsWorld) -> None:
        await place.pool(nodes_min=1)
        await asyncio.sleep(20)
        (row,) = await place.rows()
        place.provider.cut()  # so it goes on to start
        await place.pool(nodes_max=0)
        await asyncio.sleep(20)
        await place.works(1, runs_s=60)
        await asyncio.sleep(60)
        assert place.world.roster.node(row.id) is not None
        assert not place.world.fleet.on(row.id)
        place.provider.answers = True
        await asyncio.sleep(90)
        assert place.provider.lent() == []
        assert (await place.rows(), place.world.roster.holds) == ([], {})

    virtually(scenario)


def test_a_notice_empties_a_node_and_has_another_come():
    async def scenario(place: PoolsWorld) -> None:
        await place.pool(nodes_min=1)
        await asyncio.sleep(90)
        (node,) = place.nodes()
        place.provider.announce(node.id, within_s=120)
        await asyncio.sleep(10)
        (row, *_) = [row for row in await place.rows() if row.id == node.id]
        assert row.state in (PoolNodeState.LEAVING, PoolNodeState.RELEASED)
        await asyncio.sleep(90)
        assert [other.id for other in place.nodes()] != [node.id]
        assert len(place.nodes()) == 1

    virtually(scenario)


def test_nodes_are_replaced_before_they_are_too_old():
    async def scenario(place: PoolsWorld) -> None:
        import msgspec

        mortal = msgspec.structs.replace(SMALL, life_max_s=3600.0)
        place.provider.offer(mortal)
        await place.pool(mortal, nodes_min=1, drain_s=300)
        await asyncio.sleep(2 * 3600)
        rows = await place.rows()
        assert place.provider.requested["small"] == 3
        oldest = min(row.wanted_at for row in rows)
        assert place.clock.now() - oldest < timedelta(hours=1)

    virtually(scenario)


def test_the_minimum_comes_back_and_the_maximum_holds():
    async def scenario(place: PoolsWorld) -> None:
        await place.pool(nodes_min=1, nodes_max=2)
        await place.works(40, runs_s=300)
        for _ in range(40):
            await asyncio.sleep(30)
            assert len(await place.provider.machines()) <= 2
        assert "as large as it may be" in place.pools.plans["default"].pending[0]

    virtually(scenario)


def test_a_node_that_was_given_back_is_never_shown_as_lost():
    async def scenario(place: PoolsWorld) -> None:
        await place.pool(idle_s=60)
        await place.works(2, runs_s=10)
        await asyncio.sleep(90)
        (node,) = place.nodes()
        while place.world.roster.node(node.id) is not None:
            await asyncio.sleep(0.1)
            assert all(row.state is not NodeState.LOST for row in place.world.nodes)
        assert [row.kind for row in place.events("node.lost")] == []
        assert place.world.roster.holds.keys() <= {node.id}
        await asyncio.sleep(30)
        assert (await place.rows(), dict(place.world.roster.holds)) == ([], {})

    virtually(scenario)


def test_a_type_that_stays_used_up_is_asked_for_ever_less_often_and_told_of_once():
    async def scenario(place: PoolsWorld) -> None:
        asked = []
        request = place.provider.request

        async def noted(machine, pool, kind):
            asked.append(place.clock.now())
            return await request(machine, pool, kind)

        place.provider.request = noted
        await place.pool()
        await place.works(6, runs_s=7000)
        await asyncio.sleep(4 * 3600)
        gaps = [round((b - a).total_seconds() / 60) for a, b in pairwise(asked[2:])]
        assert gaps[:5] == [2, 4, 8, 16, 30]
        assert set(gaps[5:]) == {30}
        assert [len(place.events(kind)) for kind in ("pool.grew", "node.wanted")] == [1, 3]
        assert len(place.events("pool.shrank")) == 3
        place.provider.room["small"] = 3
        await asyncio.sleep(1800 + 120)
        assert len(place.nodes()) == 3
        assert len(place.events("node.lent")) == 3
        assert len(place.events("node.wanted")) == 3 + 3

    virtually(scenario, room={"small": 0})


def test_a_type_that_is_used_up_is_told_of_again_when_the_answer_changes():
    async def scenario(place: PoolsWorld) -> None:
        await place.pool(nodes_min=1)
        await asyncio.sleep(200)
        place.provider.foist(
            Machine(
                id=NodeId("other"),
                pool=PoolName("default"),
                type="small",
                state=MachineState.RUNNING,
                since=place.clock.now(),
            )
        )
        await asyncio.sleep(1800)
        told = [event.because for event in place.events("pool.shrank")]
        assert [because.partition(": ")[2] for because in told] == [
            "all 0 machines of type small are lent",
            "all 1 machines of type small are lent",
            "all 0 machines of type small are lent",  # the other was given back
        ]

    virtually(scenario, room={"small": 0})


def test_a_node_that_is_given_back_has_what_was_used_up_asked_for_at_once():
    async def scenario(place: PoolsWorld) -> None:
        await place.pool(nodes_min=2)
        await asyncio.sleep(3 * 3600 + 60)
        (node,) = place.nodes()
        before = place.pools.seen.scarce[PoolName("default"), "small"]
        assert before.until - place.clock.now() > timedelta(seconds=300)
        place.provider.vanish(node.id)
        await asyncio.sleep(150)
        assert [row.id for row in place.nodes()] != [node.id]
        assert len(place.nodes()) == 1

    virtually(scenario, room={"small": 1})


def test_a_pool_does_not_grow_for_a_gang_that_will_never_fit_into_it_and_it_is_said_why():
    async def scenario(place: PoolsWorld) -> None:
        size = Resources(cpu=1.5, memory_mib=256)
        lead = msgspec.structs.replace(WORK, resources=size, gang={"follow": 3})
        follow = msgspec.structs.replace(lead, name="follow", gang={})
        await place.release(lead, follow)
        await place.pool(SMALL, nodes_max=2)
        (run,) = await place.invoke("work", wishing({"sleep_s": 5}))
        await asyncio.sleep(600)
        assert await place.rows() == []
        said = (await why.explain(place.world, place.dispatch, run.id)).because
        assert "`nodes_max` of pool default is at least 4" in said
        assert (await runs.view(place.world, place.dispatch, run.id)).in_vain
        assert "4 wait for a node that is not added" in place.pools.plans["default"].pending[0]
        await pools.scale(place.world, place.pools, "ana", "default", nodes_max=4)
        await asyncio.sleep(600)
        assert (await place.ended(run)).state is RunState.SUCCEEDED

    virtually(scenario)


def test_a_pool_shrinks_though_something_waits_that_it_can_never_take():
    async def scenario(place: PoolsWorld) -> None:
        huge = msgspec.structs.replace(WORK, name="huge", resources=Resources(cpu=64, memory_mib=1))
        await place.release(WORK, huge)
        await place.pool(SMALL, nodes_max=2)
        await place.works(2, runs_s=300)
        await asyncio.sleep(200)
        assert place.nodes()
        await place.invoke("huge", wishing({"sleep_s": 5}))
        await asyncio.sleep(1800)
        assert place.nodes() == []

    virtually(scenario)


def test_a_pool_waits_for_what_leaves_and_for_a_node_that_may_come_back():
    async def scenario(place: PoolsWorld) -> None:
        await place.pool(SMALL)
        await place.works(2, runs_s=1000)
        await asyncio.sleep(200)
        (node,) = place.nodes()
        row = Container(
            id=ContainerId("leaves"),
            environment=ENVIRONMENT,
            app=AppName("other"),
            process="web",
            release=1,
            node=node.id,
            state=ContainerState.DRAINING,
            draining_at=place.clock.now(),
            created_at=BEGAN,
        )
        stored = await place.store.write(lambda tx: tx.put(row))
        place.world.note(stored)
        ((ready,),) = [one.hosts for one in await place.pools.reading.snapshots(place.clock.now())]
        (load,) = (one for one in ready.loads if one.demand.resources == row.resources)
        assert load.ends_at == row.draining_at + timedelta(seconds=30)
        place.engine.go_away(node.id)
        await asyncio.sleep(1)
        ((silent,),) = [one.hosts for one in await place.pools.reading.snapshots(place.clock.now())]
        assert silent.state is HostState.SILENT
        assert silent.ready_at > place.clock.now()
        await asyncio.sleep(place.world.settings.node_lost_after_s + 5)
        later = [one.hosts for one in await place.pools.reading.snapshots(place.clock.now())]
        assert HostState.SILENT not in [one.state for one in later[0]]

    virtually(scenario)
