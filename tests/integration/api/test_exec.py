import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote, urlencode

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from headway.ports.store import StoreError
from headway.stores.sqlite.store import SqliteStore
from tests.integration.api.control_plane import ControlPlane, bring_up_chat, wait_for

IN, OUT, ERR, SIZE, END = (bytes([kind]) for kind in range(5))


@contextmanager
def running(
    plane, container: str, *argv: str, terminal: bool = False
) -> Iterator[ClientConnection]:
    words = [("argv", word) for word in argv] + [("terminal", str(terminal).lower())]
    base = plane.url.replace("http", "ws")
    address = f"{base}/v1/containers/{quote(container)}/exec?{urlencode(words)}"
    headers = {"authorization": f"Bearer {plane.token}"}
    with connect(address, additional_headers=headers, proxy=None) as socket:
        yield socket


def read(socket: ClientConnection) -> tuple[dict[bytes, bytes], int]:
    """Read until the server closes: what came by kind of frame, and the code of the close."""
    came = dict.fromkeys((OUT, ERR, END), b"")
    while True:
        try:
            frame = socket.recv(timeout=20)
        except ConnectionClosed:
            assert socket.close_code is not None
            return came, socket.close_code
        assert isinstance(frame, bytes)
        came[frame[:1]] += frame[1:]


def processes(plane, chat: str, word: str) -> int:
    """Count the processes in the container whose arguments have this word."""
    script = f"cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n' | grep -cx {word}; true"
    with running(plane, chat, "sh", "-c", script) as socket:
        return int(read(socket)[0][OUT])


def test_output_errors_and_the_exit_status_arrive(plane, chat):
    with running(plane, chat, "sh", "-c", "echo out; echo err >&2; exit 7") as socket:
        came, code = read(socket)
    assert (came[OUT], came[ERR], json.loads(came[END])) == (b"out\n", b"err\n", {"status": 7})
    assert code == 1000


def test_input_is_passed_on_and_an_empty_frame_ends_it(plane, chat):
    with running(plane, chat, "cat") as socket:
        socket.send(IN + b"hello ")
        socket.send(IN + b"\x00\xff")
        socket.send(IN)
        came, code = read(socket)
    assert came[OUT] == b"hello \x00\xff"
    assert (json.loads(came[END]), code) == ({"status": 0}, 1000)


def test_a_terminal_has_the_size_that_was_sent(plane, chat):
    with running(plane, chat, "sh", "-c", "read x; stty size", terminal=True) as socket:
        socket.send(SIZE + b'{"columns": 123, "rows": 45}')
        socket.send(IN + b"\n")
        came, _ = read(socket)
    assert b"45 123" in came[OUT]


def test_where_it_cannot_be_written_down_nothing_is_run_and_it_is_said_why(
    plane, chat, monkeypatch
):
    async def full(_store, _deed):
        raise StoreError("the disk is full")

    monkeypatch.setattr(SqliteStore, "write", full)
    with running(plane, chat, "echo", "hi") as socket:
        came, code = read(socket)
    assert (code, socket.close_reason, came[OUT]) == (4409, "the disk is full", b"")


def test_a_command_that_is_not_there_says_so(plane, chat):
    with running(plane, chat, "no-such-command") as socket:
        came, code = read(socket)
    assert b"no-such-command: not found" in came[ERR]
    assert (json.loads(came[END]), code) == ({"status": 127}, 1000)


def test_much_output_arrives_whole_and_a_slow_reader_only_slows_it(plane, chat):
    with running(plane, chat, "head", "-c", "20000000", "/dev/zero") as socket:
        first = socket.recv(timeout=10)
        came, code = read(socket)
    assert len(first) - 1 + len(came[OUT]) == 20_000_000
    assert code == 1000


def test_a_command_ends_when_its_client_goes(plane, chat):
    with running(plane, chat, "sleep", "4711"):
        wait_for(lambda: processes(plane, chat, "4711") == 1)
    wait_for(lambda: processes(plane, chat, "4711") == 0)


def test_a_command_ends_when_its_client_vanishes_without_a_word(plane, chat):
    with running(plane, chat, "sleep", "4712") as socket:
        wait_for(lambda: processes(plane, chat, "4712") == 1)
        socket.socket.shutdown(2)
        wait_for(lambda: processes(plane, chat, "4712") == 0)


