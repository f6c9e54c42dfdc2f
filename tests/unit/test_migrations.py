"""Steps that bring a database to the tables of this version."""

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from headway.model.answer import Answer
from headway.model.role import Role
from headway.model.run import UNSUCCESSFUL, RunState, pin_name
from headway.model.token import Token
from headway.stores.sqlite.migrate import migrate, steps
from headway.stores.sqlite.reader import SqliteReader
from headway.stores.tables import TABLES


def made_by(path: Path, version: int) -> sqlite3.Connection:
    """A store as an older version has made it."""
    connection = sqlite3.connect(path)
    for number, sql in steps()[:version]:
        connection.executescript(f"{sql}\nPRAGMA user_version = {number};")
    return connection


def test_every_step_has_a_number_of_its_own():
    assert [number for number, _ in steps()] == list(range(1, len(steps()) + 1))


def test_containers_of_an_older_version_are_found_by_their_node(tmp_path):
    path = tmp_path / "headway.db"
    connection = made_by(path, 4)
    doc = b'{"id": "web-1", "node": "n7", "environment": "demo~1"}'
    values = {
        "id": "web-1", "environment": "demo~1", "app": "web", "retired": 0, "kind": "service",
        "state": "healthy", "deployment": None, "release": 1, "version": 1, "doc": doc,
    }  # fmt: skip
    names, marks = ", ".join(values), ", ".join("?" * len(values))
    connection.execute(
        f"INSERT INTO containers ({names}) VALUES ({marks})",
        tuple(values.values()),
    )
    connection.commit()
    migrate(connection, path)
    found = connection.execute("SELECT id FROM containers WHERE node = 'n7' AND retired = 0")
    assert found.fetchall() == [("web-1",)]
    connection.close()


def test_a_deployment_under_way_goes_on_by_the_strategy_it_has_begun_with(tmp_path):
    path = tmp_path / "headway.db"
    connection = made_by(path, 13)
    rows = [("d1", 0, b'{"strategy": "canary"}'), ("d2", 1, b'{"strategy": "canary"}')]
    connection.executemany(
        "INSERT INTO deployments (id, environment, app, is_ended, version, doc) "
        "VALUES (?, 'demo~1', 'shop', ?, 1, ?)",
        rows,
    )
    connection.commit()
    migrate(connection, path)
    found = connection.execute("SELECT doc FROM deployments ORDER BY id").fetchall()
    assert [msgspec.json.decode(doc).get("asked_strategy") for (doc,) in found] == ["canary", None]
    connection.close()


def test_what_an_older_version_ended_is_counted(tmp_path):
    path = tmp_path / "headway.db"
    connection = made_by(path, 9)
    runs = [("a", 5, 1), ("b", 6, None), ("c", None, None)]
    connection.executemany(
        "INSERT INTO runs (id, owner, state, ended_us, dead, version, doc) "
        "VALUES (?, 'demo~1/web', 'x', ?, ?, 1, '{}')",
        runs,
    )
    connection.execute(
        "INSERT INTO leases (id, ended_us, version, doc) VALUES ('lea-1', 5, 1, '{}')"
    )
    connection.commit()
    migrate(connection, path)
    found = dict(connection.execute("SELECT name, count FROM counts"))
    assert found == {"runs.ended_us": 2, "runs.dead": 1, "leases.ended_us": 1}
    connection.close()


def test_of_what_is_counted_the_store_looks_at_no_row(tmp_path):
    connection = sqlite3.connect(tmp_path / "headway.db")
    migrate(connection, tmp_path)
    asked: list[str] = []
    connection.set_trace_callback(asked.append)
    counted = [(table, field) for table in TABLES.values() for field in table.counted]
    connection.execute("BEGIN")
    for table, field in counted:
        assert SqliteReader(connection).count(table.kind, field) == 0
    assert counted
    assert not [sql for sql in asked if "COUNT(*)" in sql]
    connection.close()


def test_tokens_of_an_older_version_are_the_operators(tmp_path):
    path = tmp_path / "headway.db"
    connection = made_by(path, 6)
    doc = b'{"id": "tok-1", "name": "ana", "hash": "h", "created_at": "2026-01-01T00:00:00Z"}'
    row = ("tok-1", "h", 0, doc)
    connection.execute("INSERT INTO tokens (id, hash, version, doc) VALUES (?, ?, ?, ?)", row)
    connection.commit()
    migrate(connection, path)
    ((kept,),) = connection.execute("SELECT doc FROM tokens")
    assert msgspec.json.decode(kept, type=Token).role is Role.OPERATOR
    assert isinstance(kept, bytes)
    connection.close()


def test_answers_of_an_older_version_are_found_by_when_they_were_given(tmp_path):
    path = tmp_path / "headway.db"
    connection = made_by(path, 10)
    at = datetime(2026, 1, 1, 12, 30, 7, tzinfo=UTC)
    answer = Answer(key="k", request="r", body="{}", at=at)
    row = (answer.key, 0, msgspec.json.encode(answer))
    connection.execute("INSERT INTO answers (key, version, doc) VALUES (?, ?, ?)", row)
    connection.commit()
    migrate(connection, path)
    found = SqliteReader(connection).newest(Answer, "key", ["k"], ("at_us",))
    assert found == {"k": (answer.at_us,)}
    connection.close()


def test_pins_and_builds_of_an_older_version_are_found(tmp_path):
    path = tmp_path / "headway.db"
    connection = made_by(path, 11)
    pinned = b'{"environment": "demo~1", "app": "web", "pinned": 7}'
    runs = [
        ("open", "demo~1", pinned),
        ("ended", None, pinned),
        ("free", "demo~1", b'{"environment": "demo~1", "app": "web"}'),
    ]
    connection.executemany(
        "INSERT INTO runs (id, owner, state, open_in, version, doc) "
        "VALUES (?, 'demo~1/web/noop', 'queued', ?, 1, ?)",
        runs,
    )
    connection.execute(
        "INSERT INTO deployments (id, environment, app, is_ended, version, doc) "
        "VALUES ('dep-1', 'demo~1', 'web', 1, 1, '{\"build\": \"bld-1\"}')"
    )
    connection.commit()
    migrate(connection, path)
    found = connection.execute("SELECT id, pin FROM runs WHERE pin IS NOT NULL").fetchall()
    assert found == [("open", pin_name("demo~1", "web", 7))]
    assert connection.execute("SELECT build FROM deployments").fetchall() == [("bld-1",)]
    connection.close()


def test_runs_of_an_older_version_that_came_to_nothing_are_found_by_an_index(tmp_path):
    path = tmp_path / "headway.db"
    connection = made_by(path, 12)
    ended = [(state.value, state.value) for state in RunState]
    connection.executemany(
        "INSERT INTO runs (id, owner, state, version, doc) VALUES (?, 'demo~1/web', ?, 1, '{}')",
        ended,
    )
    connection.commit()
    migrate(connection, path)
    asked = "SELECT id FROM runs WHERE unsuccessful = ? AND state IN (?) ORDER BY ordinal DESC"
    found = connection.execute("SELECT id FROM runs WHERE unsuccessful = 1").fetchall()
    assert {row[0] for row in found} == {state.value for state in UNSUCCESSFUL}
    (plan,) = connection.execute(f"EXPLAIN QUERY PLAN {asked}", (1, "failed")).fetchall()
    assert "runs_unsuccessful" in plan[3]
    connection.close()
