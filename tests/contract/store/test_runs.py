"""What a store gives to the loops of jobs: by index, and together."""

import asyncio
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace
from typing import NamedTuple

import msgspec
import pytest

from headway.control.requests import RunQuestion
from headway.control.runs import runs
from headway.model.environment import Environment
from headway.model.event import Event
from headway.model.ids import AppName, ContainerId, EnvironmentId, NodeId, RunId
from headway.model.lease import Tenure
from headway.model.run import Attempt, Run, RunState
from headway.ports.store import Stale
from headway.stores.sqlite import SqliteStore
from headway.stores.sqlite.reader import SqliteReader
from tests.contract.store.test_store import store

__all__ = ["store"]
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def run(name: str, state: RunState = RunState.QUEUED, **fields) -> Run:
    row = Run(
        id=RunId(name),
        environment=EnvironmentId("demo~1"),
        app=AppName("shop"),
        job="mail",
        state=state,
        queue="default",
        created_at=NOW,
        created_by="ana",
    )
    return msgspec.structs.replace(row, **fields)


def waiting(name: str, after_s: float) -> Run:
    return run(name, RunState.WAITING, due_at=NOW + timedelta(seconds=after_s))


async def put(store, *rows: Run) -> list[Run]:
    return await store.write(lambda tx: [tx.put(row) for row in rows])


async def test_the_lowest_of_a_field_come_first_and_none_is_left_out(store):
    await put(store, waiting("c", 3), run("q"), waiting("a", 1), waiting("b", 2))
    until = round((NOW + timedelta(seconds=2)).timestamp() * 1e6)

    def question(reader):
        return (
            [row.id for row in reader.lowest(Run, "due_us", limit=10)],
            [row.id for row in reader.lowest(Run, "due_us", up_to=until, limit=10)],
            [row.id for row in reader.lowest(Run, "due_us")],
        )

    assert await store.read(question) == (["a", "b", "c"], ["a", "b"], ["a"])


class Part(NamedTuple):
    """What is asked for of a run."""

    run: RunId
    unique: str | None
    locks: tuple[str, ...]
    made_by: str


_PART = ("id", "unique", "locks", "created_by")


async def test_some_fields_of_rows_are_given_in_the_order_they_were_put(store):
    names = [f'r"{number * 7 % 1000}\n' for number in range(1000)]
    await put(
        store,
        *(run(name, created_by="näh\n,") for name in names),
        run("l", unique="a'b", locks=("x", 'y"')),
        run("other", priority=3),
    )
    lane = run("").lane

    def question(reader):
        found = reader.parts(Run, _PART, Part, lane=lane, limit=2000)
        few = reader.parts(Run, _PART, Part, lane=lane, limit=2)
        return found, few, reader.parts(Run, _PART, Part, lane="none", limit=2)

    found, few, none = await store.read(question)
    assert [part.run for part in found] == [*names, "l"]
    assert found[0] == Part(names[0], None, (), "näh\n,")
    assert found[-1] == Part("l", "a'b", ("x", 'y"'), "ana")
    assert (few, none) == (found[:2], [])


async def test_a_row_of_before_a_field_was_there_has_its_default(tmp_path):
    store = await SqliteStore.open(tmp_path / "headway.db")
    await put(store, run("old", locks=("x",), unique="u"))
    with closing(sqlite3.connect(tmp_path / "headway.db", isolation_level=None)) as older:
        text = "json_remove(CAST(doc AS TEXT), '$.locks', '$.unique')"
        older.execute(f"UPDATE runs SET doc = CAST({text} AS BLOB)")
    lane = run("").lane
    found = await store.read(lambda reader: reader.parts(Run, _PART, Part, lane=lane, limit=9))
    await store.close()
    assert found == [Part("old", None, (), "ana")]


async def test_rows_are_counted_by_field(store):
    await put(store, run("a"), run("b"), run("c", priority=5), waiting("w", 1))

    def question(reader):
        return reader.tally(Run, "lane"), reader.count(Run, "lane"), reader.count(Run, "dead")

    lanes, count, dead = await store.read(question)
    assert (sorted(lanes.values()), count, dead) == ([1, 2], 3, 0)


