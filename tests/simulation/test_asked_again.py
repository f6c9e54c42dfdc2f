"""What is asked for again because no answer came: done once, or as if it had been asked once."""

import asyncio

import msgspec
import pytest

from headway.control import deploying, deployments
from headway.control.environments import destroying, environments
from headway.control.errors import Conflict
from headway.control.idempotency import once
from headway.control.requests import DeadQuestion, DeployRequest
from headway.control.runs import replays, runs
from headway.model.deployment import Ask, Deployment, DeploymentKind, Phase
from headway.model.environment import Environment, EnvironmentState
from headway.model.ids import DeploymentId, RunId
from headway.model.job import Delivery, Job, Retries
from headway.model.manifest import Strategy
from headway.model.run import Run, RunState
from tests.simulation.conftest import APP, ENVIRONMENT, SMALL, wishing

JOB = Job(name="job", function="m:f", resources=SMALL)
MORTAL = msgspec.structs.replace(
    JOB, name="mortal", delivery=Delivery.AT_LEAST_ONCE, retries=Retries(most=0)
)


class Killed(Exception):
    """Stands for an end right behind a transaction, before anything else was done."""


async def asked(plane, key, deed, *, killed=False) -> bytes:
    async def answering() -> bytes:
        answer = msgspec.json.encode(await deed())
        if killed:
            raise Killed
        return answer

    return await once(plane.world, "me", key, b"the request", answering)


async def count(plane, kind) -> int:
    return len(await plane.store.read(lambda reader: reader.find(kind)))


async def test_what_failed_once_is_done_once_by_all_who_ask_again_at_the_same_time(plane):
    begun = 0
    first_fails = asyncio.Event()

    async def deed() -> str:
        nonlocal begun
        begun += 1
        if begun == 1:
            await first_fails.wait()
            raise Conflict("queue-full", "not now")
        await asyncio.sleep(0)
        return f"done {begun - 1} times"

    def ask() -> asyncio.Task[bytes]:
        return asyncio.create_task(asked(plane, "k", deed))

    tasks = [ask(), ask()]
    tasks[0].add_done_callback(lambda _task: tasks.append(ask()))
    while not begun:
        await asyncio.sleep(0)
    first_fails.set()
    with pytest.raises(Conflict):
        await tasks[0]
    await asyncio.sleep(0)
    assert await asyncio.gather(*tasks[1:]) == [b'"done 1 times"'] * 2
    assert plane.world.answering == {}


async def test_a_run_is_made_again_once_though_the_answer_was_never_sent(plane):
    await plane.release(JOB)
    row = await plane.ended(await plane.run("job"))

    async def deed():
        return await replays.again(plane.world, plane.dispatch, "me", row.id)

    with pytest.raises(Killed):
        await asked(plane, "k", deed, killed=True)
    answer = msgspec.json.decode(await asked(plane, "k", deed))
    assert answer["again"] == row.id
    assert await count(plane, Run) == 2


async def test_of_runs_that_one_request_names_alike_one_is_made_and_those_there_are_given(plane):
    await plane.release(JOB)
    (first,) = await plane.invoke("job", wishing({"of": "before"}, id=RunId("b" * 16)))
    names = ["a", "b", "a", "c", "b"]
    wishes = [wishing({"of": at}, id=RunId(name * 16)) for at, name in enumerate(names)]
    made = await plane.invoke("job", *wishes)
    assert [row.id[0] for row in made] == names
    assert [msgspec.json.decode(row.parameters)["of"] for row in made] == [
        0, "before", 0, 3, "before",
    ]  # fmt: skip
    assert [row.id for row in await plane.store.read(lambda reader: reader.find(Run))] == [
        first.id, made[0].id, made[3].id,
    ]  # fmt: skip


async def test_the_dead_are_replayed_once_though_the_answer_was_never_sent(plane):
    await plane.release(MORTAL)
    row = await plane.ended(await plane.run("mortal", parameters={"fail": "down"}))

    async def deed():
        return await replays.replay(plane.world, plane.dispatch, "me", DeadQuestion())

    with pytest.raises(Killed):
        await asked(plane, "k", deed, killed=True)
    answer = msgspec.json.decode(await asked(plane, "k", deed))
    assert [one["run"] for one in answer["runs"]] == [row.id]
    assert await count(plane, Run) == 2


async def test_a_refusal_keeps_nothing(plane):
    await plane.release(JOB)
    row = await plane.run("job", delay_s=60)

    async def deed():
        return await replays.again(plane.world, plane.dispatch, "me", row.id)

    with pytest.raises(Conflict):
        await asked(plane, "k", deed)
    await runs.cancel(plane.world, plane.dispatch, "me", row.id)
    assert msgspec.json.decode(await asked(plane, "k", deed))["again"] == row.id


