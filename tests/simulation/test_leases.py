"""Leases over a real store: the line, the fence, crashes, and what ends with a lease."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from headway.control.errors import Conflict, Invalid, NotFound
from headway.control.leases import claiming, leases
from headway.control.leases.settling import forget_over
from headway.control.rollout.enlist import ensure_environment
from headway.model.lease import Lease
from tests.simulation.leases_world import BEGAN, LeasesWorld


@pytest.fixture
async def own(tmp_path) -> AsyncIterator[LeasesWorld]:
    made = LeasesWorld(tmp_path)
    await made.up(line_max=2, locks_max=2, leases_max=5)
    yield made
    await made.down()


async def test_what_is_free_is_held_at_once_and_the_next_waits_for_it(own):
    ana = await own.ask("ana")
    assert (ana.lease.state.value, ana.lease.fence) == ("held", 1)
    ben = await own.ask("ben")
    assert (ben.lease.state.value, ben.ahead) == ("waiting", 0)
    assert ben.lease.because == ("the lock migration is held by ana until 2026-11-21 09:00:30 UTC")
    released = await own.release("ana")
    assert released.lease.because == "released by ana"
    ben = await own.one("ben")
    assert (ben.lease.state.value, ben.lease.fence) == ("held", 2)


async def test_who_will_not_wait_is_told_by_whom_it_is_held_and_what_to_do(own):
    await own.ask("ana")
    with pytest.raises(Conflict) as refused:
        await own.ask("ben", wait=False)
    assert refused.value.code == "lease-taken"
    assert "held by ana until" in refused.value.because
    assert refused.value.next[0] == "headway leases acquire migration --wait 10m"
    with pytest.raises(NotFound):
        await own.one("ben")


async def test_the_next_takes_over_when_a_holder_is_silent_and_the_late_renewal_is_refused(own):
    await own.ask("ana")
    await own.ask("ben")
    await own.after(14)
    await own.renew("ben")
    await own.after(14)
    await own.renew("ben")
    assert await own.after(1.999999) is not None
    assert await own.states("ana", "ben") == ["held", "waiting"]
    await own.after(0.000001)
    assert await own.states("ana", "ben") == ["ended", "held"]
    with pytest.raises(Conflict) as refused:
        await own.renew("ana")
    assert refused.value.code == "lease-over"
    assert [event.kind for event in await own.events("ben")] == ["lease.asked", "lease.held"]


async def test_a_late_renewal_finds_the_lease_over_though_no_loop_has_looked(own):
    await own.ask("ana")
    await own.ask("ben")
    own.clock.at += timedelta(seconds=14)
    await own.renew("ben")
    own.clock.at += timedelta(seconds=14)
    await own.renew("ben")
    own.clock.at += timedelta(seconds=2)
    with pytest.raises(Conflict):
        await own.renew("ana")
    assert await own.states("ana", "ben") == ["ended", "held"]


async def test_who_waits_and_dies_loses_the_place_only_after_the_silence(own):
    await own.ask("ana", length_s=600)
    await own.ask("ben")
    await own.ask("cleo")
    await own.after(10)
    await own.renew("cleo")
    await own.after(5)
    assert await own.states("ben", "cleo") == ["ended", "waiting"]


async def test_asking_again_with_the_same_id_makes_no_second_lease(own):
    first = await own.ask("ana")
    assert (await own.ask("ana")).lease == first.lease
    with pytest.raises(Conflict) as refused:
        await own.ask("ben", id="lse-ana000000")
    assert refused.value.code == "lease-id-taken"


async def test_a_wait_is_answered_in_the_moment_in_which_it_is_granted(own):
    import asyncio

    await own.ask("ana")
    await own.ask("ben")
    waiting = asyncio.create_task(own.renew("ben", wait_s=60))
    async with asyncio.timeout(10):
        while not own.world.awaited:
            await asyncio.sleep(0)
        await own.release("ana")
        assert (await waiting).lease.state.value == "held"


async def test_a_line_and_an_installation_have_bounds(own):
    for name in ("ana", "ben", "cleo"):
        await own.ask(name)
    with pytest.raises(Conflict, match="2 wait for the lock migration") as refused:
        await own.ask("dora")
    assert refused.value.code == "line-full"
    await own.ask("dora", "other")
    with pytest.raises(Conflict) as refused:
        await own.ask("emil", "third")
    assert refused.value.code == "too-many-locks"
    await own.ask("emil", "other")
    with pytest.raises(Conflict) as refused:
        await own.ask("fritz", "other")
    assert refused.value.code == "too-many-leases"


async def test_all_who_claim_a_lock_say_the_same_of_its_places(own):
    await own.ask("ana", places=2)
    ben = await own.ask("ben")
    assert (ben.lease.state.value, ben.lease.claim.places) == ("held", 2)
    with pytest.raises(Conflict) as refused:
        await own.ask("cleo", places=3)
    assert refused.value.code == "lock-places"
    await own.release("ana")
    await own.release("ben")
    assert (await own.ask("cleo", places=3)).lease.claim.places == 3


@pytest.mark.parametrize(
    "wish",
    [{"name": "Migration"}, {"length_s": 0.5}, {"length_s": 1e7}, {"places": 0}, {"id": "mine"}],
)
async def test_what_makes_no_sense_is_refused(own, wish):
    with pytest.raises(Invalid):
        await own.ask("ana", **wish)
    assert await own.store.read(lambda reader: reader.find(Lease)) == []


async def test_a_control_plane_that_comes_back_knows_holder_line_and_fence(own):
    await own.ask("ana", length_s=60)
    await own.ask("ben")
    await own.ask("cleo")
    await own.down()
    own.clock.at += timedelta(seconds=40)  # nobody who waits could be heard
    await own.up()
    await own.after(0)
    assert await own.states("ana", "ben", "cleo") == ["held", "waiting", "waiting"]
    await own.renew("ben")
    await own.after(14)
    await own.renew("ben")
    await own.after(6)
    assert await own.states("ana", "ben", "cleo") == ["ended", "held", "ended"]
    assert (await own.one("ben")).lease.fence == 2


async def test_what_was_started_under_a_lease_ends_with_it_and_nothing_else(own):
    await own.ask("ana")
    await own.environment("mine", under="ana")
    await own.environment("other")
    await own.environment("bens", under="ben")
    assert (await own.one("ana")).holds == ("mine",)
    await own.after(30)
    assert await own.active() == {"other", "bens"}
    (ending,) = await own.store.read(lambda reader: reader.events(subject="mine~1"))
    assert ending.kind == "environment.ending"
    assert "lse-ana000000" in ending.because


async def test_environments_are_listed_as_leases_and_are_not_released_by_mistake(own):
    await own.environment("demo")
    (view,) = await leases.listing(own.world, "demo")
    assert (view.lease.id, view.lease.claim.key, view.lease.since) == (
        "demo~1",
        "environment:demo~1",
        BEGAN,
    )
    assert (await claiming.renew(own.world, "ana", "demo~1")).lease.until is None
    with pytest.raises(Conflict) as refused:
        await claiming.release(own.world, "ana", "demo~1")
    assert refused.value.next[0] == "headway envs destroy demo"


async def test_of_leases_that_are_over_the_newest_are_kept(own):
    for number in range(4):
        await own.ask("ana", id=f"lse-00000{number}")
        await claiming.release(own.world, "ana", f"lse-00000{number}")
        own.clock.at += timedelta(seconds=1)
    await own.ask("ben")
    assert await own.store.write(lambda tx: forget_over(tx, 2)) == 2
    assert await own.store.write(lambda tx: forget_over(tx, 2)) == 0
    everything = await leases.listing(own.world, everything=True)
    assert [view.lease.id for view in everything] == ["lse-000002", "lse-000003", "lse-ben000000"]
    assert everything[-1].lease.fence == 5


async def test_leases_are_listed_in_the_order_of_their_line(own):
    for name in ("ana", "ben", "cleo"):
        await own.ask(name)
    views = await leases.listing(own.world, "migration")
    assert [(view.lease.holder, view.ahead) for view in views] == [
        ("ana", 0),
        ("ben", 0),
        ("cleo", 1),
    ]
    await own.release("ben")
    everything = await leases.listing(own.world, everything=True)
    assert [view.lease.holder for view in everything] == ["ana", "ben", "cleo"]
    assert len(await leases.listing(own.world)) == 2


class Watched:
    """A store's reader, and how often it was asked."""

    def __init__(self, reader):
        self.reader, self.asked = reader, 0

    def __getattr__(self, name):
        self.asked += 1
        return getattr(self.reader, name)


