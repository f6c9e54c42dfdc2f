"""The head of an answer of HTTP/1.1, as far as it says how the body is read."""

from http.client import (
    NO_CONTENT,
    NOT_MODIFIED,
    BadStatusLine,
    HTTPException,
    LineTooLong,
    RemoteDisconnected,
)
from typing import NamedTuple, Protocol, Self

_LINE_MAX = 65536
_FIELDS_MAX = 100


class Stream(Protocol):
    """What the head is read from."""

    def readline(self, size: int, /) -> bytes:
        """Give the next line, or so much of it."""
        ...


class Head(NamedTuple):
    """One head."""

    version: int
    status: int
    reason: str
    length: int | None
    """Of the body, where the head says it and the body has no chunks of its own."""
    is_chunked: bool
    is_last: bool
    """Whether the connection ends with this answer."""

    @classmethod
    def read(cls, stream: Stream) -> Self:
        """Read a head, to the empty line behind it.

        Raises:
            HTTPException: It is none, or the connection was closed before it.
        """
        version, status, reason = _status(_line(stream))
        fields: dict[bytes, bytes] = {}
        while line := _line(stream).strip():
            name, _, value = line.partition(b":")
            fields[name.strip().lower()] = value.strip()
            if len(fields) > _FIELDS_MAX:
                raise HTTPException(f"its head has more than {_FIELDS_MAX} fields")
        is_chunked = fields.get(b"transfer-encoding", b"").lower() == b"chunked"
        given = fields.get(b"content-length", b"")
        length = int(given) if given.isdigit() and not is_chunked else None
        if status in (NO_CONTENT, NOT_MODIFIED):  # nothing follows, whatever is said of it
            length, is_chunked = 0, False
        asked = fields.get(b"connection", b"").lower()
        ends = b"close" in asked or (version < 11 and b"keep-alive" not in asked)
        has_end = is_chunked or length is not None
        return cls(version, status, reason, length, is_chunked, ends or not has_end)


def _line(stream: Stream) -> bytes:
    line = stream.readline(_LINE_MAX + 1)
    if not line:
        raise RemoteDisconnected("it hung up before an answer")
    if len(line) > _LINE_MAX:
        raise LineTooLong("header line")
    return line


def _status(line: bytes) -> tuple[int, int, str]:
    """Read `HTTP/1.1 200 OK`."""
    protocol, _, rest = line.partition(b" ")
    status, _, reason = rest.strip().partition(b" ")
    if not (protocol.startswith(b"HTTP/1.") and len(status) == 3 and status.isdigit()):
        raise BadStatusLine(repr(line[:200]))
    return 10 if protocol == b"HTTP/1.0" else 11, int(status), reason.decode("iso-8859-1")
