import threading

import httpx2
import msgspec
import pytest

from headway.model.event import Event
from headway.model.view.log import LogEntry
from tests.integration.api.control_plane import wait_for

SSE = {"accept": "text/event-stream"}
RUNS = "/v1/environments/demo/apps/chat/one-offs"
pytestmark = pytest.mark.usefixtures("chat")


def read_events(answer: httpx2.Response, count: int) -> list[dict[str, str]]:
    """Read server-sent events as their fields, comments left out."""
    found: list[dict[str, str]] = [{}]
    for line in answer.iter_lines():
        if line.startswith(":"):
            continue
        if line:
            name, _, value = line.partition(": ")
            found[-1][name] = value
        elif found[-1]:
            if len(found) == count:
                return found
            found.append({})
    return found[:-1]


def open_streams(plane) -> int:
    """Count the tasks that wait for the stop: each stream has one, beside the server's own."""
    return plane.count_tasks("Event.wait")


def test_events_have_ids_and_are_replayed_behind_the_last_one_that_was_seen(client):
    page = client.get("/v1/events?after=0&limit=5").json()
    with client.stream("GET", "/v1/events", headers={**SSE, "last-event-id": "2"}) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        seen = read_events(answer, 3)
    assert [int(row["id"]) for row in seen] == [3, 4, 5]
    assert [row["event"] for row in seen] == [row["kind"] for row in page[2:]]
    assert [msgspec.json.decode(row["data"]) for row in seen] == page[2:]


def test_the_last_event_id_counts_more_than_the_address(client):
    headers = {**SSE, "last-event-id": "3"}
    with client.stream("GET", "/v1/events?after=0", headers=headers) as answer:
        assert read_events(answer, 1)[0]["id"] == "4"


def test_a_stream_without_a_start_gives_what_comes_and_filters_it(plane, client):
    newest = client.get("/v1/events?limit=1").json()[0]["sequence"]
    with plane.client() as other, other.stream("GET", "/v1/events?app=chat", headers=SSE) as answer:
        run = client.post(RUNS, json={"command": "true"}).json()["id"]
        events = (msgspec.json.decode(row["data"], type=Event) for row in _forever(answer))
        first = next(row for row in events if row.subject == run)
    assert first.sequence > newest
    assert first.kind == "container.requested"


def _forever(answer):
    found: dict[str, str] = {}
    for line in answer.iter_lines():
        if line:
            name, _, value = line.partition(": ")
            found[name] = value
        elif "data" in found:
            yield found
            found = {}


@pytest.mark.parametrize("last", [b"\xb2", b"9" * 30, b"9" * 5000])
def test_a_last_event_id_that_no_event_has_is_no_mistake_of_headway(client, last):
    """A browser sends back what it was given; anything else may be ignored or refused."""
    headers = {**SSE, "last-event-id": last}
    with client.stream("GET", "/v1/events?after=0", headers=headers) as answer:
        assert answer.status_code in (200, 400, 422)
        if answer.status_code == 200:
            assert read_events(answer, 1)


@pytest.mark.parametrize("last", ["", "abc", "-1", "1.5"])
def test_a_last_event_id_that_is_no_number_is_ignored(client, last):
    headers = {**SSE, "last-event-id": last}
    with client.stream("GET", "/v1/events?after=0", headers=headers) as answer:
        assert read_events(answer, 1)[0]["id"] == "1"


def test_a_quiet_stream_shows_that_it_lives_as_often_as_asked(client):
    with client.stream("GET", "/v1/events?app=nothing&heartbeat=0.1", headers=SSE) as answer:
        assert next(answer.iter_lines()) == ": still here"


def test_a_client_that_went_leaves_no_stream_behind(own):
    before = open_streams(own)
    with own.client() as client:
        opened = [
            client.send(client.build_request("GET", "/v1/events", headers=SSE), stream=True)
            for _ in range(5)
        ]
        wait_for(lambda: open_streams(own) == before + 5)
        for answer in opened:
            answer.close()
    wait_for(lambda: open_streams(own) == before)


