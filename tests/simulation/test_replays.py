"""The dead-letter list: looked at, replayed and emptied, each in one request."""

import msgspec
import pytest

from headway.control.errors import Invalid, NotFound
from headway.control.requests import DeadQuestion, RunQuestion
from headway.control.runs import replays, runs
from headway.model.job import Delivery, Job, Retries
from headway.model.queue import Queue
from headway.model.run import Run, RunState
from tests.simulation.conftest import SMALL, wishing

MAIL = Job(
    name="mail",
    function="m:f",
    resources=SMALL,
    delivery=Delivery.AT_LEAST_ONCE,
    retries=Retries(most=0),
)
BILL = msgspec.structs.replace(MAIL, name="bill", queue="narrow")


@pytest.fixture
async def dead(plane) -> list[str]:
    """Three dead runs of `mail` and one of `bill`, oldest first."""
    await plane.release(MAIL, BILL)
    rows = await plane.invoke("mail", *[wishing({"fail": "down", "n": n}) for n in range(3)])
    rows += await plane.invoke("bill", wishing({"fail": "down"}))
    for row in rows:
        assert (await plane.ended(row)).state is RunState.DEAD
    return [row.id for row in rows]


async def listed(plane, **question) -> list[str]:
    asked = RunQuestion(state=(RunState.DEAD,), **question)
    return [row.id for row in (await runs.listing(plane.world, asked)).rows][::-1]


async def replay(plane, **question):
    return await replays.replay(plane.world, plane.dispatch, "me", DeadQuestion(**question))


async def test_those_of_a_job_or_queue_are_replayed_and_the_others_stay(plane, dead):
    done = await replay(plane, environment="demo", job="mail")
    assert [row.run for row in done.runs] == dead[:3]
    assert (done.left, done.after) == ((), None)
    assert await listed(plane, environment="demo") == dead[3:]
    for row in done.runs:
        fresh = await runs.one(plane.world, row.again)
        assert (fresh.again, fresh.job) == (row.run, "mail")
        assert fresh.parameters == (await runs.one(plane.world, row.run)).parameters
    assert [row.run for row in (await replay(plane, queue="narrow")).runs] == dead[3:]


async def test_what_was_replayed_is_not_replayed_again(plane, dead):
    first = await replay(plane, runs=tuple(dead))
    assert [row.run for row in first.runs] == dead
    assert (await replay(plane, runs=tuple(dead))).runs == ()


async def test_each_run_that_leaves_the_list_has_its_event(plane, dead):
    (done,) = (await replay(plane, runs=(dead[0],))).runs
    await replays.empty(plane.world, "me", DeadQuestion(runs=(dead[1],)))
    events = await plane.store.read(lambda reader: reader.events(limit=1000))
    told = {event.subject: (event.kind, event.because) for event in events}
    assert told[dead[0]] == ("run.replayed", f"replayed as {done.again}")
    assert told[dead[1]] == ("run.removed", "removed by me")
    assert (await runs.one(plane.world, dead[1])).state is RunState.FAILED


async def test_one_request_is_bounded_and_says_where_to_go_on(plane, dead):
    first = await replay(plane, limit=3)
    assert [row.run for row in first.runs] == dead[:3]
    second = await replay(plane, limit=3, after=first.after)
    assert [row.run for row in second.runs] == dead[3:]
    assert second.after is None
    with pytest.raises(Invalid) as refusal:
        await replay(plane, limit=10_001)
    assert refusal.value.code == "invocations-count"


async def test_the_list_is_emptied_a_part_at_a_time(plane, dead):
    first = await replays.empty(plane.world, "me", DeadQuestion(environment="demo", limit=2))
    assert (list(first.runs), first.after) == (dead[:2], dead[1])
    rest = await replays.empty(plane.world, "me", DeadQuestion(limit=3, after=first.after))
    assert (list(rest.runs), rest.after) == (dead[2:], None)
    assert await listed(plane) == []


async def test_what_can_no_longer_be_made_stays_with_the_reason(plane, dead):
    typed = msgspec.structs.replace(
        MAIL, parameters={"type": "object", "properties": {"n": {"maximum": 1}}}
    )
    await plane.release(typed, number=2)
    done = await replay(plane)
    assert [row.run for row in done.runs] == dead[:2]
    told = {row.run: row.because for row in done.left}
    assert told[dead[2]] == "n must be at most 1, not 2"
    assert "there is no job bill" in told[dead[3]]
    assert await listed(plane) == dead[2:]


async def test_a_full_queue_takes_none_of_them(plane, dead):
    await plane.release(MAIL, BILL, number=2, queues=(Queue(length_max=2),))
    done = await replay(plane)
    assert [row.run for row in done.runs] == dead[3:]
    assert all("takes 2 at most" in row.because for row in done.left)
    assert [row.run for row in (await replay(plane, limit=2)).runs] == dead[:2]


async def test_what_retention_takes_meanwhile_keeps_nobody_else(plane, dead, monkeypatch):
    write = plane.store.write

    async def after_retention(deed):
        await write(lambda tx: tx.delete(Run, dead[1]))
        return await write(deed)

    monkeypatch.setattr(plane.store, "write", after_retention)
    done = await replays.empty(plane.world, "me", DeadQuestion(environment="demo"))
    assert list(done.runs) == [dead[0], *dead[2:]]


async def test_a_job_that_nobody_has_is_no_job_without_dead(plane, dead):
    for question in ({"job": "mial"}, {"job": "mial", "queue": "narrow"}):
        with pytest.raises(NotFound, match="there is no job mial"):
            await listed(plane, environment="demo", **question)
        with pytest.raises(NotFound, match="there is no job mial"):
            await replay(plane, environment="demo", **question)
    assert await listed(plane, environment="demo", job="bill", queue="none") == []


async def test_an_unknown_run_is_refused(plane, dead):
    with pytest.raises(NotFound):
        await replay(plane, runs=(dead[0], "run-none"))
    assert await listed(plane) == dead