async def test_as_much_is_read_for_many_leases_as_for_few(own, monkeypatch):
    read, asked = own.store.read, []

    async def watched(question):
        def counted(reader):
            watch = Watched(reader)
            answer = question(watch)
            asked.append(watch.asked)
            return answer

        return await read(counted)

    await own.ask("ana")
    monkeypatch.setattr(own.store, "read", watched)
    await leases.listing(own.world)
    await own.environment("mine", under="ana")
    for name in ("ben", "cleo"):
        await own.ask(name)
        await own.ask(name, name="other", id=f"lse-{name}111111")
    views = await leases.listing(own.world)
    assert [(view.lease.holder, view.ahead, view.waiting) for view in views[1:]] == [
        ("ana", 0, 2),
        ("ben", 0, 2),
        ("ben", 0, 1),
        ("cleo", 1, 2),
        ("cleo", 0, 1),
    ]
    assert views[1].holds == ("mine",)
    assert asked[0] == asked[-1]


async def test_what_is_made_under_a_lease_says_from_the_start_how_long_it_lasts(own):
    lease = (await own.ask("ana")).lease
    made = await own.store.write(
        lambda tx: ensure_environment(tx, "bench", "ana", BEGAN, own.world.settings, None, lease)
    )
    assert (made.under, made.lease.until) == (lease.id, lease.until)
    (created,) = await own.store.read(lambda reader: reader.events(subject=made.id))
    assert created.because == ("leased to ana until 2026-11-21 09:00 UTC, as long as lse-ana000000")


@pytest.mark.parametrize("ask", [claiming.renew, claiming.release])
async def test_who_names_what_a_lease_is_on_is_told_the_leases_on_it(own, ask):
    await own.ask("ana")
    await own.ask("ben")
    with pytest.raises(NotFound) as refused:
        await ask(own.world, "ana", "migration")
    assert "lse-ana000000 of ana, lse-ben000000 of ben" in refused.value.because
    assert refused.value.next == ("headway leases ls migration",)
    with pytest.raises(NotFound) as refused:
        await ask(own.world, "ana", "nothing")
    assert refused.value.next == ("headway leases ls",)
