"""Runs over a real store and a simulated engine: what each state means, tried one by one."""

import asyncio
import copy
import re
from datetime import UTC, datetime, timedelta
from functools import partial

import msgspec
import pytest

from headway.control import permission
from headway.control.errors import Conflict, Invalid, NotFound
from headway.control.requests import RunQuestion
from headway.control.runs import attempts, ends, replays, runs
from headway.control.runs.targets import Targets
from headway.model.job import Delivery, Job, Retries
from headway.model.queue import Queue
from headway.model.release import Release
from headway.model.run import After, Attempt, RunState, lane_of
from headway.ports.store import StoreError
from tests.simulation.conftest import SMALL, wishing

ONCE = Job(name="once", function="m:f", resources=SMALL)
AGAIN = Job(
    name="again",
    function="m:f",
    resources=SMALL,
    delivery=Delivery.AT_LEAST_ONCE,
    retries=Retries(most=2, delay_s=0.02),
)


async def test_a_run_gives_its_result(plane):
    await plane.release(ONCE)
    row = await plane.ended(await plane.run("once", parameters={"result": {"rows": 3}}))
    assert row.state is RunState.SUCCEEDED
    assert msgspec.json.decode(row.result) == {"rows": 3}
    (attempt,) = row.attempts
    assert (attempt.number, attempt.release, attempt.outcome) == (1, 1, RunState.SUCCEEDED)
    assert attempt.ordered_at <= attempt.began_at <= attempt.ended_at


async def test_at_most_once_is_not_tried_again(plane):
    await plane.release(ONCE)
    row = await plane.ended(await plane.run("once", parameters={"fail": "no such order"}))
    assert row.state is RunState.FAILED
    assert row.because == "Failure: no such order"
    assert len(row.attempts) == 1


async def test_what_failed_is_found_behind_more_that_succeeded_than_are_looked_at(
    plane, monkeypatch
):
    await plane.release(ONCE)
    bad = await plane.ended(await plane.run("once", parameters={"fail": "no such order"}))
    for _ in range(3):
        await plane.ended(await plane.run("once"))
    monkeypatch.setattr(runs, "_LOOKED_AT_MAX", 2)
    monkeypatch.setattr(runs, "_PAGE", 1)
    question = RunQuestion(state=(RunState.DEAD, RunState.FAILED, RunState.LOST))
    page = await runs.listing(plane.world, question)
    assert [row.id for row in page.rows] == [bad.id]


async def test_at_least_once_is_tried_until_it_is_dead_and_can_be_replayed(plane):
    await plane.release(AGAIN)
    row = await plane.ended(await plane.run("again", parameters={"fail": "down"}))
    assert row.state is RunState.DEAD
    assert [one.number for one in row.attempts] == [1, 2, 3]
    assert row.because == "attempt 3 of 3: Failure: down"
    replayed = await replays.again(
        plane.world, plane.dispatch, "me", row.id, msgspec.Raw(b'{"result": 1}')
    )
    assert (await plane.ended(replayed)).state is RunState.SUCCEEDED
    assert (await runs.one(plane.world, row.id)).state is RunState.FAILED


async def test_a_run_that_is_late_is_timed_out(plane):
    await plane.release(msgspec.structs.replace(ONCE, timeout_s=0.05))
    row = await plane.ended(await plane.run("once", parameters={"sleep_s": 5}))
    assert row.state is RunState.TIMED_OUT
    assert row.because == "time limit 0.05 s reached"


async def test_a_killed_runner_loses_at_most_once_and_repeats_at_least_once(plane, engine):
    await plane.release(ONCE, AGAIN)
    once = await plane.run("once", parameters={"sleep_s": 30})
    again = await plane.run("again", parameters={"sleep_s": 0.3})
    once = await plane.until(once, "running")
    await plane.until(again, "running")
    engine.kill(once.attempts[0].runner)
    assert (await plane.ended(once)).state is RunState.LOST
    row = await plane.ended(again)
    assert row.state is RunState.SUCCEEDED
    assert [one.outcome for one in row.attempts] == [RunState.LOST, RunState.SUCCEEDED]