async def test_an_environment_that_is_ending_is_destroyed_without_a_change(plane):
    await plane.release(JOB)
    await destroying.destroy(plane.world, "me", "demo", "tidy", plan=False)
    before = await ending(plane)
    again = await destroying.destroy(plane.world, "you", "demo", "", plan=False)
    assert again.environment == "demo"
    assert await ending(plane) == before
    assert before.because == "tidy"
    assert (await environments.one(plane.world, "demo")).state is EnvironmentState.ENDING


async def ending(plane) -> Environment:
    return await plane.store.read(lambda reader: reader.get(Environment, ENVIRONMENT))


async def test_a_run_that_is_cancelled_is_cancelled_again_without_a_change(plane):
    await plane.release(JOB)
    waiting = await plane.run("job", delay_s=60)
    running = await plane.run("job", parameters={"sleep_s": 60})
    await plane.until(running, "running")
    for row in (waiting, running):
        first = await runs.cancel(plane.world, plane.dispatch, "me", row.id)
        second = await runs.cancel(plane.world, plane.dispatch, "you", row.id)
        assert second.because == first.because == "cancelled by me"
    assert (await plane.ended(running)).state is RunState.CANCELLED
    last = await runs.cancel(plane.world, plane.dispatch, "you", running.id)
    assert last.state is RunState.CANCELLED


async def test_a_queue_is_drained_again_without_a_change(plane):
    await plane.release(JOB)
    drained = [await plane.hold(draining=True, reason="moving") for _ in range(2)]
    assert drained[0] == drained[1]


async def under_way(plane, kind: DeploymentKind, release: int) -> Deployment:
    now = plane.world.clock.now()
    row = Deployment(
        id=DeploymentId("dep-1"),
        environment=ENVIRONMENT,
        app=APP,
        number=1,
        kind=kind,
        release=release,
        phase=Phase.STARTING,
        strategy=Strategy.BLUE_GREEN,
        created_at=now,
        created_by="me",
        progress_at=now,
    )
    return await plane.store.write(lambda tx: tx.put(row))


async def roll_back(plane, release: int | None = None):
    request = DeployRequest(kind=DeploymentKind.ROLLBACK, release=release)
    return await deploying.deploy(plane.world, "me", "demo", APP, request)


async def test_going_back_asked_again_does_not_go_forth(plane):
    await plane.release(JOB, number=1)
    await plane.release(JOB, number=2)
    row = await under_way(plane, DeploymentKind.ROLLBACK, 1)
    assert (await roll_back(plane)).deployments == (row,)
    assert (await roll_back(plane, 1)).deployments == (row,)
    (other,) = (await roll_back(plane, 2)).deployments
    assert (other.id != row.id, other.release) == (True, 2)


async def test_going_back_from_what_is_under_way_gives_what_serves(plane):
    await plane.release(JOB, number=1)
    await under_way(plane, DeploymentKind.DEPLOY, 2)
    (row,) = (await roll_back(plane)).deployments
    assert row.release == 1


async def test_an_abort_asked_again_is_one_also_when_it_has_ended(plane):
    await plane.release(JOB, number=1)
    row = await under_way(plane, DeploymentKind.DEPLOY, 2)
    first = await deployments.ask(plane.world, "me", row.id, Ask.ABORT)
    assert await deployments.ask(plane.world, "you", row.id, Ask.ABORT) == first
    ended = msgspec.structs.replace(first, phase=Phase.ABORTED, ended_at=row.created_at)
    await plane.store.write(lambda tx: tx.put(ended))
    again = await deployments.ask(plane.world, "you", row.id, Ask.ABORT)
    assert again.phase is Phase.ABORTED
    with pytest.raises(Conflict):
        await deployments.ask(plane.world, "you", row.id, Ask.PROMOTE)


async def test_a_run_that_is_asked_for_twice_at_once_takes_one_place(plane, monkeypatch):
    await plane.release(JOB)
    starts = plane.dispatch.starts
    stand, both = starts._grounds.of_one, asyncio.Event()
    asking = 0

    async def slow(lane):
        nonlocal asking
        asking += 1
        if asking == 2:
            both.set()
        if asking <= 2:
            await both.wait()
        return await stand(lane)

    monkeypatch.setattr(starts._grounds, "of_one", slow)
    run_id = plane.world.run_ids.make(plane.world.clock.now())
    first, second = await asyncio.gather(*(plane.run("job", id=run_id) for _ in range(2)))
    assert first.id == second.id
    assert (await plane.ended(first)).state is RunState.SUCCEEDED
    assert plane.dispatch.counts(ENVIRONMENT, APP, "job") == (0, 0)
    assert (await plane.ended(await plane.run("job"))).state is RunState.SUCCEEDED
