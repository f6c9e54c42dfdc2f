import asyncio
import os
import re
import socket

import pytest
from fastapi import FastAPI

from headway.api import server
from headway.machine.listening import PortTaken, listen
from headway.serve.installation import Refused
from tests.integration.api.control_plane import ControlPlane, connected, free_port, read_answer


def test_a_taken_port_names_its_holder_and_what_to_do():
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        with pytest.raises(PortTaken) as taken:
            listen("127.0.0.1", port, option="--port", backlog=5)
    assert f"port {port}" in str(taken.value)
    assert f"pid {os.getpid()}" in str(taken.value)
    assert "--port" in str(taken.value)


async def test_a_server_told_to_stop_lets_go_of_its_port():
    stop, port = asyncio.Event(), free_port()
    listener = listen("127.0.0.1", port, option="--port", backlog=5)
    serving = asyncio.create_task(server.serve(FastAPI(), listener, stop=stop))
    while not serving.done():
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            break
        except OSError:
            await asyncio.sleep(0.01)
    stop.set()
    await asyncio.wait_for(serving, 10)
    writer.close()
    with socket.socket() as next_one:
        next_one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        next_one.bind(("127.0.0.1", port))


async def test_a_request_that_never_ends_does_not_hold_up_the_stop():
    app, stop, port = FastAPI(), asyncio.Event(), free_port()
    held = asyncio.Event()

    @app.get("/")
    async def forever() -> None:
        held.set()
        await asyncio.Event().wait()

    listener = listen("127.0.0.1", port, option="--port", backlog=5)
    serving = asyncio.create_task(server.serve(app, listener, stop=stop))
    while True:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            break
        except OSError:
            await asyncio.sleep(0.01)
    writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    await asyncio.wait_for(held.wait(), 10)
    stop.set()
    await asyncio.wait_for(serving, 20)
    assert not (await reader.read()).startswith(b"HTTP/1.1 200")
    writer.close()
    listener.close()


def test_a_stop_while_nothing_is_asked_ends_within_the_grace(own):
    with connected(own.port) as idle:
        own.stop()
        assert idle.recv(1) == b""
    assert not (own.data / "server.json").exists()


def test_a_second_control_plane_on_the_port_is_refused_and_the_first_goes_on(own, tmp_path_factory):
    """The store and the agent of the second are its own, so only the port is in its way."""
    second = ControlPlane(tmp_path_factory.mktemp("2") / "data", port=own.port)
    with pytest.raises(Refused, match=f"port {own.port} is taken"):
        second.run_to_its_end()
    second.clear_leftovers()
    with own.client() as client:
        assert client.get("/healthz").status_code == 200


def test_what_is_set_in_the_environment_and_means_nothing_is_refused_before_anything_runs(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("HEADWAY_CPU_OVERCOMMIT", "abc")
    with pytest.raises(Refused, match=r"HEADWAY_CPU_OVERCOMMIT is 'abc' .* from 0.1 to 100"):
        ControlPlane(tmp_path / "data").run_to_its_end()
    assert not list((tmp_path / "data").glob("router*"))


def test_requests_sent_at_once_over_one_connection_are_answered_in_order(plane):
    token = f"Authorization: Bearer {plane.token}"
    with connected(plane.port) as raw:
        for path in ("/nowhere", "/healthz"):
            raw.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{token}\r\n\r\n".encode())
        received = b""
        while b'"status":"ok"' not in received:
            chunk = raw.recv(65536)
            assert chunk, f"closed after {received!r}"
            received += chunk
    assert re.findall(rb"HTTP/1.1 (\d+)", received) == [b"404", b"200"]


def test_a_head_sent_byte_by_byte_is_answered(plane):
    with connected(plane.port) as raw:
        for byte in b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n":
            raw.sendall(bytes([byte]))
        assert read_answer(raw)[0] == 200