async def test_that_a_run_is_queued_may_be_told_once_it_runs(plane, engine):
    """Who makes runs may hear that they are written down after others have read, and begun, them.

    A turn that took such a run for queued once more forgot its attempt, and what of it was lost
    with its runner stayed running for ever.
    """
    await plane.release(ONCE)
    made = await plane.run("once", parameters={"sleep_s": 30})
    row = await plane.until(made, "running")
    plane.dispatch.made([msgspec.structs.replace(made, state=RunState.QUEUED, attempts=())])
    assert (await plane.ended(await plane.run("once"))).state is RunState.SUCCEEDED
    assert plane.dispatch.lanes.are_empty
    engine.kill(row.attempts[0].runner)
    assert (await plane.ended(row)).state is RunState.LOST


@pytest.mark.parametrize("is_put_late", [False, True])
async def test_the_turn_of_a_run_may_come_before_it_is_put(plane, monkeypatch, is_put_late):
    """That it starts is written down behind it, or not at all, and then once more."""
    await plane.release(ONCE)
    await plane.ended(await plane.run("once"))  # so that there is a runner
    write, deeds = plane.store.write, []

    async def as_it_is(run):
        return run

    async def noted(deed):
        deeds.append(getattr(deed, "__name__", "") or deed.func.__name__)
        if is_put_late and deeds == ["<lambda>"]:  # of the invocation
            await asyncio.sleep(0.2)
        return await write(deed)

    monkeypatch.setattr(plane.dispatch, "at_once", as_it_is)
    monkeypatch.setattr(plane.store, "write", noted)
    row = await plane.ended(await plane.run("once"))
    assert (row.state, len(row.attempts)) == (RunState.SUCCEEDED, 1)
    assert deeds[:2] == ["<lambda>", "start"]
    assert deeds.count("start") == (2 if is_put_late else 1)
    assert plane.dispatch.lanes.are_empty


async def test_a_run_that_could_not_be_put_is_not_expected_any_more(plane, monkeypatch):
    await plane.release(ONCE)
    await plane.hold(paused=True)

    write = plane.store.write

    async def fails(deed):
        if getattr(deed, "__name__", "") == "<lambda>":  # of the invocation
            raise StoreError("the disk is full")
        return await write(deed)

    monkeypatch.setattr(plane.store, "write", fails)
    with pytest.raises(StoreError):
        await plane.run("once")
    twice = wishing(id=plane.world.run_ids.make(plane.world.clock.now()))
    with pytest.raises(StoreError):
        await plane.invoke("once", twice, twice)
    assert plane.dispatch.lanes.are_empty


async def test_a_run_whose_asker_left_before_it_heard_of_it_is_done(plane, monkeypatch):
    await plane.release(ONCE)
    await plane.hold(paused=True)
    write, run = plane.store.write, plane.world.run_ids.make(plane.world.clock.now())

    async def leaves(deed):
        written = await write(deed)
        if getattr(deed, "__name__", "") == "<lambda>":  # of the invocation
            raise asyncio.CancelledError
        return written

    monkeypatch.setattr(plane.store, "write", leaves)
    with pytest.raises(asyncio.CancelledError):
        await plane.run("once", id=run)
    await plane.hold(paused=False)
    assert (await plane.ended(await runs.one(plane.world, run))).state is RunState.SUCCEEDED


async def test_a_run_does_not_start_where_another_of_its_id_was_expected(plane):
    await plane.release(ONCE)
    await plane.hold(paused=True)
    row = await plane.run("once")
    other = lane_of(msgspec.structs.replace(row, priority=7))
    now = plane.world.clock.now()
    attempt = Attempt(number=0, release=1, runner="r", node="n1", ordered_at=now)
    for lane, count in ((other, 0), (lane_of(row), 1)):
        deed = partial(attempts.start, attempts={row.id: attempt}, now=now, expected={row.id: lane})
        assert len((await plane.store.write(deed)).rows) == count