async def test_whether_any_text_begins_so_is_told(store):
    await put(store, run("a"), run("b", environment=EnvironmentId("demo~10")))

    def question(reader):
        return [reader.begins(Run, "owner", name) for name in ("demo~1/", "demo~10/", "demo~1/m")]

    assert await store.read(question) == [True, True, False]
    await store.write(lambda tx: tx.delete(Run, "a"))
    assert await store.read(question) == [False, True, False]


async def test_ended_runs_are_counted_as_they_come_and_go(store):
    async def counts() -> tuple[int, int]:
        return await store.read(
            lambda reader: (reader.count(Run, "ended_us"), reader.count(Run, "dead"))
        )

    _, lost, _ = await put(
        store,
        run("a", RunState.SUCCEEDED, ended_at=NOW),
        run("b", RunState.DEAD, ended_at=NOW),
        run("c"),
    )
    assert await counts() == (2, 1)
    (again,) = await put(store, msgspec.structs.replace(lost, state=RunState.FAILED))
    assert await counts() == (2, 0)
    (again,) = await put(
        store, msgspec.structs.replace(again, state=RunState.QUEUED, ended_at=None)
    )
    assert await counts() == (1, 0)
    with pytest.raises(Stale):
        await put(store, run("d", RunState.SUCCEEDED, ended_at=NOW), run("a"))
    assert await counts() == (1, 0)
    await put(store, msgspec.structs.replace(again, state=RunState.FAILED, ended_at=NOW))
    await store.write(lambda tx: [tx.delete(Run, name) for name in ("a", "c")])
    assert await counts() == (1, 0)


async def test_rows_are_found_behind_another(store):
    await put(store, *(run(name) for name in "abcd"))
    found = await store.read(lambda reader: reader.find(Run, after="b", limit=1))
    assert [row.id for row in found] == ["c"]


async def test_what_was_put_raw_is_given_back(store):
    parameters = msgspec.Raw(b'{"n":1}')
    await put(store, run("a", RunState.SUCCEEDED, parameters=parameters, ended_at=NOW))
    row = await store.read(lambda reader: reader.get(Run, "a"))
    assert (bytes(row.parameters), bytes(row.result)) == (b'{"n":1}', b"null")


async def test_deeds_that_come_together_are_each_done_wholly_or_not_at_all(store):
    def good(name: str):
        def deed(tx):
            tx.record(Event(at=NOW, actor="ana", kind="run.queued", subject=name))
            return tx.put(run(name))

        return deed

    def bad(tx):
        tx.put(run("half"))
        tx.record(Event(at=NOW, actor="ana", kind="run.queued", subject="half"))
        raise ValueError("no")

    def taken(tx):
        tx.put(run("first"))

    deeds = [good("first"), bad, taken, *(good(f"{number:03}") for number in range(600))]
    done = await asyncio.gather(*(store.write(deed) for deed in deeds), return_exceptions=True)
    assert isinstance(done[1], ValueError)
    assert isinstance(done[2], Stale)
    assert all(isinstance(row, Run) for row in (done[0], *done[3:]))
    rows = await store.read(lambda reader: reader.find(Run))
    events = await store.read(lambda reader: reader.events(limit=10_000))
    assert len(rows) == len(events) == 601
    assert "half" not in {event.subject for event in events}


async def test_who_goes_away_leaves_the_others_their_answers(store):
    going = asyncio.create_task(store.write(lambda tx: tx.put(run("gone"))))
    staying = asyncio.create_task(store.write(lambda tx: tx.put(run("here"))))
    await asyncio.sleep(0)
    going.cancel()
    assert (await staying).id == "here"
    with pytest.raises(asyncio.CancelledError):
        await going


