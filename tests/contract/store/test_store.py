import asyncio
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing, suppress
from datetime import UTC, datetime

import msgspec
import pytest

from headway.model.app import App
from headway.model.container import Container, ContainerState
from headway.model.environment import Environment, EnvironmentState
from headway.model.event import Event
from headway.model.ids import AppName, ContainerId, Digest, EnvironmentId, NodeId
from headway.model.lease import Tenure
from headway.ports.store import Stale, StoreError
from headway.sim.store import MemoryStore
from headway.stores.sqlite import SqliteStore

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DEMO = EnvironmentId("demo~1")


@pytest.fixture(params=["sqlite", "memory"])
async def store(request, tmp_path):
    if request.param == "memory":
        opened = MemoryStore()
    else:
        opened = await SqliteStore.open(tmp_path / "headway.db")
    yield opened
    await opened.close()


def container(name: str, **fields) -> Container:
    row = Container(
        id=ContainerId(name),
        environment=DEMO,
        app=AppName("web"),
        process="web",
        release=1,
        node=NodeId("n1"),
        created_at=NOW,
    )
    return msgspec.structs.replace(row, **fields)


def event(subject: str) -> Event:
    return Event(at=NOW, actor="ana", kind="test.done", subject=subject, environment=DEMO)


async def test_what_was_put_is_given_back_equal(store):
    row = container("a", ports={"http": 20000}, state=ContainerState.HEALTHY, healthy_at=NOW)
    stored = await store.write(lambda tx: tx.put(row))
    assert stored == msgspec.structs.replace(row, version=1)
    assert await store.read(lambda reader: reader.get(Container, "a")) == stored
    assert await store.read(lambda reader: reader.get(Container, "b")) is None


async def test_many_rows_are_given_by_their_keys_as_one_by_one(store):
    names = ["a", 'b"', "c,d", "é"]
    stored = {name: await store.write(lambda tx, n=name: tx.put(container(n))) for name in names}
    for keys in ([], ["a"], ["none"], [*names, "none"], {"a", "c,d"}):
        given = await store.read(lambda reader, k=keys: reader.get_all(Container, k))
        assert given == {name: stored[name] for name in keys if name in stored}

    def deed(tx) -> list[int]:
        rows = tx.get_all(Container, names)
        put = [tx.put(msgspec.structs.replace(row, process="two")) for row in rows.values()]
        assert tx.get_all(Container, names) == {row.id: row for row in put}
        return [row.version for row in put]

    assert await store.write(deed) == [2, 2, 2, 2]


async def test_a_row_that_was_changed_meanwhile_is_stale(store):
    first = await store.write(lambda tx: tx.put(container("a")))
    await store.write(lambda tx: tx.put(msgspec.structs.replace(first, because="one")))
    with pytest.raises(Stale):
        await store.write(lambda tx: tx.put(msgspec.structs.replace(first, because="two")))
    with pytest.raises(Stale):
        await store.write(lambda tx: tx.put(container("a")))
    row = await store.read(lambda reader: reader.get(Container, "a"))
    assert (row.because, row.version) == ("one", 2)


async def test_rows_that_are_put_at_once_are_as_if_one_by_one(store):
    wanted = [container(f"c{number:03}") for number in range(150)]

    def deed(tx) -> list[Container]:
        stored = tx.insert(wanted)
        assert tx.insert([]) == []
        assert tx.get(Container, "c149") == stored[-1]
        return [tx.put(msgspec.structs.replace(stored[0], process="two")), *stored[1:]]

    stored = await store.write(deed)
    assert [row.version for row in stored] == [2] + [1] * 149
    assert await store.read(lambda reader: reader.find(Container, app="web")) == stored


async def test_what_a_deed_has_changed_it_finds_and_may_change_again(store):
    await store.write(lambda tx: tx.insert([container(f"c{number:03}") for number in range(300)]))

    def deed(tx) -> None:
        for number, row in enumerate(tx.find(Container)):
            fields = {"node": "n2"} if number % 3 else {"release": 2, "because": "moved"}
            changed = tx.put(msgspec.structs.replace(row, **fields))
            if number == 7:
                tx.put(msgspec.structs.replace(changed, node="n3"))
        assert [row.id for row in tx.find(Container, node="n3")] == ["c007"]
        assert len(tx.find(Container, release=2)) == 100
        for row in tx.find(Container, release=2):
            tx.put(msgspec.structs.replace(row, because="stays"))
            tx.delete(Container, row.id) if row.id == "c003" else None

    await store.write(deed)
    rows = {row.id: row for row in await store.read(lambda reader: reader.find(Container))}
    assert (rows["c007"].version, rows["c007"].node) == (3, "n3")
    assert (rows["c000"].version, rows["c000"].because, rows["c000"].node) == (3, "stays", "n1")
    assert (rows["c299"].version, rows["c299"].node) == (2, "n2")
    assert "c003" not in rows


