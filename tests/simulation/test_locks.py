"""Locks that runs hold as they run, over a real store and a simulated engine."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from headway.control.errors import Conflict, Invalid
from headway.control.leases import claiming, leases
from headway.control.queries.why import explain
from headway.control.requests import LeaseRequest
from headway.control.runs import claimants, locking, runs
from headway.model.ids import LeaseId
from headway.model.job import Delivery, Job
from headway.model.lease import ClaimKind
from headway.model.run import Run, RunState
from headway.model.view.lease import LeaseView
from tests.simulation.conftest import SMALL, Plane

SOLO = Job(name="solo", function="m:f", resources=SMALL, locks=("migration",))
OTHER = msgspec.structs.replace(SOLO, name="other", delivery=Delivery.AT_LEAST_ONCE)
BOTH = msgspec.structs.replace(SOLO, name="both", locks=("alpha", "migration"))
PAYING = msgspec.structs.replace(SOLO, name="paying", locks=("account-{account}",))


async def claim(plane: Plane, who: str, name: str = "migration") -> LeaseView:
    wish = LeaseRequest(
        kind=ClaimKind.LOCK, name=name, length_s=60, id=LeaseId(f"lse-{who}000000"), wait=True
    )
    return await claiming.acquire(plane.world, who, wish)


async def release(plane: Plane, who: str) -> None:
    await claiming.release(plane.world, who, f"lse-{who}000000")


async def state(plane: Plane, who: str) -> str:
    return (await leases.one(plane.world, f"lse-{who}000000")).lease.state.value


async def line(plane: Plane, name: str = "migration") -> list[tuple[str, str]]:
    views = await leases.listing(plane.world, name)
    return [(view.lease.holder, view.lease.state.value) for view in views]


async def eventually(holds: Callable[[], object], within_s: float = 10) -> None:
    async with asyncio.timeout(within_s):
        while not holds():
            await asyncio.sleep(0.005)


async def waits_for(plane: Plane, run: Run, words: str) -> str:
    """Wait until a run says that it waits for this."""
    await eventually(lambda: words in plane.dispatch.starts.reason(run))
    return plane.dispatch.starts.reason(run)


async def standing(plane: Plane, run: Run, name: str = "migration") -> None:
    async with asyncio.timeout(10):
        while (f"run {run.id}", "waiting") not in await line(plane, name):
            await asyncio.sleep(0.005)


async def test_runs_of_two_jobs_hold_a_lock_one_after_the_other_with_rising_fences(plane):
    await plane.release(SOLO, OTHER)
    first = await plane.until(await plane.run("solo", parameters={"sleep_s": 0.2}), "running")
    second = await plane.run("other", parameters={"sleep_s": 0})
    said = await waits_for(plane, second, "lock migration")
    assert said.startswith(f"lock migration: held by run {first.id} since 20")
    told = await explain(plane.world, plane.dispatch, second.id)
    assert said in told.because
    first, second = await plane.ended(first), await plane.ended(second)
    assert second.attempts[0].ordered_at >= first.attempts[0].ended_at
    assert 0 < first.attempts[0].fence < second.attempts[0].fence
    assert await line(plane) == []


async def test_runs_and_people_stand_in_one_fair_line(plane):
    await plane.release(SOLO)
    await claim(plane, "ana")
    run = await plane.run("solo", parameters={"sleep_s": 0.2})
    await standing(plane, run)
    ben = await claim(plane, "ben")
    assert ben.ahead == 1
    assert await line(plane) == [
        ("ana", "held"),
        (f"run {run.id}", "waiting"),
        ("ben", "waiting"),
    ]
    await release(plane, "ana")
    await plane.until(run, "running")
    assert (await explain(plane.world, plane.dispatch, "migration")).because.startswith(
        f"the lock migration is held by run {run.id} since "
    )
    assert await state(plane, "ben") == "waiting"
    await plane.ended(run)
    assert await state(plane, "ben") == "held"
    fence = (await leases.one(plane.world, "lse-ben000000")).lease.fence
    assert fence > (await runs.one(plane.world, run.id)).attempts[0].fence


async def test_what_is_kept_for_a_run_is_refused_to_who_does_not_wait(plane):
    await plane.release(SOLO)
    run = await plane.until(await plane.run("solo", parameters={"sleep_s": 30}), "running")
    wish = LeaseRequest(kind=ClaimKind.LOCK, name="migration", length_s=60)
    with pytest.raises(Conflict) as refused:
        await claiming.acquire(plane.world, "ana", wish)
    assert f"held by run {run.id} since" in refused.value.because


async def test_who_is_lost_has_the_lock_no_more_and_the_next_has_a_higher_fence(plane, engine):
    await plane.release(SOLO, OTHER)
    lost = await plane.until(await plane.run("solo", parameters={"sleep_s": 30}), "running")
    next_one = await plane.run("other", parameters={"sleep_s": 0})
    await standing(plane, next_one)
    engine.kill(lost.attempts[0].runner)
    assert (await plane.ended(lost)).state is RunState.LOST
    next_one = await plane.ended(next_one)
    assert next_one.attempts[0].fence > lost.attempts[0].fence


async def test_a_retry_holds_the_lock_anew_and_not_while_it_waits(plane, engine):
    await plane.release(OTHER)
    run = await plane.until(await plane.run("other", parameters={"sleep_s": 0.3}), "running")
    engine.kill(run.attempts[0].runner)
    run = await plane.ended(run)
    assert run.state is RunState.SUCCEEDED
    assert run.attempts[0].fence < run.attempts[1].fence


async def test_several_locks_are_held_together_or_not_at_all(plane):
    await plane.release(BOTH, SOLO)
    await claim(plane, "ana")
    both = await plane.run("both", parameters={"sleep_s": 0.1})
    await standing(plane, both)
    assert await line(plane, "alpha") == [(f"run {both.id}", "waiting")]
    await claim(plane, "ben", "alpha")  # it is kept for the run, which was first
    assert await state(plane, "ben") == "waiting"
    await release(plane, "ana")
    await plane.until(both, "running")
    assert await line(plane, "alpha") == [(f"run {both.id}", "held"), ("ben", "waiting")]
    await plane.ended(both)
    assert await state(plane, "ben") == "held"


async def test_a_run_stands_in_no_line_behind_the_first_lock_that_it_cannot_have(plane):
    await plane.release(BOTH)
    await claim(plane, "ana", "alpha")
    both = await plane.run("both", parameters={"sleep_s": 0})
    await standing(plane, both, "alpha")
    assert (await claim(plane, "ben")).lease.state.value == "held"
    await release(plane, "ben")
    await release(plane, "ana")
    assert (await plane.ended(both)).state is RunState.SUCCEEDED


async def test_a_lock_named_by_a_parameter_holds_up_only_runs_that_share_it(plane):
    await plane.release(PAYING)
    slow = await plane.run("paying", parameters={"sleep_s": 30, "account": "acme"})
    await plane.until(slow, "running")
    same = await plane.run("paying", parameters={"account": "acme"})
    other = await plane.run("paying", parameters={"account": "umbrella"})
    assert (await plane.ended(other)).locks == ("account-umbrella",)
    await waits_for(plane, same, "lock account-acme")
    await runs.cancel(plane.world, plane.dispatch, "me", slow.id)
    assert (await plane.ended(same)).state is RunState.SUCCEEDED


@pytest.mark.parametrize(
    ("parameters", "because"),
    [
        ({}, "its lock account-{account} needs the parameter account"),
        ({"account": 1.5}, "its lock account-{account} needs the parameter account"),
        ({"account": "A_1"}, "its lock would be 'account-A_1', which cannot name a lock"),
    ],
)
async def test_parameters_that_name_no_lock_are_refused(plane, parameters, because):
    await plane.release(PAYING)
    with pytest.raises(Invalid) as refused:
        await plane.run("paying", parameters=parameters)
    assert because in refused.value.because


async def test_runs_behind_those_whose_lines_were_read_start_without_another_event(
    plane, monkeypatch
):
    monkeypatch.setattr(locking, "_LOOKED_AT", 2)
    await plane.release(PAYING)
    await plane.hold(paused=True, reason="no money")
    made = [
        await plane.run("paying", parameters={"sleep_s": 30, "account": f"a{number}"})
        for number in range(6)
    ]
    await plane.hold()
    for run in made:
        await plane.until(run, "running")


async def test_a_run_that_could_not_start_leaves_the_line_and_comes_back(plane, monkeypatch):
    monkeypatch.setattr(claimants, "_KEPT", timedelta(seconds=0.2))
    await plane.release(SOLO)
    await claim(plane, "ana")
    run = await plane.run("solo", parameters={"sleep_s": 0})
    await standing(plane, run)
    await claim(plane, "ben")
    await plane.hold(paused=True, reason="no money")
    await waits_for(plane, run, "no money")
    await release(plane, "ana")
    async with asyncio.timeout(10):
        while await state(plane, "ben") != "held":
            await asyncio.sleep(0.005)
    assert await line(plane) == [("ben", "held")]
    await plane.hold()
    await standing(plane, run)
    await claim(plane, "cleo")
    await release(plane, "ben")
    assert (await plane.ended(run)).state is RunState.SUCCEEDED
    assert await state(plane, "cleo") == "held"


async def test_a_run_that_comes_back_to_a_line_does_not_lock_up_those_that_went_before_it(
    plane, monkeypatch
):
    monkeypatch.setattr(claimants, "_KEPT", timedelta(seconds=0.2))
    rest = msgspec.structs.replace(BOTH, name="rest", queue="slow")
    await plane.release(BOTH, rest)
    await claim(plane, "ana", "migration")
    first = await plane.run("both", parameters={"sleep_s": 0})
    await standing(plane, first)
    await standing(plane, first, "alpha")
    await plane.hold(paused=True, reason="no money")
    second = await plane.run("rest", parameters={"sleep_s": 0})
    async with asyncio.timeout(10):
        while (f"run {first.id}", "waiting") in await line(plane, "alpha"):
            await asyncio.sleep(0.005)
    await standing(plane, second)
    await plane.hold()
    await standing(plane, first, "alpha")
    await release(plane, "ana")
    assert (await plane.ended(second)).state is RunState.SUCCEEDED
    assert (await plane.ended(first)).state is RunState.SUCCEEDED


async def test_who_runs_and_who_waits_outlive_the_control_plane(plane):
    await plane.release(SOLO, OTHER)
    first = await plane.until(await plane.run("solo", parameters={"sleep_s": 0.6}), "running")
    second = await plane.run("other", parameters={"sleep_s": 0})
    await standing(plane, second)
    before = await line(plane)
    await plane.down()
    await plane.up()
    assert await line(plane) == before
    first, second = await plane.ended(first), await plane.ended(second)
    assert first.state is second.state is RunState.SUCCEEDED
    assert second.attempts[0].ordered_at >= first.attempts[0].ended_at


async def test_who_is_cancelled_or_expires_leaves_the_line(plane):
    await plane.release(SOLO, OTHER)
    await claim(plane, "ana")
    cancelled = await plane.run("solo")
    soon = datetime.now(UTC) + timedelta(seconds=0.4)
    expiring = await plane.run("other", deadline_at=soon)
    await standing(plane, cancelled)
    await standing(plane, expiring)
    await runs.cancel(plane.world, plane.dispatch, "me", cancelled.id)
    assert (await plane.ended(expiring)).state is RunState.EXPIRED
    assert await line(plane) == [("ana", "held")]


async def test_the_lease_of_a_run_ends_with_the_run_and_not_by_release(plane):
    await plane.release(SOLO)
    run = await plane.until(await plane.run("solo", parameters={"sleep_s": 30}), "running")
    (view,) = await leases.listing(plane.world, "migration")
    assert view.lease.reason == "shop/solo in demo"
    for deed in (claiming.release, claiming.renew):
        with pytest.raises(Conflict) as refused:
            await deed(plane.world, "ana", view.lease.id)
        assert refused.value.code == "lease-of-run"
        assert refused.value.next[0] == f"headway runs cancel {run.id}"


async def test_a_lane_of_which_a_lock_holds_up_all_but_one_asks_for_no_more_nodes(plane):
    await plane.release(SOLO)
    await claim(plane, "ana")
    waiting = [await plane.run("solo") for _ in range(3)]
    await standing(plane, waiting[0])
    assert await plane.dispatch.starts.backlog() == []


async def test_a_pinned_run_holds_the_locks_of_its_release(plane):
    await plane.release(SOLO)
    await plane.release(msgspec.structs.replace(SOLO, locks=("other",)), number=2)
    pinned, live = await plane.run("solo", release=1), await plane.run("solo")
    assert (pinned.locks, live.locks) == (("migration",), ("other",))
    unlocked = msgspec.structs.replace(SOLO, locks=())
    await plane.release(unlocked, number=3)
    assert (await plane.run("solo", release=1)).locks == ("migration",)
