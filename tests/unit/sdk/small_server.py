"""A real HTTP server in a thread, that answers what a test tells it to."""

import http.server
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec

Answer = Callable[["Asked"], None]


class Asked(http.server.BaseHTTPRequestHandler):
    """One request, and the means to answer it."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Keep quiet."""

    def _answer(self) -> None:
        server = self.server
        assert isinstance(server, SmallServer)
        length = int(self.headers.get("content-length") or 0)
        self.body = self.rfile.read(length)
        server.asked.append((self.command, self.path, dict(self.headers), self.body))
        server.answer(self)

    do_GET = do_POST = do_PATCH = do_DELETE = _answer  # noqa: N815 (the library chose the names)

    def json(self, value: object, status: int = 200) -> None:
        """Answer with a value."""
        content = msgspec.json.encode(value)
        self.send_response(status)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def begin_stream(self) -> None:
        """Answer with a stream that ends with the connection."""
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        self.wfile.flush()
        self.close_connection = True

    def event(self, identity: object, value: object) -> None:
        """Send one event of a stream."""
        data = msgspec.json.encode(value)
        self.wfile.write(b"id: %s\ndata: %s\n\n" % (str(identity).encode(), data))
        self.wfile.flush()

    def hang_up(self) -> None:
        """Close the connection without an answer."""
        self.close_connection = True


class SmallServer(http.server.ThreadingHTTPServer):
    """Remembers what it was asked, in order."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Asked)
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []
        self.answer: Answer = lambda asked: asked.json({})
        self.over = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


@contextmanager
def small_server() -> Iterator[SmallServer]:
    server = SmallServer()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        server.shutdown()
        thread.join()
        server.server_close()
