"""Locks against a headway that stops answering."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from headway.sdk import Lock, LockError, LockLost
from headway.sdk.ask import Asked, AskError, ask
from tests.unit.sdk.small_server import small_server

_LONG_S = 20.0


class Silent(BaseHTTPRequestHandler):
    """Grants a lock, and hangs at whatever is asked then."""

    over = threading.Event()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        if self.path != "/v1/leases":
            self.over.wait(_LONG_S + 10)
            return
        body = json.dumps({"lease": {"state": "held", "fence": 7}}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def silent() -> Iterator[Asked]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Silent)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield Asked(f"http://127.0.0.1:{server.server_port}", "hw_x")
    Silent.over.set()
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_lock_is_lost_at_its_end_though_a_renewal_hangs(silent):
    told = threading.Event()
    lock = Lock("migration", length_s=0.6, on_lost=lambda _why: told.set(), asked=silent)

    def work() -> None:
        with lock as held:
            assert held.fence == 7
            assert told.wait(_LONG_S)

    with pytest.raises(LockLost, match=r"not renewed within 0\.6 s"):
        work()


def test_what_cannot_be_done_for_now_is_asked_again():
    with small_server() as server:

        def answer(asked):
            is_first = len(server.asked) == 1
            asked.json({"detail": "the disk is full"}, 503) if is_first else asked.json({"ok": 1})

        server.answer = answer
        assert ask(Asked(server.url, "hw_x"), "/v1/leases", {}) == {"ok": 1}
        server.answer = lambda asked: asked.json({"detail": "the disk is full"}, 503)
        with pytest.raises(AskError, match="the disk is full") as caught:
            ask(Asked(server.url, "hw_x"), "/v1/leases", {}, patience_s=0)
    assert caught.value.status == 503


def test_where_there_is_no_headway_a_lock_says_so(monkeypatch):
    monkeypatch.delenv("HEADWAY_URL", raising=False)
    with pytest.raises(LockError, match="no container of headway's"), Lock("migration"):
        raise AssertionError("it was entered")


@pytest.mark.parametrize(("job", "is_told"), [("export", True), (None, False)])
def test_a_run_that_reaches_nobody_is_told_of_its_network(monkeypatch, job, is_told):
    monkeypatch.delenv("HEADWAY_JOB", raising=False)
    if job is not None:
        monkeypatch.setenv("HEADWAY_JOB", job)
    with pytest.raises(AskError, match="does not answer") as caught:
        ask(Asked("http://127.0.0.1:1", "hw_x"), "/v1/leases", {}, patience_s=0)
    assert ("network='dependencies'" in str(caught.value)) is is_told