def test_streams_break_off_when_headway_stops(own):
    """They are not whole, and whoever follows is to know."""
    ended: list[str] = []

    def follow() -> None:
        with own.client() as client, client.stream("GET", "/v1/events", headers=SSE) as answer:
            began.set()
            try:
                ended.append("".join(answer.iter_text()))
            except httpx2.RemoteProtocolError:
                ended.append("broke off")

    began = threading.Event()
    follower = threading.Thread(target=follow)
    follower.start()
    assert began.wait(10)
    own.stop()
    follower.join(10)
    assert ended == ["broke off"]


@pytest.mark.parametrize(
    ("path", "texts"),
    [
        ("/v1/containers/{}/logs", ["one", "two", "three"]),
        ("/v1/containers/{}/logs?tail=1", ["three"]),
        ("/v1/containers/{}/logs?tail=0", []),
        ("/v1/environments/demo/logs?container={}", ["one", "two", "three"]),
        ("/v1/environments/demo/logs?container={}&tail=2", ["two", "three"]),
        ("/v1/environments/demo/logs?container={}&since=2999-01-01T00:00:00Z", []),
        ("/v1/environments/demo/logs?container={}&process=nope", []),
    ],
)
def test_the_lines_of_a_log_are_given_oldest_first(client, chat, path, texts):
    wait_for(lambda: client.get(f"/v1/containers/{chat}/logs").text.count("\n") == 3)
    answer = client.get(path.format(chat))
    assert answer.headers["content-type"] == "application/x-ndjson"
    entries = [msgspec.json.decode(line, type=LogEntry) for line in answer.text.splitlines()]
    assert sorted(entry.line.text for entry in entries) == sorted(texts)
    assert [entry.line.at for entry in entries] == sorted(entry.line.at for entry in entries)
    assert {entry.container for entry in entries} <= {chat}


def test_a_log_is_read_on_behind_a_cursor(client, chat):
    path = f"/v1/containers/{chat}/logs"
    wait_for(lambda: client.get(path).text.count("\n") == 3)
    first = msgspec.json.decode(client.get(path).text.splitlines()[0], type=LogEntry)
    rest = client.get(f"{path}?after={first.line.cursor}").text.splitlines()
    assert len(rest) == 2


def test_following_a_container_ends_with_it(client):
    run = client.post(RUNS, json={"command": "echo begun; sleep 0.3; echo done"}).json()["id"]
    path = f"/v1/containers/{run}"
    wait_for(lambda: client.get(path).json()["state"] != "pending")
    with client.stream("GET", f"{path}/logs?follow=true") as answer:
        lines = [line for line in answer.iter_lines() if line]
    texts = [msgspec.json.decode(line, type=LogEntry).line.text for line in lines]
    assert texts[0] == "begun"
    assert texts[-1] == "done"


def test_containers_that_start_while_following_join_in(plane, client):
    path = "/v1/environments/demo/logs?follow=true&tail=0"
    with plane.client() as other, other.stream("GET", path, headers=SSE) as answer:
        run = client.post(RUNS, json={"command": "echo late"}).json()["id"]
        for row in _forever(answer):
            entry = msgspec.json.decode(row["data"], type=LogEntry)
            if entry.container == run:
                break
    assert entry.line.text == "late"
    assert row["id"] == f"{run}:{entry.line.cursor}"


def test_logs_of_an_app_that_is_not_there_are_a_problem_and_not_an_empty_answer(client):
    answer = client.get("/v1/environments/demo/logs?app=nope")
    assert (answer.status_code, answer.json()["code"]) == (404, "app-not-in-environment")
    assert answer.json()["next"] == ["headway apps add DIRECTORY", "headway apps ls"]


def test_logs_of_a_container_that_is_no_more_say_that_they_are_kept_no_longer(client):
    answer = client.get("/v1/environments/demo/logs?container=hello-web-1-0bb33da3f3")
    assert (answer.status_code, answer.json()["code"]) == (404, "container-unknown")
    assert answer.json()["hint"] == "if there was one, its lines are kept no longer"


def test_a_time_without_a_zone_is_refused_or_read_but_never_answered_with_nothing(client):
    answer = client.get("/v1/environments/demo/logs?since=2020-01-01T00:00:00")
    assert answer.status_code == 422 or "three" in answer.text
