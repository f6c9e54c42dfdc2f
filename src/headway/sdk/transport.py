"""Requests and streams over HTTP, kept going while headway is restarted.

Requests go over one connection of the standard library: who invokes a job pays a third of what it
pays for a request of httpx2. Streams, and what is sent as one, are httpx2's.
"""

import re
import secrets
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from headway.model.view.page import Page
from headway.model.view.refusal import Refusal
from headway.sdk.connection import Answer, Broken, Connection, Silent
from headway.sdk.errors import RefusedError, SdkError, UnreachableError

if TYPE_CHECKING:
    import httpx2

T = TypeVar("T")
_PATIENCE_S = 10.0
"""How long a request is tried again while nobody answers: a restart takes a second or two."""
_AGAIN_S = 0.2
_ERRNO = re.compile(r"^\[Errno -?\d+\] ")
_SILENCE_S = 60.0
_PAGE = 500
"""Rows of a list that are asked for at once."""
HEARTBEAT_S = 15.0
_LATE_S = 2.0
"""So late a heartbeat may be before the connection counts as broken."""


class Transport:
    """Speaks with one headway. Not to be shared between threads."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self.token = token
        self._connection = Connection(url)
        self._client: httpx2.Client | None = None

    def _http(self) -> "httpx2.Client":
        if self._client is None:
            import httpx2

            self._client = httpx2.Client(
                base_url=self.url,
                headers={"authorization": f"Bearer {self.token}"},
                timeout=httpx2.Timeout(60.0, connect=5.0),
                trust_env=False,
                # Reading the machine's certificates takes 40 ms, for nothing where there is no TLS.
                verify=self.url.startswith("https:"),
            )
        return self._client

    def close(self) -> None:
        """Let go of the connections."""
        self._connection.close()
        if self._client is not None:
            self._client.close()

    def call(
        self,
        method: str,
        path: str,
        kind: type[T],
        *,
        query: dict[str, Any] | None = None,
        body: dict[str, Any] | None = None,
        content: Iterator[bytes] | None = None,
        once: bool = False,
    ) -> T:
        """Ask, and give the answer as a value of this kind.

        Asking again is harmless: what changes something carries a key by which it is done once,
        unless the body itself sees to that, which `once` says.

        Raises:
            RefusedError: Headway refused.
            UnreachableError: Nobody answered for ten seconds.
        """
        headers = {} if method == "GET" or once else {"idempotency-key": secrets.token_hex(16)}
        if content is not None:
            answer = self._upload(method, path + _asked(query), content, headers)
        else:
            answer = self._ask(method, path + _asked(query), body, headers)
        check(*answer)
        return self._decoded(answer.content, kind)

    def every(self, path: str, kind: type[T]) -> list[T]:
        """Give all of a list, page by page.

        Raises:
            RefusedError: Headway refused.
            UnreachableError: Nobody answered for ten seconds.
        """
        rows: list[T] = []
        after: str | None = None
        while True:
            page = self.call("GET", path, Page, query={"limit": _PAGE, "after": after})
            rows += [msgspec.convert(item, kind) for item in page.items]
            if page.next is None:
                return rows
            after = page.next

    def _ask(
        self, method: str, path: str, body: dict[str, Any] | None, headers: dict[str, str]
    ) -> Answer:
        headers["authorization"] = f"Bearer {self.token}"
        sent = None
        if body is not None:
            headers["content-type"] = "application/json"
            sent = msgspec.json.encode(body)
        ends_at = time.monotonic() + _PATIENCE_S
        while True:
            try:
                return self._connection.ask(method, path, sent, headers)
            except Broken as error:
                if time.monotonic() > ends_at:
                    raise self._nobody(error) from error
                time.sleep(_AGAIN_S)
            except Silent as error:
                raise UnreachableError(f"{self.url} did not answer: {error}") from error

    def _upload(
        self, method: str, path: str, content: Iterator[bytes], headers: dict[str, str]
    ) -> Answer:
        """Send what cannot be sent again."""
        import httpx2

        try:
            answer = self._http().request(method, path, content=content, headers=headers)
        except (httpx2.ConnectError, httpx2.ReadError, httpx2.RemoteProtocolError) as error:
            raise self._nobody(error) from error
        except httpx2.HTTPError as error:
            raise UnreachableError(f"{self.url} did not answer: {error}") from error
        return Answer(answer.status_code, answer.content)

    def _nobody(self, error: Exception | None) -> UnreachableError:
        """Say that nobody answers, in words: the number of an error of the system says nothing."""
        return UnreachableError(f"nobody answers at {self.url}: {_ERRNO.sub('', str(error))}")

    def _decoded(self, content: bytes, kind: type[T]) -> T:
        try:
            return msgspec.json.decode(content, type=kind)
        except msgspec.DecodeError as error:
            raise SdkError(f"what answers at {self.url} is not this headway: {error}") from error

    def lines(self, path: str, kind: type[T], query: dict[str, Any] | None = None) -> Iterator[T]:
        """Give the lines of a stream as values, until it ends.

        Raises:
            RefusedError: Headway refused.
            UnreachableError: Nobody answers, or the stream broke off before its end.
        """
        import httpx2

        try:
            for line in self._stream(path, query, {}):
                if line.strip():
                    yield self._decoded(line.encode(), kind)
        except httpx2.HTTPError as error:
            raise UnreachableError(f"the answer of {self.url} broke off: {error}") from error

    def lines_resumed(
        self, path: str, kind: type[T], query: Callable[[], dict[str, Any]]
    ) -> Iterator[T]:
        """Give the lines of a stream as values, until it ends, over restarts of headway.

        When the stream breaks off, `query` says how to ask for what follows what was seen.

        Raises:
            RefusedError: Headway refused.
            UnreachableError: Nobody answered for ten seconds.
        """
        for line in self._resumed(path, lambda: (query(), {}), endless=False):
            if line.strip():
                yield self._decoded(line.encode(), kind)

    def events(
        self,
        path: str,
        kind: type[T],
        query: Callable[[], dict[str, Any]],
        *,
        heartbeat_s: float = HEARTBEAT_S,
    ) -> Iterator[tuple[str, T | None]]:
        """Give server-sent events as (id, value), without end; None now and then between them.

        When the connection breaks, it is opened again behind the last id that was seen, and as
        `query` says by then.

        Raises:
            RefusedError: Headway refused.
            UnreachableError: Nobody answered for ten seconds.
        """
        last = ""

        def ask() -> tuple[dict[str, Any], dict[str, str]]:
            resumed = {"last-event-id": last} if last else {}
            asked = query() | {"heartbeat": heartbeat_s}
            return asked, {"accept": "text/event-stream"} | resumed

        identity = ""
        for line in self._resumed(path, ask, endless=True, silence_s=heartbeat_s + _LATE_S):
            if not line or line.startswith(":"):
                yield "", None
            elif line.startswith("id: "):
                identity = line[4:]
            elif line.startswith("data: "):
                value = self._decoded(line[6:].encode(), kind)
                last = identity or last
                yield identity, value

    def _resumed(
        self,
        path: str,
        ask: Callable[[], tuple[dict[str, Any], dict[str, str]]],
        *,
        endless: bool,
        silence_s: float = _SILENCE_S,
    ) -> Iterator[str]:
        """Give lines, and ask again for what follows when the connection breaks.

        Endless streams give an empty line before each further try.
        """
        import httpx2

        broke_at: float | None = None
        while True:
            problem: httpx2.HTTPError | None = None
            try:
                query, headers = ask()
                for line in self._stream(path, query, headers, silence_s):
                    broke_at = None
                    yield line
                if not endless:
                    return
            except httpx2.HTTPError as error:
                problem = error
            now = time.monotonic()
            broke_at = now if broke_at is None else broke_at
            if now - broke_at > _PATIENCE_S:
                raise self._nobody(problem) from problem
            time.sleep(_AGAIN_S)
            if endless:
                yield ""

    def _stream(
        self,
        path: str,
        query: dict[str, Any] | None,
        headers: dict[str, str],
        silence_s: float = _SILENCE_S,
    ) -> Iterator[str]:
        import httpx2

        timeout = httpx2.Timeout(silence_s, connect=5.0)
        with self._http().stream(
            "GET", path, params=_given(query), headers=headers, timeout=timeout
        ) as answer:
            if answer.status_code >= 400:
                check(answer.status_code, answer.read())
            yield from _lines(answer.iter_bytes())


def _lines(chunks: Iterator[bytes]) -> Iterator[str]:
    """Cut at line feeds only: a value may hold the other characters that end a line in Unicode."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line.decode(errors="replace")
    if rest:
        yield rest.decode(errors="replace")


def part(name: str) -> str:
    """Write a name so that it is one part of a path, whatever is in it."""
    return quote(name, safe="")


def path_of(name: str) -> str:
    """Write `app/job` as a part of an address."""
    return "/".join(part(word) for word in name.split("/"))


def check(status: int, content: bytes) -> None:
    """Raise what an answer refuses."""
    if status < 400:
        return
    try:
        refusal = msgspec.json.decode(content, type=Refusal)
    except msgspec.DecodeError:
        shown = content[:200].decode(errors="replace")
        refusal = Refusal(
            type="", title="", status=status, detail=f"HTTP {status}: {shown}", code="unknown"
        )
    raise RefusedError(refusal)


def _given(query: dict[str, Any] | None) -> dict[str, Any] | None:
    if query is None:
        return None
    return {key: value for key, value in query.items() if value is not None}


def _asked(query: dict[str, Any] | None) -> str:
    """Write a query behind a path."""
    given = _given(query)
    if not given:
        return ""
    words = {
        key: str(value).lower() if isinstance(value, bool) else value
        for key, value in given.items()
    }
    return "?" + urlencode(words, doseq=True)