async def test_a_deed_that_would_change_one_row_as_it_was_changes_none(store):
    old = await store.write(lambda tx: tx.insert([container("a"), container("b"), container("c")]))
    await store.write(lambda tx: tx.put(msgspec.structs.replace(old[2], because="newer")))

    def deed(tx) -> None:
        for row in old:
            tx.put(msgspec.structs.replace(row, because="lost"))

    with pytest.raises(Stale, match="c: it was changed since version 1"):
        await store.write(deed)
    rows = await store.read(lambda reader: reader.find(Container))
    assert [row.because for row in rows] == ["", "", "newer"]


async def test_a_row_that_was_deleted_cannot_be_changed(store):
    row = await store.write(lambda tx: tx.put(container("a")))
    await store.write(lambda tx: tx.delete(Container, "a"))
    with pytest.raises(Stale):
        await store.write(lambda tx: tx.put(row))
    assert await store.read(lambda reader: reader.find(Container)) == []


async def test_of_rows_whose_key_is_taken_none_is_put(store):
    await store.write(lambda tx: tx.put(container("c7")))
    with pytest.raises(Stale):
        await store.write(lambda tx: tx.insert([container(f"c{number}") for number in range(9)]))
    assert len(await store.read(lambda reader: reader.find(Container, app="web"))) == 1


async def test_events_are_there_as_soon_as_they_are_recorded_and_gone_with_their_deed(store):
    def record(tx) -> list[Event]:
        for number in range(70):
            tx.record(event(f"a{number}"))
        return tx.events()

    def fail(tx) -> None:
        tx.record(event("never"))
        raise RuntimeError("changed its mind")

    seen = await store.write(record)
    failing = asyncio.create_task(store.write(fail))
    again = asyncio.create_task(store.write(lambda tx: tx.record(event("last"))))
    with pytest.raises(RuntimeError):
        await failing
    await again
    kept = await store.read(lambda reader: reader.events())
    assert [row.subject for row in seen] == [f"a{number}" for number in range(70)]
    assert kept[:-1] == seen
    assert kept[-1].subject == "last"


async def test_a_deed_that_raises_leaves_nothing(store):
    def deed(tx):
        tx.put(container("a"))
        tx.record(event("a"))
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        await store.write(deed)
    assert await store.read(lambda reader: reader.get(Container, "a")) is None
    assert await store.read(lambda reader: reader.events()) == []


async def test_what_a_deed_changed_and_asked_for_before_it_raised_is_found_as_it_was(store):
    rows = [await store.write(lambda tx, name=name: tx.put(container(name))) for name in "abc"]

    def deed(tx):
        tx.put(msgspec.structs.replace(rows[0], retired=True))
        tx.delete(Container, "b")
        tx.put(container("d"))
        assert [row.id for row in tx.find(Container, retired=False)] == ["c", "d"]
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        await store.write(deed)
    found = await store.read(lambda reader: reader.find(Container, retired=False))
    assert [row.id for row in found] == ["a", "b", "c"]
    assert await store.read(lambda reader: reader.find(Container, retired=True)) == []


async def test_rows_are_found_by_fields_in_the_order_they_were_put(store):
    for name in "cab":
        await store.write(lambda tx, name=name: tx.put(container(name, retired=name == "a")))
    found = await store.read(lambda reader: reader.find(Container, retired=False))
    assert [row.id for row in found] == ["c", "b"]
    newest = await store.read(lambda reader: reader.find(Container, newest_first=True, limit=2))
    assert [row.id for row in newest] == ["b", "a"]
    earlier = await store.read(lambda reader: reader.find(Container, before="b"))
    assert [row.id for row in earlier] == ["c", "a"]
    states = (ContainerState.PENDING, ContainerState.EXITED)
    assert len(await store.read(lambda reader: reader.find(Container, state=states))) == 3


