"""Requests and streams against a real server that breaks in chosen ways."""

import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import parse_qs, quote

import msgspec
import pytest

from headway.model.event import Event
from headway.model.view.refusal import Refusal
from headway.sdk import Client, RefusedError, SdkError, UnreachableError
from tests.unit.sdk.small_server import Asked, SmallServer, small_server

NOW = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.fixture
def server() -> Iterator[SmallServer]:
    with small_server() as server:
        yield server


@pytest.fixture
def client(server) -> Iterator[Client]:
    with Client(server.url, "hw_secret") as client:
        yield client


def event(sequence: int) -> Event:
    return Event(sequence=sequence, at=NOW, actor="headway", kind="container.started", subject="c")


def test_every_request_carries_the_token(server, client):
    server.answer = lambda asked: asked.json({"items": []})
    assert client.environments.all() == []
    assert {key.lower(): value for key, value in server.asked[0][2].items()}[
        "authorization"
    ] == "Bearer hw_secret"


def test_an_answer_to_what_was_not_read_to_its_end_is_the_answer():
    refusal = msgspec.json.encode(
        Refusal(type="", title="", status=413, detail="at most 16MiB", code="too-large")
    )
    head = b"HTTP/1.1 413 Too Large\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(head % len(refusal) + refusal)

        thread = threading.Thread(target=serve)
        thread.start()
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with Client(address, "hw_x") as asking, pytest.raises(RefusedError, match="at most 16MiB"):
            asking.jobs.invoke("dev", "job", {"n": "x" * (50 << 20)})
        thread.join()


def test_a_change_that_broke_off_is_asked_again_under_the_same_key(server, client):
    def answer(asked: Asked) -> None:
        if len(server.asked) == 1:
            asked.hang_up()
        else:
            asked.json({"environment": "demo"})

    server.answer = answer
    client.environments.start("demo", ["web"])
    keys = [
        {name.lower(): value for name, value in headers.items()}["idempotency-key"]
        for _, _, headers, _ in server.asked
    ]
    assert len(keys) == 2
    assert keys[0] == keys[1]


def test_a_connection_that_was_let_go_meanwhile_is_made_again_at_once(server, client, monkeypatch):
    def answer(asked: Asked) -> None:
        asked.json({"items": []})
        asked.hang_up()

    def slept(_seconds: float) -> None:
        raise AssertionError("nobody waits")

    server.answer = answer
    monkeypatch.setattr("headway.sdk.transport.time.sleep", slept)
    for _ in range(3):
        assert client.environments.all() == []


def test_requests_of_a_client_share_a_connection(server, client):
    ports = []

    def answer(asked: Asked) -> None:
        ports.append(asked.client_address[1])
        asked.json({"items": []})

    server.answer = answer
    for _ in range(3):
        client.environments.all()
    assert len(set(ports)) == 1


def test_an_address_may_have_a_path(server):
    server.answer = lambda asked: asked.json({"items": []})
    with Client(f"{server.url}/headway/", "x") as client:
        client.environments.all()
    assert server.asked[0][1].startswith("/headway/v1/environments")


def test_a_list_that_comes_in_pages_is_followed_to_its_end(server, client):
    node = {"node": {"id": "", "cpu": 1, "memory_mib": 1}, "reserved": {}, "containers": 0}

    def answer(asked):
        page = range(2) if "after=" not in asked.path else range(2, 3)
        items = [node | {"node": node["node"] | {"id": f"n{number}"}} for number in page]
        asked.json({"items": items, "next": "n1" if len(items) == 2 else None})

    server.answer = answer
    assert [row.node.id for row in client.nodes.all()] == ["n0", "n1", "n2"]
    assert [asked[1].partition("after=")[2] for asked in server.asked] == ["", "n1"]


def test_two_changes_have_different_keys_and_reading_has_none(server, client):
    server.answer = lambda asked: asked.json({"environment": "demo"})
    client.environments.stop("demo")
    client.environments.stop("demo")
    server.answer = lambda asked: asked.json({"items": []})
    client.environments.all()
    headers = [{name.lower(): value for name, value in row[2].items()} for row in server.asked]
    assert headers[0]["idempotency-key"] != headers[1]["idempotency-key"]
    assert "idempotency-key" not in headers[2]