async def test_how_a_run_ended_counts_though_its_runner_ends_before_it_is_written_down(
    plane, engine, monkeypatch
):
    await plane.release(AGAIN)
    runner = (await plane.ended(await plane.run("again"))).attempts[0].runner

    async def after_its_runner(_world, _node, _log):
        engine.kill(runner)
        await asyncio.sleep(0.3)
        return "no such order"

    monkeypatch.setattr(ends, "last_words", after_its_runner)
    first = await plane.run("again", parameters={"exit": 3, "sleep_s": 0.05})
    row = await plane.ended(first)
    assert row.attempts[0].outcome is RunState.FAILED
    assert row.attempts[0].exit.status == 3
    assert row.attempts[0].exit.wrote == "no such order"


async def test_a_run_that_is_due_as_it_is_asked_for_again_starts(plane, monkeypatch):
    """Asked for again it might start at once, which keeps its turn from starting it."""
    await plane.release(ONCE)
    await plane.ended(await plane.run("once"))  # so that there is a runner
    made = await plane.run("once", delay_s=0.5)
    write, due = plane.store.write, asyncio.Event()

    async def late(deed):
        if getattr(deed, "__name__", "") == "<lambda>":  # of the invocation
            await due.wait()
        return await write(deed)

    monkeypatch.setattr(plane.store, "write", late)
    again = asyncio.create_task(plane.run("once", id=made.id))
    await plane.until(made, "queued")
    due.set()
    assert (await again).id == made.id
    assert (await plane.ended(made)).state is RunState.SUCCEEDED


async def test_a_run_made_while_others_become_due_is_not_forgotten(plane, monkeypatch):
    await plane.release(ONCE)
    write, passing, go_on = plane.store.write, asyncio.Event(), asyncio.Event()

    async def slow(deed):
        written = await write(deed)
        if getattr(written, "queued", ()):
            passing.set()
            await go_on.wait()
        return written

    monkeypatch.setattr(plane.store, "write", slow)
    await plane.run("once", delay_s=0.05)
    await passing.wait()
    later = await plane.run("once", delay_s=0.1)
    go_on.set()
    assert (await plane.ended(later)).state is RunState.SUCCEEDED


async def test_a_control_plane_that_comes_back_goes_on(plane):
    await plane.release(ONCE, AGAIN)
    slow = await plane.run("once", parameters={"sleep_s": 0.5, "result": 7})
    await plane.until(slow, "running")
    later = await plane.run("again", delay_s=0.3)
    await plane.down()
    await plane.up()
    row = await plane.ended(slow)
    assert (row.state, len(row.attempts)) == (RunState.SUCCEEDED, 1)
    assert (await plane.ended(later)).state is RunState.SUCCEEDED


async def test_what_waits_starts_in_its_time_and_after_others(plane):
    await plane.release(ONCE)
    now = datetime.now(UTC)
    first = await plane.run("once", at=now + timedelta(seconds=1), key="first")
    assert first.state is RunState.WAITING
    both = (After(run=first.id), After(job="once", key="second"))
    last = await plane.run("once", after=both)
    second = await plane.run("once", key="second", parameters={"sleep_s": 0.1})
    row = await plane.ended(last)
    assert row.state is RunState.SUCCEEDED
    for other in (first, second):
        assert (await runs.one(plane.world, other.id)).ended_at <= row.attempts[0].ordered_at


async def test_what_waits_for_a_failure_is_cancelled(plane):
    await plane.release(ONCE)
    bad = await plane.run("once", parameters={"fail": "x", "sleep_s": 0.1})
    row = await plane.ended(await plane.run("once", after=(After(run=bad.id),)))
    assert row.state is RunState.CANCELLED
    assert bad.id in row.because


