"""What the head of an answer says of its body."""

import io
import socket
import threading
from http.client import BadStatusLine, HTTPException, LineTooLong, RemoteDisconnected

import pytest

from headway.sdk.connection import Broken, Connection
from headway.sdk.head import Head


def head(*lines: str) -> Head:
    return Head.read(io.BytesIO("\r\n".join((*lines, "", "left")).encode()))


def test_a_length_is_read_however_its_name_is_written():
    stream = io.BytesIO(b"HTTP/1.1 200 OK\r\nContent-LENGTH:  12 \r\n\r\nbody")
    assert Head.read(stream) == Head(11, 200, "OK", 12, is_chunked=False, is_last=False)
    assert stream.read() == b"body"


@pytest.mark.parametrize(
    ("lines", "is_last"),
    [
        (("HTTP/1.1 200 OK", "content-length: 1"), False),
        (("HTTP/1.1 200 OK", "content-length: 1", "connection: Close"), True),
        (("HTTP/1.1 200 OK",), True),
        (("HTTP/1.1 200 OK", "transfer-encoding: Chunked", "content-length: 3"), False),
        (("HTTP/1.1 204", "server: x"), False),
        (("HTTP/1.0 200 OK", "content-length: 1"), True),
        (("HTTP/1.0 200 OK", "content-length: 1", "connection: keep-alive"), False),
    ],
)
def test_a_connection_goes_on_where_the_end_of_the_body_is_known(lines, is_last):
    assert head(*lines).is_last is is_last


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (b"", RemoteDisconnected),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n", RemoteDisconnected),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", BadStatusLine),
        (b"HTTP/1.1 two OK\r\n\r\n", BadStatusLine),
        (b"HTTP/1.1 200 OK\r\n" + b"x" * 70_000, LineTooLong),
        (b"HTTP/1.1 200 OK\r\n" + b"".join(b"x%d: y\r\n" % n for n in range(102)), HTTPException),
    ],
)
def test_what_is_no_head_is_refused(said, error):
    with pytest.raises(error):
        Head.read(io.BytesIO(said))


def answered(*said: bytes) -> list[bytes]:
    """Ask once for each answer; the other side hangs up behind the last."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                for one in said:
                    connection.recv(10_000)
                    connection.sendall(one)

        thread = threading.Thread(target=serve)
        thread.start()
        asking = Connection(f"http://127.0.0.1:{listener.getsockname()[1]}")
        try:
            return [asking.ask("GET", "/", None, {}).content for _ in said]
        finally:
            asking.close()
            thread.join()


def test_bodies_are_read_whole_by_length_by_chunks_and_to_the_end():
    length = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\none"
    chunks = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\ntw\r\n1\r\no\r\n0\r\n\r\n"
    nothing = b"HTTP/1.1 204 No Content\r\n\r\n"
    end = b"HTTP/1.1 200 OK\r\n\r\nthree"
    assert answered(length, chunks, nothing, end) == [b"one", b"two", b"", b"three"]


def test_half_a_body_is_no_answer():
    with pytest.raises(Broken):
        answered(b"HTTP/1.1 200 OK\r\ncontent-length: 30\r\n\r\none")
