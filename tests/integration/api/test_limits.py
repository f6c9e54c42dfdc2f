import time

import pytest

from tests.integration.api.control_plane import connected, read_answer

START = "/v1/environments/demo/start"
MIB = 1024 * 1024
GIB = 1024 * MIB


def head(plane, path: str, *lines: str) -> bytes:
    given = "\r\n".join((f"POST {path} HTTP/1.1", "Host: localhost", *lines))
    return f"{given}\r\nAuthorization: Bearer {plane.token}\r\n\r\n".encode()


def blanks(count_bytes: int):
    for _ in range(count_bytes // 65536):
        yield b" " * 65536


RUNS = "/v1/jobs/chat/runs"


@pytest.mark.parametrize("path", [START, RUNS, "/v1/sources"])
def test_a_request_that_says_it_has_a_gigabyte_is_refused_before_any_of_it_is_sent(plane, path):
    with connected(plane.port) as raw:
        raw.sendall(head(plane, path, f"Content-Length: {GIB}", "Content-Type: application/json"))
        status, headers, body = read_answer(raw)
        assert raw.recv(1) == b"", "the connection is closed: nobody reads the gigabyte"
    assert status == 413
    assert headers["content-type"] == "application/problem+json"
    assert b"too-large" in body


def test_a_client_that_is_sending_a_gigabyte_gets_to_see_the_refusal(client):
    answer = client.post("/v1/sources", content=blanks(GIB), headers={"content-length": str(GIB)})
    assert (answer.status_code, answer.json()["code"]) == (413, "too-large")


def test_json_without_a_declared_length_is_limited_too(client):
    headers = {"content-type": "application/json"}
    answer = client.post(START, content=blanks(2 * MIB), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "too-large")


def test_parameters_of_a_hundred_megabytes_are_refused_as_they_come(client):
    answer = client.post(RUNS, content=blanks(100 * MIB))
    assert (answer.status_code, answer.json()["code"]) == (413, "too-large")


def test_many_runs_in_one_request_have_room_for_their_parameters(client):
    rows = [{"parameters": {"text": "x" * 200}}] * 10_000  # 2 MB
    answer = client.post(RUNS, json={"environment": "none", "runs": rows})
    assert (answer.status_code, answer.json()["code"]) == (404, "environment-unknown")


@pytest.mark.slow
def test_sources_without_a_declared_length_are_limited_too(client):
    answer = client.post("/v1/sources", content=blanks(GIB))
    assert (answer.status_code, answer.json()["code"]) == (413, "too-large")


def test_a_body_longer_than_declared_does_not_become_the_next_request(plane):
    hidden = b"GET /v1/version HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with connected(plane.port) as raw:
        raw.sendall(head(plane, START, "Content-Length: 2", "Content-Type: application/json"))
        raw.sendall(b"{}" + hidden)
        assert read_answer(raw)[0] == 422
        status, _, body = read_answer(raw)
    assert status == 401, "what follows is a request of its own, without a token"
    assert b'"pid"' not in body


def test_a_body_shorter_than_declared_leaves_nothing_behind(plane, client):
    before = plane.count_tasks("RequestResponseCycle.run_asgi")
    with connected(plane.port) as raw:
        raw.sendall(head(plane, "/v1/sources?name=half", "Content-Length: 1000"))
        raw.sendall(b"\x1f\x8b\x08")
    deadline = time.monotonic() + 10
    while plane.count_tasks("RequestResponseCycle.run_asgi") > before:
        assert time.monotonic() < deadline, "the request still waits for its body"
    assert client.get("/v1/apps/half").status_code == 404
    assert not list((plane.data / "sources").glob(".new-*"))


def test_a_head_of_a_megabyte_is_refused(plane):
    with connected(plane.port) as raw:
        raw.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * (80 * 1024))
        status, _, _ = read_answer(raw)
    assert status in (400, 431)


def is_refused(raw) -> bool:
    """Send what has no end, a little at a time; who is sending may be cut off before the answer."""
    try:
        for _ in range(1024):
            raw.sendall(b"x" * 1024)
        return read_answer(raw)[0] == 431
    except ConnectionError:
        return True


def test_a_head_that_comes_a_little_at_a_time_is_bounded_too(plane):
    with connected(plane.port) as raw:
        raw.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ")
        assert is_refused(raw)


def test_what_follows_a_body_in_chunks_is_bounded_too(plane):
    chunked = head(plane, START, "Transfer-Encoding: chunked", "Content-Type: application/json")
    with connected(plane.port) as raw:
        raw.sendall(chunked + b"2\r\n{}\r\n0\r\nX: ")
        assert is_refused(raw)