async def test_rows_are_found_by_any_number_of_values(store):
    """More than one statement takes parameters: SQLite's own limit is 32,766."""
    for name in "ab":
        await store.write(lambda tx, name=name: tx.put(container(name)))
    many = ("b", *(f'no"{number}' for number in range(300_000)))
    found = await store.read(lambda reader: reader.find(Container, id=many))
    assert [row.id for row in found] == ["b"]


async def test_asking_for_a_field_that_has_no_column_is_a_mistake(store):
    with pytest.raises(AssertionError, match="because"):
        await store.read(lambda reader: reader.find(Container, because="x"))


async def test_a_row_without_version_is_replaced(store):
    for digest in ("sha256:1", "sha256:2"):
        row = App(name=AppName("web"), source=Digest(digest), updated_at=NOW)
        await store.write(lambda tx, row=row: tx.put(row))
    rows = await store.read(lambda reader: reader.find(App))
    assert [row.source for row in rows] == ["sha256:2"]


async def test_a_name_is_held_by_one_environment_at_a_time(store):
    def environment(suffix: str) -> Environment:
        return Environment(
            id=EnvironmentId(f"demo~{suffix}"),
            lease=Tenure(holder="ana", until=None),
            created_at=NOW,
            created_by="ana",
        )

    first = await store.write(lambda tx: tx.put(environment("1")))
    with pytest.raises(Stale):
        await store.write(lambda tx: tx.put(environment("2")))
    ended = msgspec.structs.replace(first, state=EnvironmentState.ENDED)

    def deed(tx) -> None:
        tx.put(ended)
        tx.put(environment("2"))

    await store.write(deed)


async def test_a_follower_sees_every_event_once_and_in_order(store):
    await store.write(lambda tx: tx.record(event("before")))
    seen: list[int] = []

    async def follow() -> None:
        async for one in store.follow(0):
            seen.append(one.sequence)
            if len(seen) == 201:
                return

    follower = asyncio.create_task(follow())
    await asyncio.gather(
        *(store.write(lambda tx, n=n: tx.record(event(str(n)))) for n in range(200))
    )
    await asyncio.wait_for(follower, 10)
    assert seen == sorted(set(seen))
    assert len(seen) == 201


async def test_pruning_forgets_old_events_and_never_reuses_a_sequence(store):
    for n in range(5):
        await store.write(lambda tx, n=n: tx.record(event(str(n))))
    assert await store.prune(5, limit=3) == 3
    assert [one.sequence for one in await store.read(lambda reader: reader.events())] == [4, 5]
    assert await store.prune(5, limit=3) == 2
    assert await store.prune(5, limit=3) == 0
    await store.write(lambda tx: tx.record(event("new")))
    (last,) = await store.read(lambda reader: reader.events())
    assert last.sequence == 6


async def test_events_are_given_between_two_sequences_from_either_end(store):
    for n in range(1, 8):
        await store.write(lambda tx, n=n: tx.record(event("even" if n % 2 == 0 else "odd")))

    async def sequences(**asked) -> list[int]:
        found = await store.read(lambda reader: reader.events(**asked))
        return [one.sequence for one in found]

    assert await sequences(before=4) == [1, 2, 3]
    assert await sequences(before=6, newest_first=True, limit=2) == [5, 4]
    assert await sequences(before=6, newest_first=True, limit=2, subject="even") == [4, 2]
    assert await sequences(after=2, before=5) == [3, 4]
    assert await sequences(before=1) == []
    assert await sequences(before=99, after=6) == [7]
    await store.prune(3, limit=10)
    assert await sequences(before=5) == [4]
    assert await sequences(before=2) == []


WRITER = """
import asyncio, sys
from pathlib import Path
from headway.stores.sqlite import SqliteStore
from tests.contract.store.test_store import event
async def main():
    store = await SqliteStore.open(Path(sys.argv[1]))
    for n in range(100000):
        await store.write(lambda tx: tx.record(event(str(n))))
        print(n, flush=True)
asyncio.run(main())
"""


async def test_what_was_acknowledged_survives_a_kill(tmp_path):
    path = tmp_path / "headway.db"
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True
    )
    acknowledged = [int(writer.stdout.readline()) for _ in range(50)]
    os.kill(writer.pid, signal.SIGKILL)
    acknowledged += [int(line) for line in writer.stdout.read().splitlines() if line]
    writer.wait()
    writer.stdout.close()
    store = await SqliteStore.open(path)
    kept = {int(one.subject) for one in await store.read(lambda r: r.events(limit=100000))}
    await store.close()
    assert set(acknowledged) <= kept


