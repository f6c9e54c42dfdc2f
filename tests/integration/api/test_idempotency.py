import sqlite3
import threading

import pytest

from tests.integration.api.control_plane import ControlPlane, archive, wait_for

RUNS = "/v1/environments/demo/apps/chat/one-offs"
MANIFEST = "run: {type: process, command: 'exec sleep 600'}\n"
pytestmark = pytest.mark.usefixtures("chat")


def key(text: str) -> dict[str, str]:
    return {"idempotency-key": text}


def one_offs(client) -> int:
    events = client.get("/v1/events?after=0&app=chat&limit=1000").json()
    return sum("-run-" in row["subject"] and row["kind"] == "container.requested" for row in events)


def test_the_same_request_again_is_answered_the_same_and_done_once(client):
    before = one_offs(client)
    first = client.post(RUNS, json={"command": "true"}, headers=key("again"))
    second = client.post(RUNS, json={"command": "true"}, headers=key("again"))
    assert first.status_code == second.status_code == 200
    assert first.content == second.content
    assert one_offs(client) == before + 1


def test_without_a_key_each_request_is_done(client):
    before = one_offs(client)
    for _ in range(2):
        assert client.post(RUNS, json={"command": "true"}).status_code == 200
    assert one_offs(client) == before + 2


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (RUNS, {"command": "false"}),
        (f"{RUNS}?x=1", {"command": "true"}),
        ("/v1/environments/demo/stop", {"plan": True}),
    ],
)
def test_a_key_that_was_used_for_something_else_is_refused(client, path, body):
    assert client.post(RUNS, json={"command": "true"}, headers=key("else")).status_code == 200
    answer = client.post(path, json=body, headers=key("else"))
    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency-key-reused")


def test_a_refused_request_may_be_mended_under_the_same_key(client):
    refused = client.post(RUNS, json={"command": " "}, headers=key("mend"))
    assert refused.status_code == 422
    assert client.post(RUNS, json={"command": "true"}, headers=key("mend")).status_code == 200


@pytest.mark.parametrize("text", ["", "x" * 201])
def test_a_key_that_cannot_be_is_refused_and_nothing_done(client, text):
    before = one_offs(client)
    answer = client.post(RUNS, json={"command": "true"}, headers=key(text))
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency-key-invalid")
    assert one_offs(client) == before


def test_answers_are_kept_over_a_restart_of_headway(own):
    path = "/v1/environments/demo/apps/chat/config"
    body = {"set": {"COLOUR": {"value": "blue"}}}
    with own.client() as client:
        client.post("/v1/sources?name=chat", content=archive(headway__yaml=MANIFEST))
        first = client.patch(path, json=body, headers=key("restart"))
        assert first.status_code == 200, first.text
    own.stop()
    again = ControlPlane(own.data)
    again.start()
    try:
        with again.client() as client:
            second = client.patch(path, json=body, headers=key("restart"))
            history = client.get(f"{path}/history").json()
    finally:
        again.stop()
    assert second.content == first.content
    assert len(history) == 1


def test_the_same_request_at_the_same_time_is_done_once(plane, client):
    """Both are under way at once for certain: the store cannot write until both have arrived."""
    before = one_offs(client)
    answers: list[str] = []

    def ask() -> None:
        with plane.client() as other:
            body = {"command": "true"}
            answers.append(other.post(RUNS, json=body, headers=key("twins")).json().get("id"))

    database = sqlite3.connect(plane.data / "headway.db", isolation_level=None)
    database.execute("BEGIN IMMEDIATE")
    twins = [threading.Thread(target=ask) for _ in range(2)]
    try:
        arrived = plane.count_tasks("run_asgi")
        for twin in twins:
            twin.start()
        wait_for(lambda: plane.count_tasks("run_asgi") >= arrived + 2)
        assert client.get("/v1/leases").status_code == 200
    finally:
        database.execute("ROLLBACK")
        database.close()
        for twin in twins:
            twin.join()
    assert one_offs(client) == before + 1
    assert len(set(answers)) == 1


def test_stopping_a_container_twice_under_one_key_is_no_conflict(client):
    identity = client.post(RUNS, json={"command": "sleep 60"}).json()["id"]
    path = f"/v1/containers/{identity}"
    wait_for(lambda: client.get(path).json()["state"] == "healthy")
    first = client.post(f"{path}/stop", headers=key("stop"))
    assert first.status_code == 200
    wait_for(lambda: client.get(path).json()["state"] == "exited")
    assert client.post(f"{path}/stop", headers=key("stop")).content == first.content