async def test_a_key_is_one_run_and_unique_is_one_at_a_time(plane):
    await plane.release(ONCE)
    one = await plane.run("once", key="k", unique="u", parameters={"sleep_s": 0.2})
    assert (await plane.run("once", key="k")).id == one.id
    assert (await plane.run("once", unique="u")).id == one.id
    await plane.ended(one)
    assert (await plane.run("once", key="k")).id == one.id
    assert (await plane.run("once", unique="u")).id != one.id


async def test_cancelled_before_and_while_it_runs(plane):
    await plane.release(ONCE)
    waiting = await plane.run("once", delay_s=60)
    row = await runs.cancel(plane.world, plane.dispatch, "me", waiting.id)
    assert (row.state, row.because) == (RunState.CANCELLED, "cancelled by me")
    running = await plane.run("once", parameters={"sleep_s": 60})
    await plane.until(running, "running")
    await runs.cancel(plane.world, plane.dispatch, "me", running.id)
    row = await plane.ended(running)
    assert (row.state, row.because) == (RunState.CANCELLED, "cancelled by me")
    row = await plane.ended(await plane.run("once"))
    with pytest.raises(Conflict):
        await runs.cancel(plane.world, plane.dispatch, "me", row.id)


async def test_a_deadline_passes(plane):
    await plane.release(ONCE)
    soon = datetime.now(UTC) + timedelta(seconds=0.1)
    row = await plane.ended(await plane.run("once", delay_s=60, deadline_at=soon))
    assert row.state is RunState.EXPIRED


async def test_a_queue_or_a_followed_job_that_is_not_there_is_refused(plane):
    narrow = Queue(name="narrow", concurrency=1)
    await plane.release(msgspec.structs.replace(ONCE, queue="own"), queues=(narrow,))
    for name in ("narrow", "own", "default"):
        assert (await plane.run("once", queue=name)).queue == name
    with pytest.raises(Invalid, match="has no queue narow: did you mean narrow"):
        await plane.run("once", queue="narow")
    with pytest.raises(Invalid, match="has no job onze: did you mean once"):
        await plane.run("once", after=(After(job="onze", key="first"),))


async def test_a_run_again_whose_queue_is_gone_waits_in_that_of_its_job(plane):
    await plane.release(ONCE, queues=(Queue(name="narrow"),))
    first = await plane.ended(await plane.run("once", queue="narrow"))
    again = await replays.again(plane.world, plane.dispatch, "me", first.id)
    assert again.queue == "narrow"
    await plane.release(ONCE, number=2)
    last = await replays.again(plane.world, plane.dispatch, "me", first.id)
    assert last.queue == "default"


async def test_limits_of_queue_job_and_key_hold(plane):
    jobs = (
        msgspec.structs.replace(ONCE, queue="narrow"),
        Job(name="single", function="m:f", resources=SMALL, concurrency=1),
        Job(name="keyed", function="m:f", resources=SMALL, key_concurrency=1),
    )
    await plane.release(*jobs, queues=(Queue(name="narrow", concurrency=2),))
    wish = wishing({"sleep_s": 0.1})
    made = [
        *await plane.invoke("once", *[wish] * 6),
        *await plane.invoke("single", *[wish] * 3),
    ]
    rows = [await plane.ended(run) for run in made]
    assert _most(rows[:6]) == 2
    assert _most(rows[6:]) == 1


def _most(rows) -> int:
    """How many ran at the same time at most."""
    moments = sorted(
        moment
        for row in rows
        for moment in ((row.attempts[0].began_at, 1), (row.attempts[0].ended_at, -1))
    )
    running = most = 0
    for _, change in moments:
        running += change
        most = max(most, running)
    return most


async def test_a_rate_spreads_starts(plane):
    await plane.release(ONCE, queues=(Queue(name="default", rate=20),))
    made = await plane.invoke("once", *[wishing()] * 40)
    rows = [await plane.ended(run) for run in made]
    times = sorted(row.attempts[0].ordered_at for row in rows)
    assert (times[-1] - times[0]).total_seconds() > 0.9


