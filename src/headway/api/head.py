"""HTTP as llhttp reads it, with a bound on what it keeps without one: heads and trailers."""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_BYTES = 64 * 1024
_REFUSED = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)


class BoundedHttp(HttpToolsProtocol):
    """One connection."""

    _kept_bytes = 0
    """Came since a head was complete or a part of a body was passed on."""
    _passed_on = False
    """Whether either happened by what came last."""

    def data_received(self, data: bytes) -> None:
        """Hear some bytes."""
        self._passed_on = False
        super().data_received(data)
        self._kept_bytes = 0 if self._passed_on else self._kept_bytes + len(data)
        if self._kept_bytes > HEAD_BYTES and not self.transport.is_closing():
            self.transport.write(_REFUSED)
            self.transport.close()

    def on_headers_complete(self) -> None:
        """Hear that a head has ended."""
        self._passed_on = True
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Hear a part of a body."""
        self._passed_on = True
        super().on_body(body)