async def test_what_changes_again_and_again_is_given_to_deeds_as_it_is_to_questions(store):
    many = {f"r{number:04}": number for number in range(1500)}  # more than are kept in memory
    attempt = Attempt(
        number=1, release=3, runner=ContainerId("c"), node=NodeId("n"), ordered_at=NOW
    )
    due = datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=1)))
    fields = {"attempts": (attempt,), "due_at": due, "tags": {"team": "blue"}}
    long = msgspec.Raw(b'"%s"' % (b"x" * 5000))
    await put(store, *(run(name, RunState.STARTING, **fields) for name in many))
    await put(store, run("long", RunState.STARTING, parameters=long))

    def begin(tx):
        rows = [tx.get(Run, "long"), *tx.get_all(Run, many).values()]
        return [tx.put(msgspec.structs.replace(row, state=RunState.RUNNING)) for row in rows]

    def look(tx):
        return {"long": tx.get(Run, "long"), **tx.get_all(Run, {*many, "none"})}

    began = await store.write(begin)
    seen = await store.write(look)
    assert len(seen) == len(many) + 1
    assert seen == {row.id: row for row in began} == await store.read(look)

    def end(tx):
        ended = {"state": RunState.SUCCEEDED, "ended_at": NOW}
        return [tx.put(msgspec.structs.replace(tx.get(Run, name), **ended)) for name in many]

    ended = await store.write(end)
    assert {row.version for row in ended} == {3}
    assert (await store.read(lambda reader: reader.tally(Run, "active"))) == {1: 1}
    assert (await store.write(look))["r0000"] == ended[0]


async def test_what_was_undone_is_not_given_to_the_next_deed(store):
    await put(store, run("a", RunState.STARTING))

    def change(tx):
        tx.put(msgspec.structs.replace(tx.get(Run, "a"), state=RunState.RUNNING))
        tx.put(run("b", RunState.STARTING))
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await store.write(change)
    now = await store.write(lambda tx: (tx.get(Run, "a"), tx.get(Run, "b")))
    assert (now[0].state, now[0].version, now[1]) == (RunState.STARTING, 1, None)


async def test_what_was_deleted_is_not_given_to_the_next_deed(store):
    await put(store, run("a", RunState.STARTING))
    await store.write(lambda tx: tx.delete(Run, "a"))
    assert await store.write(lambda tx: (tx.get(Run, "a"), tx.get_all(Run, {"a"}))) == (None, {})


async def test_of_the_row_added_last_with_each_value_only_columns_are_given(store):
    await put(
        store, run("a"), run("b", job="nightly"), run("c", RunState.RUNNING), run("d", app="x")
    )
    owners = ["demo~1/shop/mail", "demo~1/shop/nightly", "demo~1/shop/none"]

    def question(reader):
        return reader.newest(Run, "owner", owners, ("id", "state"))

    assert await store.read(question) == {owners[0]: ("c", "running"), owners[1]: ("b", "queued")}
    with pytest.raises(AssertionError, match="created_by"):
        await store.read(lambda reader: reader.newest(Run, "owner", owners, ("created_by",)))


@pytest.mark.parametrize("environment", [None, "demo"])
async def test_runs_that_wait_are_found_by_index_however_many_have_ended_since(
    tmp_path, monkeypatch, environment
):
    path = tmp_path / "headway.db"
    store = await SqliteStore.open(path)
    place = Environment(
        id=EnvironmentId("demo~1"),
        lease=Tenure(holder="ana", until=None),
        created_at=NOW,
        created_by="ana",
    )
    await store.write(lambda tx: tx.put(place))
    ended = [run(f"e{number}", RunState.SUCCEEDED, ended_at=NOW) for number in range(20)]
    await put(store, run("a"), waiting("b", 5), *ended, run("c"))
    asked: list[tuple[str, tuple[object, ...]]] = []
    ask = SqliteReader._ask

    def noted(reader, sql, given=()):
        asked.append((sql, tuple(given)))
        return ask(reader, sql, given)

    monkeypatch.setattr(SqliteReader, "_ask", noted)
    question = RunQuestion(environment=environment, state=(RunState.QUEUED, RunState.WAITING))
    found = await runs.listing(SimpleNamespace(store=store), question)
    await store.close()
    assert [row.id for row in found.rows] == ["c", "b", "a"]
    with closing(sqlite3.connect(path)) as connection:
        plans = [
            step[3]
            for sql, given in asked
            if "FROM runs" in sql
            for step in connection.execute(f"EXPLAIN QUERY PLAN {sql}", given)
        ]
    assert plans
    assert not [step for step in plans if step.startswith("SCAN runs")], plans
    assert any("runs_open" in step for step in plans)