async def test_until_when_a_run_waits_is_told(plane):
    await plane.release(ONCE, queues=(Queue(name="default", rate=1 / 3600),))
    await plane.ended(await plane.run("once"))
    waiting = await plane.run("once", deadline_at=datetime.now(UTC) + timedelta(days=1))
    told = ""
    async with asyncio.timeout(10):
        while "rate" not in told:
            told = runs.waits(plane.dispatch, await runs.one(plane.world, waiting.id))
            await asyncio.sleep(0.01)
    assert re.fullmatch(
        r"queue default: its rate allows no start now, and the next at \d\d:\d\d:\d\d UTC; "
        r"it expires at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC",
        told,
    )


async def test_priority_and_fairness(plane):
    one_at_a_time = Queue(name="default", concurrency=1, fair_by="team")
    await plane.release(ONCE, queues=(one_at_a_time,))
    many = await plane.invoke("once", *[wishing(tags={"team": "many"})] * 200)
    few = await plane.invoke("once", *[wishing(tags={"team": "few"})] * 3)
    urgent = await plane.run("once", priority=50)
    rows = [await plane.ended(run, 30) for run in (*many, *few, urgent)]
    order = sorted(rows, key=lambda row: row.attempts[0].ordered_at)
    places = {row.id: place for place, row in enumerate(order)}
    started_before = places[urgent.id]
    assert all(places[run.id] < started_before + 10 for run in few)
    assert sum(places[run.id] < started_before for run in many) < 50


async def test_a_run_of_a_release_is_of_a_job_that_only_that_release_has(plane):
    old = msgspec.structs.replace(ONCE, name="old")
    await plane.release(ONCE, old)
    await plane.release(ONCE, number=2)
    done = await plane.ended(await plane.run("old", release=1))
    assert (done.state, done.attempts[0].release) == (RunState.SUCCEEDED, 1)
    assert (await plane.run("shop/old", release=1)).job == "old"
    for wishes in ((wishing(),), (wishing(release=2),), (wishing(release=1), wishing())):
        with pytest.raises(NotFound, match="there is no job old"):
            await plane.invoke("old", *wishes)
    asked = permission.on_job(plane.world, plane.dispatch, "demo", "old", None, [1])
    assert (await asked).apps == (("shop", None),)


async def test_a_job_is_looked_for_in_few_of_many_releases_and_nothing_is_kept_of_them(plane):
    old = msgspec.structs.replace(ONCE, name="old")
    await plane.release(ONCE, old)
    await plane.release(ONCE, number=2)
    looked: list[int] = []

    class Counting:
        def __init__(self, reader):
            self._reader = reader

        def __getattr__(self, name):
            return getattr(self._reader, name)

        def get(self, kind, *key):
            looked.extend(key[-1:] if kind is Release else ())
            return self._reader.get(kind, *key)

    class Store:
        async def read(self, question):
            return await plane.store.read(lambda reader: question(Counting(reader)))

    world = copy.copy(plane.world)
    world.store = Store()
    targets = Targets(world)
    assert (await targets.find("demo", "old", None, range(1, 5000))).job == old
    with pytest.raises(NotFound, match="there is no job none"):
        await targets.find("demo", "none", None, range(1, 5000))
    assert len(looked) < 20
    assert (await targets.find("demo", "once", None, range(1, 5000))).release.number == 2
    assert [job for _, job, _ in targets._known] == ["once"]


async def test_more_runs_than_a_request_makes_are_refused_before_their_job_is_looked_for(plane):
    too_many = range(1, plane.world.settings.invocations_max + 2)
    with pytest.raises(Invalid, match="one request makes 1 to 10000 runs, not 10001"):
        await permission.on_job(plane.world, plane.dispatch, "demo", "none", None, too_many)