def test_many_commands_at_once_do_not_mix(plane, chat):
    came: dict[str, bytes] = {}

    def ask(word: str) -> None:
        with running(plane, chat, "sh", "-c", f"echo {word}; cat") as socket:
            socket.send(IN + word.encode())
            socket.send(IN)
            came[word] = read(socket)[0][OUT]

    words = [f"word{number}" for number in range(6)]
    threads = [threading.Thread(target=ask, args=(word,)) for word in words]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert came == {word: f"{word}\n{word}".encode() for word in words}


def test_who_entered_a_container_is_recorded(plane, client, chat):
    with running(plane, chat, "true") as socket:
        read(socket)
    events = client.get(f"/v1/events?subject={chat}&limit=1000").json()
    assert any(row["kind"] == "container.exec" and "true" in row["because"] for row in events)


@pytest.mark.parametrize("container", ["nope", "ä"])
def test_a_container_that_is_not_there_is_named_in_the_close(plane, container):
    with running(plane, container, "true") as socket:
        _, code = read(socket)
        assert (code, socket.close_reason) == (4409, f"there is no container {container}")


def test_a_long_reason_is_cut_so_that_it_still_arrives(plane):
    with running(plane, "ä" * 90, "true") as socket:
        _, code = read(socket)
    assert code == 4409


def test_without_a_command_nothing_is_accepted(plane, chat):
    with pytest.raises(InvalidStatus) as refused, running(plane, chat):
        pass
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize(
    "frame",
    [b"", "text", SIZE + b"no json", SIZE + b'{"columns": "x"}', SIZE + b"[" * 9999,
     IN + b"x" * (256 * 1024 + 1)],
    ids=["empty", "text", "no json", "no number", "deep", "large"],
)  # fmt: skip
def test_a_frame_that_cannot_be_ends_the_command_and_headway_goes_on(plane, client, chat, frame):
    with running(plane, chat, "sleep", "4713") as socket:
        wait_for(lambda: processes(plane, chat, "4713") == 1)
        socket.send(frame)
        came, code = read(socket)
    assert came[END] == b""
    assert code != 1000
    wait_for(lambda: processes(plane, chat, "4713") == 0)
    assert client.get("/healthz").status_code == 200


@pytest.mark.parametrize("frame", [b"", "text", SIZE + b"no json"], ids=["empty", "text", "size"])
def test_the_close_after_a_bad_frame_blames_the_frame(plane, chat, frame):
    with running(plane, chat, "cat") as socket:
        socket.send(frame)
        _, code = read(socket)
    assert code in (1003, 1007, 1008)


def test_a_size_that_no_terminal_has_does_not_end_the_command(plane, chat):
    with running(plane, chat, "cat", terminal=True) as socket:
        socket.send(SIZE + b'{"columns": -1, "rows": 5}')
        socket.send(IN + b"still\n")
        socket.send(IN + b"\x04")
        came, _ = read(socket)
    assert b"still" in came[OUT]
    assert json.loads(came[END]) == {"status": 0}


@pytest.mark.parametrize("word", ["", "a\0b"], ids=["empty", "with a zero byte"])
def test_a_command_that_cannot_be_is_explained_without_a_traceback(plane, chat, word):
    with running(plane, chat, word) as socket:
        came, _ = read(socket)
    assert b"Traceback" not in came[ERR]


def test_commands_end_when_headway_stops_and_the_container_goes_on(own):
    identity = bring_up_chat(own)
    with own.client() as client:
        before = client.get(f"/v1/containers/{identity}").json()
    with running(own, identity, "sleep", "4714") as socket:
        own.stop()
        came, code = read(socket)
    assert (came[END], code) == (b"", 1012)
    again = ControlPlane(own.data)
    again.start()
    try:
        with again.client() as client:
            now = client.get(f"/v1/containers/{identity}").json()
        assert (now["state"], now["started_at"]) == ("healthy", before["started_at"])
        wait_for(lambda: processes(again, identity, "4714") == 0)
    finally:
        again.stop()
