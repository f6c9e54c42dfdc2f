import sqlite3
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from headway.control.tokens import hashed
from headway.model.role import Role
from headway.model.token import Token
from tests.integration.api.control_plane import connected, read_answer


@pytest.fixture
def stranger(plane):
    with plane.anyone() as opened:
        yield opened


def paths(client) -> list[tuple[str, str]]:
    """Every operation of the API, with something in place of each parameter."""
    document = client.get("/openapi.json").json()
    found = [("GET", "/openapi.json"), ("GET", "/metrics"), ("GET", "/v1/nowhere")]
    for path, operations in document["paths"].items():
        if path != "/healthz":
            filled = path.replace("{", "").replace("}", "")
            found += [(method.upper(), filled) for method in operations]
    return found


def test_nothing_but_health_answers_without_a_token(client, stranger):
    asked = paths(client)
    assert len(asked) > 30
    for method, path in asked:
        answer = stranger.request(method, path)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated"), path
    assert stranger.get("/healthz").status_code == 200


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer wrong", "Basic {}", "{}", "Bearer {}x", "Bearer x{}"],
)
def test_only_the_whole_token_as_a_bearer_is_taken(plane, stranger, header):
    sent = {"authorization": header.format(plane.token)}
    assert stranger.get("/v1/apps", headers=sent).status_code == 401


def test_the_store_keeps_no_token_that_could_be_used(plane):
    secret = plane.token.encode()
    for path in plane.data.glob("headway.db*"):
        assert secret not in path.read_bytes()


def test_a_token_that_has_expired_is_refused(plane, stranger):
    now = datetime.now(UTC)
    for secret, until, status in (
        ("hw_old", now - timedelta(seconds=1), 401),
        ("hw_new", now + timedelta(hours=1), 200),
    ):
        row = Token(
            id=secret,
            name="ana",
            hash=hashed(secret),
            role=Role.VIEWER,
            created_at=now,
            expires_at=until,
        )
        with sqlite3.connect(plane.data / "headway.db") as database:
            database.execute(
                "INSERT INTO tokens (id, hash, version, doc) VALUES (?, ?, 0, ?)",
                (row.id, row.hash, msgspec.json.encode(row)),
            )
        database.close()
        answer = stranger.get("/v1/apps", headers={"authorization": f"Bearer {secret}"})
        assert answer.status_code == status


def test_who_acts_is_the_owner_of_the_token(plane, client, chat):
    events = client.get("/v1/events?after=0&app=chat").json()
    sent = next(event for event in events if event["kind"] == "app.source")
    apps = client.get("/v1/environments/demo").json()
    assert sent["actor"] == apps["created_by"] != "headway"


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST:1",
        "127.0.0.1",
        "127.8.8.8:7070",
        "[::1]",
        "[::1]:7070",
        "a.localhost",
    ],
)
def test_names_of_the_loopback_address_are_ours(client, host):
    assert client.get("/v1/apps", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:7070", "localhost.evil.example", "127.0.0.1.nip.io", "10.0.0.1",
     "[2001:db8::1]", "0.0.0.0", "xlocalhost", "localhost@evil.example"],
)  # fmt: skip
def test_a_foreign_host_is_refused_even_with_the_token(client, host):
    answer = client.get("/v1/apps", headers={"host": host})
    assert (answer.status_code, answer.json()["code"]) == (400, "host-unknown")
    assert client.get("/healthz", headers={"host": host}).status_code == 400


@pytest.mark.parametrize(
    "host",
    ["localhost:1/healthz?", "localhost:80/healthz#", "127.0.0.1:1/healthz?x=", "a@localhost"],
)
def test_a_host_that_smuggles_a_path_opens_nothing(plane, host):
    with connected(plane.port) as raw:
        raw.sendall(f"GET /v1/version HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        status, _, body = read_answer(raw)
    assert status in (400, 401)
    assert b'"pid"' not in body


def test_a_command_in_a_container_needs_the_token_before_anything_is_accepted(plane, client, chat):
    address = f"{plane.url.replace('http', 'ws')}/v1/containers/{chat}/exec?argv=nobodys-command"
    with pytest.raises(InvalidStatus) as refused, connect(address, proxy=None):
        pass
    assert refused.value.response.status_code == 403
    events = client.get(f"/v1/events?subject={chat}&limit=1000").json()
    assert not [event for event in events if "nobodys-command" in event["because"]]