async def test_a_paused_queue_says_so_and_goes_on(plane):
    await plane.release(ONCE)
    await plane.hold(paused=True, reason="the bank is closed")
    run = await plane.run("once")
    await asyncio.sleep(0.1)
    row = await runs.one(plane.world, run.id)
    assert runs.waits(plane.dispatch, row) == ("queue default was paused by me: the bank is closed")
    await plane.hold()
    assert (await plane.ended(run)).state is RunState.SUCCEEDED
    await plane.hold(draining=True)
    with pytest.raises(Conflict):
        await plane.run("once")


async def test_a_queue_is_bounded(plane):
    await plane.release(ONCE, queues=(Queue(name="default", length_max=5, concurrency=1),))
    await plane.invoke("once", *[wishing({"sleep_s": 1})] * 5)
    with pytest.raises(Conflict) as refused:
        await plane.invoke("once", *[wishing()] * 5)
    assert refused.value.code == "queue-full"


async def test_a_new_release_takes_over_what_is_queued_unless_it_is_pinned(plane):
    await plane.release(ONCE, queues=(Queue(name="default", concurrency=1),))
    first = await plane.run("once", parameters={"sleep_s": 0.3})
    free = await plane.run("once")
    pinned = await plane.run("once", release=1)
    await plane.until(first, "running")
    await plane.release(ONCE, number=2, queues=(Queue(name="default", concurrency=1),))
    assert (await plane.ended(free)).attempts[0].release == 2
    assert (await plane.ended(pinned)).attempts[0].release == 1


async def test_a_release_that_is_not_there_or_has_no_such_job_is_refused(plane):
    await plane.release(ONCE)
    await plane.release(msgspec.structs.replace(ONCE, name="newer"), number=2)
    for job, number, told in (
        ("newer", 9, "there is no v9 of shop in demo"),
        ("newer", 1, "v1 of shop in demo has no job newer"),
    ):
        with pytest.raises(Invalid, match=told):
            await plane.run(job, release=number)
    assert not (await runs.listing(plane.world, RunQuestion())).rows


async def test_bad_invocations_are_refused_with_everything_that_is_wrong(plane):
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    await plane.release(msgspec.structs.replace(ONCE, parameters=schema))
    now = datetime.now(UTC)
    with pytest.raises(Invalid) as refused:
        await plane.invoke(
            "once",
            wishing({"n": "x"}),
            wishing({"n": 1}, at=now.replace(tzinfo=None)),
            wishing({"n": 1}, at=now - timedelta(days=1)),
            wishing({"n": 1}, key="me", after=(After(job="once", key="me"),)),
        )
    told = [problem.message for problem in refused.value.problems]
    assert len(told) == 4
    assert told[0].startswith("runs[0]: n must be")
    with pytest.raises(NotFound):
        await plane.run("onec")


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({"n": "x" * 300_000}, "parameters have 300,008 bytes, and may have 256KiB"),
        ({"n": {"deep": [1]}}, 'n must be a whole number, not {"deep":[1]}'),
        ({"n": None}, "n must be a whole number, not null"),
        ({"n": 1e300}, "n must be"),
        ({"m": 1}, "n is missing"),
    ],
)
async def test_parameters_that_cannot_be_are_refused_in_a_short_text(plane, parameters, told):
    schema = {"properties": {"n": {"type": "integer", "maximum": 9}}, "required": ["n"]}
    await plane.release(msgspec.structs.replace(ONCE, parameters=schema))
    with pytest.raises(Invalid) as refused:
        await plane.run("once", parameters=parameters)
    assert told in refused.value.because
    assert len(refused.value.because) < 500
    assert ("volume or a store" in refused.value.hint) is (told[:10] == "parameters")
    assert not (await runs.listing(plane.world, RunQuestion())).rows


