"""Gives unique numbers over HTTP, with nothing but Python's own library.

`POST /orders` and `POST /carts` answer 201 with `{"id": "O-00DX-8Y3T-0GK4"}`.
"""

import json
import os
import signal
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from log import log
from sequence import Sequence

KINDS = {"/orders": "O", "/carts": "C"}
BODY_BYTES_MAX = 1024
THREADS_MAX = 32
sequence = Sequence()


class Handler(BaseHTTPRequestHandler):
    timeout = 5  # seconds for a client that sends slowly

    def do_GET(self) -> None:
        if self.path == "/health":
            self._answer(200, {"status": "ok"})
        elif self.path in KINDS:
            self._answer(405, {"error": "use POST"}, {"Allow": "POST"})
        else:
            self._answer(404, {"error": f"only {' and '.join(KINDS)} are here"})

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal() or int(length) > BODY_BYTES_MAX:
            self._answer(413, {"error": f"a body has at most {BODY_BYTES_MAX} bytes"})
            return
        self.rfile.read(int(length))
        kind = KINDS.get(self.path)
        if kind is None:
            self._answer(404, {"error": f"only {' and '.join(KINDS)} are here"})
            return
        self._answer(201, {"id": f"{kind}-{sequence.next()}"})

    def _answer(self, status: int, body: dict, headers: dict | None = None) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_request(self, code: object = "-", size: object = "-") -> None:
        if self.path != "/health":
            log("request", method=self.command, path=self.path, status=int(code))

    def log_message(self, format: str, *args: object) -> None:
        log("trouble", what=format % args)


class Server(ThreadingHTTPServer):
    daemon_threads = False  # closing waits for the requests in flight
    request_queue_size = 128
    _free = threading.BoundedSemaphore(THREADS_MAX)

    def process_request(self, request: object, client_address: object) -> None:
        self._free.acquire()  # more than these wait in the system's queue
        super().process_request(request, client_address)

    def process_request_thread(self, request: object, client_address: object) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()


def main() -> None:
    server = Server(("127.0.0.1", int(os.environ["PORT"])), Handler)
    # `shutdown` waits for the loop that this signal interrupts, so another thread calls it.
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    log("listening", port=server.server_port)
    server.serve_forever(poll_interval=0.1)
    server.server_close()
    log("stopped")


if __name__ == "__main__":
    main()
