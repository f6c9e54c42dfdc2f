"""One connection to a headway, kept from request to request. Needs the standard library only."""

import http.client
from collections.abc import Mapping
from contextlib import suppress
from typing import NamedTuple
from urllib.parse import urlsplit

from headway.sdk.head import Head

_CONNECT_S = 5.0
_ANSWER_S = 60.0


class Broken(Exception):
    """The connection cannot be made, or broke before the answer was whole."""


class Silent(Exception):
    """Nothing was answered in time, or the address is none."""


class Answer(NamedTuple):
    """What was answered."""

    status: int
    content: bytes


class _Response(http.client.HTTPResponse):
    """An answer whose head is read without the library for e-mail.

    That reads a head as a message with defects, folded lines and encoded words, in a third of the
    time that the caller of a job spends.
    """

    def begin(self) -> None:
        """Read the head. The library reads the body by what is noted here."""
        head = Head.read(self.fp)
        while head.status == http.client.CONTINUE:
            head = Head.read(self.fp)
        self.version, self.status, self.reason = head.version, head.status, head.reason
        self.chunked, self.chunk_left = head.is_chunked, None
        self.length = head.length
        self.will_close = head.is_last


class Connection:
    """Not to be shared between threads. Requests are such as may be sent twice."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._base = urlsplit(url).path.rstrip("/")
        self._open: http.client.HTTPConnection | None = None

    def ask(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        """Send a request and read its answer.

        Raises:
            Broken: Nobody listens, or the connection broke; asking again may help.
            Silent: It would not.
        """
        if self._open is not None:
            try:
                return self._asked(self._open, method, path, body, headers)
            except Broken:  # the other side has let it go meanwhile
                pass
        return self._asked(self._made(), method, path, body, headers)

    def close(self) -> None:
        """Let go of it."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def _made(self) -> http.client.HTTPConnection:
        made = _of(self._url)
        try:
            made.connect()
        except TimeoutError as error:
            raise Silent(str(error)) from error
        except (OSError, UnicodeError) as error:
            raise Broken(str(error)) from error
        made.sock.settimeout(_ANSWER_S)
        self._open = made
        return made

    def _asked(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        body: bytes | None,
        headers: Mapping[str, str],
    ) -> Answer:
        try:
            with suppress(BrokenPipeError, ConnectionResetError):
                # Who does not want all of it closes before all is sent, and has said why.
                connection.request(method, self._base + path, body, headers)
            answer = connection.getresponse()
            return Answer(answer.status, answer.read())
        except TimeoutError as error:
            self.close()
            raise Silent(str(error)) from error
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise Broken(str(error)) from error


def _of(url: str) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        host = None
    if host and parts.scheme == "http":
        made = http.client.HTTPConnection(host, port, timeout=_CONNECT_S)
    elif host and parts.scheme == "https":
        made = http.client.HTTPSConnection(host, port, timeout=_CONNECT_S)
    else:
        raise Silent("it is no http:// or https:// address")
    made.response_class = _Response
    return made
