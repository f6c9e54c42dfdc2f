"""What code in a container is told when it asks headway and gets nowhere."""

import socket

import pytest

from headway.sdk.ask import Asked, AskError, ask
from tests.unit.sdk.small_server import small_server


def refusal(url: str, **limits: float) -> AskError:
    with pytest.raises(AskError) as caught:
        ask(Asked(url, "hw_x"), "/v1/leases", {}, patience_s=0, **limits)
    for foreign in ("urlopen", "Errno", "Error", "HTTPException"):
        assert foreign not in str(caught.value)
    return caught.value


def unused_url() -> str:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{held.getsockname()[1]}"


def test_where_nothing_listens_it_says_what_was_tried_and_what_to_do(monkeypatch):
    monkeypatch.delenv("HEADWAY_JOB", raising=False)
    url = unused_url()
    assert str(refusal(url)) == (
        f"headway does not answer at {url}/v1/leases, asked for 0 s: nothing listens there. "
        "See on headway's machine what is wrong: headway status"
    )


def test_in_a_run_it_says_that_its_job_needs_a_network(monkeypatch):
    monkeypatch.setenv("HEADWAY_JOB", "mail")
    assert "If its job has no network='dependencies'" in str(refusal(unused_url()))


def test_a_name_that_nobody_knows_is_told_as_such():
    assert "no machine of this name is known here" in str(refusal("http://headway.invalid"))


def test_an_answer_that_never_comes_is_told_as_silence():
    with small_server() as server:
        server.answer = lambda _asked: server.over.wait(30)
        assert "kept silent" in str(refusal(server.url, answer_s=0.2))


def test_a_connection_that_breaks_is_told_as_such():
    with small_server() as server:
        server.answer = lambda asked: asked.hang_up()
        assert "closed in the midst of it" in str(refusal(server.url))


def test_an_answer_that_is_cut_short_is_no_foreign_error():
    def cut(asked) -> None:
        asked.send_response(200)
        asked.send_header("content-length", "100")
        asked.end_headers()
        asked.wfile.write(b"{")
        asked.hang_up()

    with small_server() as server:
        server.answer = cut
        assert "closed in the midst of it" in str(refusal(server.url))


def test_what_is_not_headway_is_told_as_such():
    def page(asked, status: int) -> None:
        asked.send_response(status)
        asked.send_header("content-length", "6")
        asked.end_headers()
        asked.wfile.write(b"<html>")

    with small_server() as server:
        server.answer = lambda asked: page(asked, 200)
        assert "what answered is not headway" in str(refusal(server.url))
        server.answer = lambda asked: page(asked, 404)
        told = refusal(server.url)
    assert told.status == 404
    assert f"{server.url}/v1/leases answered 404 Not Found without a reason" in str(told)


def test_a_refusal_comes_with_its_hint_and_the_next_command():
    problem = {"detail": "there is no job x", "hint": "it was y", "next": ["headway jobs ls"]}
    with small_server() as server:
        server.answer = lambda asked: asked.json(problem, 404)
        assert str(refusal(server.url)) == "there is no job x (it was y); next: headway jobs ls"
        server.answer = lambda asked: asked.json(["odd"], 400)
        assert "without a reason" in str(refusal(server.url))