async def test_what_is_written_is_copied_into_the_file_while_others_write(tmp_path):
    """By a thread of its own, so that nobody waits for it, and the log stays bounded."""
    path = tmp_path / "headway.db"
    others = set(threading.enumerate())
    store = await SqliteStore.open(path)
    for number in range(3000):
        await store.write(lambda tx, number=number: tx.put(container(f"c{number}")))
    for _ in range(1000):
        shutil.copy(path, tmp_path / "copy.db")
        with closing(sqlite3.connect(tmp_path / "copy.db")) as copy, suppress(sqlite3.Error):
            if copy.execute("SELECT COUNT(*) FROM containers").fetchone()[0] > 500:
                break
        await asyncio.sleep(0.01)
    else:
        pytest.fail("nothing was copied")
    log = path.with_name("headway.db-wal").stat().st_size
    await store.close()
    assert log < 40 * 2**20
    assert not path.with_name("headway.db-wal").exists()
    left = {thread.name for thread in set(threading.enumerate()) - others}
    assert not [name for name in left if name.startswith("store-")]


async def test_a_newer_file_is_refused_with_its_number(tmp_path):
    import sqlite3

    path = tmp_path / "headway.db"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 9999")
    connection.close()
    with pytest.raises(StoreError, match=r"newer headway.*9999"):
        await SqliteStore.open(path)


async def test_a_file_that_is_no_database_is_named(tmp_path):
    path = tmp_path / "headway.db"
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(StoreError, match="no SQLite file"):
        await SqliteStore.open(path)


async def test_a_backup_can_be_opened(tmp_path):
    store = await SqliteStore.open(tmp_path / "headway.db")
    await store.write(lambda tx: tx.put(container("a")))
    await store.backup(tmp_path / "copy.db")
    copy = await SqliteStore.open(tmp_path / "copy.db")
    assert await copy.read(lambda reader: reader.get(Container, "a")) is not None
    await copy.close()
    await store.close()


async def test_who_watches_is_told_of_what_was_put_and_deleted_before_the_write_returns(store):
    told: list[tuple[str, ...]] = []
    await store.watch({Container: ("environment", "app"), App: ("name",)}, told.extend)
    await store.watch({Container: ("environment", "app"), App: ("name",)}, told.extend)
    await store.write(lambda tx: tx.put(container("a")))
    assert told == [(DEMO, "web")]
    app = App(name=AppName("web"), source=Digest("sha256:1"), updated_at=NOW)
    await store.write(lambda tx: [tx.put(app), tx.put(container("b", app=AppName("api")))])
    assert sorted(told[1:]) == [("demo~1", "api"), ("web",)]
    del told[:]
    await store.write(lambda tx: [tx.delete(Container, "b"), tx.delete(Container, "none")])
    assert told == [(DEMO, "api")]


async def test_who_watches_is_told_of_all_that_is_committed_after_it_was_asked_for(store):
    """Deeds that were asked for before are over when it returns, so a reading then has them."""
    told: list[tuple[str, ...]] = []
    first = [asyncio.create_task(store.write(_put(f"a{n}"))) for n in range(50)]
    await store.watch({Container: ("id",)}, told.extend)
    seen = {row.id for row in await store.read(lambda reader: reader.find(Container))}
    await asyncio.gather(*first, *(store.write(_put(f"b{n}")) for n in range(50)))
    assert seen | {name for (name,) in told} == {f"{of}{n}" for of in "ab" for n in range(50)}


async def test_who_begins_to_watch_does_not_wait_for_who_may_not_write_yet(tmp_path):
    store = await SqliteStore.open(tmp_path / "headway.db")
    await store.write(_put("a"))
    holder = sqlite3.connect(tmp_path / "headway.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    waiting = asyncio.create_task(store.write(_put("b")))
    told: list[tuple[str, ...]] = []
    await store.watch({Container: ("id",)}, told.extend)
    assert [row.id for row in await store.read(lambda reader: reader.find(Container))] == ["a"]
    assert not waiting.done()
    holder.close()
    await waiting
    assert told == [("b",)]
    await store.close()


def _put(name: str):
    return lambda tx: tx.put(container(name))