def test_a_problem_becomes_an_error_that_carries_it(server, client):
    refusal = Refusal(
        type="urn:headway:problem:app-needed",
        title="Conflict",
        status=409,
        detail="web runs in demo and needs api",
        code="app-needed",
        next=("headway stop -e demo web api",),
    )
    server.answer = lambda asked: asked.json(refusal, status=409)
    with pytest.raises(RefusedError) as caught:
        client.environments.stop("demo", ["api"])
    assert caught.value.refusal == refusal
    assert caught.value.status == 409


def test_an_error_that_is_no_problem_document_is_still_said(server, client):
    def answer(asked: Asked) -> None:
        asked.send_response(502)
        asked.send_header("content-length", "11")
        asked.end_headers()
        asked.wfile.write(b"bad gateway")

    server.answer = answer
    with pytest.raises(RefusedError, match="HTTP 502: bad gateway"):
        client.environments.all()


def test_an_event_stream_that_breaks_goes_on_behind_the_last_event(server, client):
    def answer(asked: Asked) -> None:
        last = asked.headers.get("last-event-id")
        asked.begin_stream()
        for sequence in (1, 2) if last is None else (3,):
            asked.event(sequence, event(sequence))
        if last is not None:
            server.over.wait(10)

    server.answer = answer
    stream = client.environments.follow("demo")
    assert [next(stream).sequence for _ in range(3)] == [1, 2, 3]
    second = {name.lower(): value for name, value in server.asked[1][2].items()}
    assert second["last-event-id"] == "2"


def test_nobody_listening_is_said_with_the_address(monkeypatch):
    monkeypatch.setattr("headway.sdk.transport._PATIENCE_S", 0.3)
    with Client("http://127.0.0.1:9", "x") as client, pytest.raises(UnreachableError) as caught:
        client.environments.all()
    assert "http://127.0.0.1:9" in str(caught.value)


@pytest.mark.parametrize("url", ["foo", "ftp://127.0.0.1"])
def test_an_address_that_is_none_is_said(url):
    with Client(url, "x") as client, pytest.raises(SdkError, match=url):
        client.environments.all()


def test_an_answer_of_something_else_than_headway_is_said(server, client):
    server.answer = lambda asked: asked.json({"hello": "world"})
    with pytest.raises(SdkError):
        client.environments.all()


@pytest.mark.parametrize("name", ["demo/apps/web", "demo?plan=true", "../apps", "a b#c"])
def test_a_name_stays_one_part_of_the_path_whatever_is_in_it(server, client, name):
    server.answer = lambda asked: asked.json({"environment": "x"})
    client.environments.destroy(name)
    path = server.asked[0][1].partition("?")[0]
    assert path == f"/v1/environments/{quote(name, safe='')}"


def test_a_log_that_breaks_off_is_said(server, client):
    def answer(asked: Asked) -> None:
        asked.send_response(200)
        asked.send_header("transfer-encoding", "chunked")
        asked.end_headers()
        asked.wfile.write(b"5\r\n")
        asked.close_connection = True

    server.answer = answer
    with pytest.raises(SdkError):
        list(client.logs.environment("demo"))


def test_following_a_log_asks_for_everything_behind_what_was_seen(server, client):
    def entry(cursor: int) -> dict[str, object]:
        line = {"at": NOW, "stream": "stdout", "text": str(cursor), "cursor": cursor}
        return {"container": "c", "app": "web", "label": "web.1", "release": 1, "line": line}

    def answer(asked: Asked) -> None:
        """Give a line, break off; then give what is asked for of a log that has grown to 500."""
        asked.begin_stream()
        if len(server.asked) == 1:
            asked.event("c:1", entry(1))
            return
        query = parse_qs(asked.path.partition("?")[2])
        first = int(query["after"][0].removeprefix("c:")) + 1
        for cursor in range(first, 501):
            asked.event(f"c:{cursor}", entry(cursor))
        server.over.wait(10)

    server.answer = answer
    stream = client.logs.follow("demo", tail=10)
    assert [next(stream).line.cursor for _ in range(2)] == [1, 2]
