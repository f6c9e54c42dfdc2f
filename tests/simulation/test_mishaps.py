"""What rarely comes together: a crash between two writes, a line that is cut, a full disk."""

import asyncio
from datetime import UTC, datetime
from functools import partial

import msgspec

from headway.control.runs import attempts, runs
from headway.model.job import Delivery, Job
from headway.model.queue import Queue
from headway.model.run import After, RunFact, RunFactState, RunState
from tests.simulation.conftest import SMALL, wishing

JOB = Job(name="once", function="m:f", resources=SMALL, queue="narrow")
ONCE = Job(name="once", function="m:f", resources=SMALL)
AGAIN = Job(name="again", function="m:f", resources=SMALL, delivery=Delivery.AT_LEAST_ONCE)
NARROW = (Queue(name="narrow", concurrency=1),)


async def test_what_followed_an_end_goes_on_after_a_crash_right_behind_it(plane, engine):
    await plane.release(JOB)
    first = await plane.until(await plane.run("once", parameters={"sleep_s": 30}), "running")
    later = await plane.run("once", after=(After(run=first.id),))
    attempt = first.attempts[0]
    await plane.down()
    engine.kill(attempt.runner)
    store = plane.store = await type(plane.store).open(plane._path)
    fact = RunFact(run=first.id, attempt=1, state=RunFactState.ENDED)
    await store.write(
        partial(
            attempts.conclude,
            facts=[fact],
            jobs={},
            settings=plane.world.settings,
            now=datetime.now(UTC),
            jitter=0.5,
        )
    )
    await store.close()
    await plane.up()
    row = await plane.ended(later)
    assert row.state is RunState.CANCELLED
    assert first.id in row.because


async def test_a_runner_is_listened_to_again_after_a_trouble_of_ours(plane, monkeypatch):
    await plane.release(JOB)
    await plane.ended(await plane.run("once"))
    conclude, failed = attempts.conclude, []

    def full(*words, **more):
        if not failed:
            failed.append(1)
            raise OSError(28, "No space left on device")
        return conclude(*words, **more)

    monkeypatch.setattr(attempts, "conclude", full)
    row = await plane.ended(await plane.run("once"))
    assert (row.state, failed) == (RunState.SUCCEEDED, [1])
    assert "runners" in plane.world.troubles


async def test_a_runner_that_hangs_is_ended_and_its_runs_go_on(plane, engine):
    plane.world.settings = msgspec.structs.replace(plane.world.settings, runner_silence_s=0.3)
    await plane.release(ONCE, AGAIN)
    once = await plane.run("once", parameters={"sleep_s": 60})
    again = await plane.run("again", parameters={"sleep_s": 0.2, "result": 7})
    await plane.until(once, "running")
    await plane.until(again, "running")
    (hung,) = engine.runners.values()
    hung.hang()
    late = await plane.run("again", parameters={"result": 8})
    row = await plane.ended(once)
    assert (row.state, row.because) == (
        RunState.LOST,
        "its runner ended: it has not answered for 0.3 s",
    )
    rows = [await plane.ended(run) for run in (again, late)]
    assert [bytes(row.result) for row in rows] == [b"7", b"8"]
    assert len(rows[0].attempts) == 2
    events = await plane.store.read(lambda reader: reader.events(limit=1000))
    told = [event.because for event in events if event.kind == "container.stopping"]
    assert told == ["it has not answered for 0.3 s"]


async def test_a_quiet_runner_that_is_well_is_asked_and_goes_on(plane, engine):
    plane.world.settings = msgspec.structs.replace(plane.world.settings, runner_silence_s=0.05)
    await plane.release(ONCE)
    row = await plane.ended(await plane.run("once", parameters={"sleep_s": 1, "result": 3}))
    assert (row.state, bytes(row.result), len(row.attempts)) == (RunState.SUCCEEDED, b"3", 1)
    assert engine.attached > 3


async def test_a_runner_for_a_release_that_is_not_live_is_kept_until_it_did_its_runs(plane, engine):
    await plane.release(JOB)
    await plane.release(JOB, number=2)
    row = await plane.ended(await plane.run("once", release=1))
    assert (row.state, row.attempts[0].release) == (RunState.SUCCEEDED, 1)
    assert len(engine.containers) == 1


async def test_a_cancellation_reaches_a_run_whose_line_is_cut(plane, engine, monkeypatch):
    await plane.release(JOB)
    run = await plane.until(await plane.run("once", parameters={"sleep_s": 60}), "running")
    attach = engine.attach
    monkeypatch.setattr(engine, "attach", lambda _container: asyncio.sleep(60))
    engine.cut_lines()
    await asyncio.sleep(0.2)
    await runs.cancel(plane.world, plane.dispatch, "me", run.id)
    await plane.down()
    monkeypatch.setattr(engine, "attach", attach)
    await plane.up()
    assert (await plane.ended(run, within_s=3)).state is RunState.CANCELLED


async def test_a_run_that_is_cancelled_as_it_starts_takes_no_other_out_of_its_queue(plane):
    await plane.release(JOB, queues=NARROW)
    going = await plane.run("once", parameters={"sleep_s": 0.2})
    queued = [await plane.run("once") for _ in range(3)]
    gate, write = asyncio.Event(), plane.store.write

    async def held_up(deed):
        if getattr(deed, "func", None) is attempts.start and not gate.is_set():
            gate.set()
            await runs.cancel(plane.world, plane.dispatch, "me", queued[0].id)
        return await write(deed)

    plane.store.write = held_up
    await gate.wait()
    assert (await plane.ended(going)).state is RunState.SUCCEEDED
    for row in queued[1:]:
        assert (await plane.ended(row, within_s=3)).state is RunState.SUCCEEDED


async def test_a_place_is_free_as_soon_as_a_runner_says_so_and_the_end_is_written_all_the_same(
    plane,
):
    await plane.release(JOB, queues=NARROW)
    first, second = await plane.invoke("once", wishing(parameters={"sleep_s": 0.2}), wishing())
    written, write = asyncio.Event(), plane.store.write

    async def held_up(deed):
        if getattr(deed, "func", None) is attempts.conclude and not written.is_set():
            await written.wait()
        return await write(deed)

    plane.store.write = held_up
    await plane.until(second, "starting", "running")
    assert (await runs.one(plane.world, first.id)).state is RunState.RUNNING
    written.set()
    for row in (first, second):
        assert (await plane.ended(row, within_s=3)).state is RunState.SUCCEEDED
    assert plane.dispatch.running(("demo~1", "shop", "narrow")) == 0


async def test_asking_again_counts_nothing_twice(plane):
    await plane.release(JOB, queues=NARROW)
    first = await plane.ended(await plane.run("once"))
    assert (await plane.run("once", id=first.id)).id == first.id
    going = await plane.until(await plane.run("once", parameters={"sleep_s": 1.5}), "running")
    assert (await plane.run("once", id=going.id)).id == going.id
    batch = [wishing(key="k"), wishing(key="k"), wishing()]
    made = await plane.invoke("once", *batch)
    again = await plane.invoke("once", *(wishing(id=row.id) for row in made))
    assert [row.id for row in again] == [row.id for row in made]
    assert plane.dispatch.lanes.depth(("demo~1", "shop", "narrow")) == 2
    for row in made:
        assert (await plane.ended(row, within_s=8)).state is RunState.SUCCEEDED
    assert plane.dispatch.running(("demo~1", "shop", "narrow")) == 0
    assert (await plane.ended(await plane.run("once"), within_s=8)).state is RunState.SUCCEEDED