async def test_runs_that_would_wait_for_one_another_are_refused(plane):
    await plane.release(ONCE)
    ids = [plane.world.run_ids.make(datetime.now(UTC)) for _ in range(3)]
    ring = [wishing(id=ids[n], after=(After(run=ids[n - 1]),)) for n in range(3)]
    with pytest.raises(Invalid, match="wait for one another for ever: once"):
        await plane.invoke("once", *ring)
    tail = wishing(after=(After(run=ids[0]),))
    with pytest.raises(Invalid, match="for ever"):
        await plane.invoke("once", tail, *ring)
    assert not (await runs.listing(plane.world, RunQuestion())).rows


async def test_a_circle_closed_by_a_key_is_refused_and_the_rest_goes_on(plane):
    await plane.release(ONCE)
    first = await plane.run("once", key="a", after=(After(job="once", key="b"),))
    second = await plane.run("once", key="c", after=(After(run=first.id),))
    with pytest.raises(Invalid, match="once b → once c → once a → once b"):
        await plane.run("once", key="b", after=(After(run=second.id),))
    await plane.run("once", key="b")
    assert (await plane.ended(second)).state is RunState.SUCCEEDED


async def test_a_long_chain_in_one_request_is_no_circle(plane):
    await plane.release(ONCE)
    ids = [plane.world.run_ids.make(datetime.now(UTC)) for _ in range(2000)]
    chain = [
        wishing(id=own, after=(After(run=before),) if before else ())
        for before, own in zip(["", *ids], ids, strict=False)
    ]
    made = await plane.invoke("once", *reversed(chain))
    assert len(made) == 2000
    await runs.cancel(plane.world, plane.dispatch, "me", ids[1000])


async def test_runs_are_found_by_what_is_known_of_them(plane):
    await plane.release(ONCE, msgspec.structs.replace(ONCE, name="twice", queue="q"))
    a = await plane.run("once", parameters={"n": 1, "fail": "no"}, tags={"team": "red"})
    b = await plane.run("twice", parameters={"n": 2})
    for row in (a, b):
        await plane.ended(row)
    await plane.release(ONCE, number=2)  # `twice` is not there any more

    async def found(**question) -> list[str]:
        page = await runs.listing(plane.world, RunQuestion(**question))
        return [row.id for row in page.rows]

    assert await found(environment="demo") == [b.id, a.id]
    assert await found(environment="demo", job="shop/twice") == [b.id]
    assert await found(job="once") == [a.id]
    assert await found(queue="q") == [b.id]
    assert await found(tags={"team": "red"}) == [a.id]
    assert await found(parameters={"n": "2"}) == [b.id]
    assert await found(state=(RunState.FAILED,), job="once", environment="demo") == [a.id]
    assert await found(state=(RunState.FAILED, RunState.SUCCEEDED)) == [b.id, a.id]
    assert await found(state=(RunState.FAILED, RunState.TIMED_OUT)) == [a.id]
    assert await found(state=(RunState.STARTING, RunState.RUNNING)) == []
    assert await found(state=(RunState.RUNNING, RunState.FAILED)) == [a.id]
    assert await found(since=b.created_at) == [b.id]
    assert await found(until=b.created_at) == [a.id]
    assert await found(before=b.id) == [a.id]
    assert await found(limit=1) == [b.id]


async def test_more_runs_than_fit_into_memory_windows(plane):
    await plane.release(ONCE)
    made = [run for _ in range(3) for run in await plane.invoke("once", *[wishing()] * 1000)]
    for run in made:
        assert (await plane.ended(run, 60)).state is RunState.SUCCEEDED
    assert plane.dispatch.lanes.depths() == {}


async def test_a_schedule_makes_runs(plane, monkeypatch):
    from headway.model.schedule import Schedule

    plane.clock.to_the_minute()
    await plane.release(ONCE, schedules=(Schedule(name="tick", job="once", cron="* * * * *"),))
    async with asyncio.timeout(70):
        while True:
            page = await runs.listing(plane.world, runs.RunQuestion(environment="demo"))
            if page.rows and page.rows[0].is_ended:
                break
            await asyncio.sleep(0.1)
    (row,) = page.rows
    assert (row.schedule, row.state) == ("tick", RunState.SUCCEEDED)
