"""Requests and streams over HTTP, kept going while headway is restarted."""

import secrets
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

import msgspec

from headway.model.view import Refusal
from headway.sdk.errors import RefusedError, SdkError, UnreachableError

if TYPE_CHECKING:
    import httpx2

T = TypeVar("T")
_PATIENCE_S = 10.0
"""How long a request is tried again while nobody answers: a restart takes a second or two."""


class Transport:
    """Speaks with one headway. Not to be shared between threads."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self.token = token
        self._client: httpx2.Client | None = None

    def _http(self) -> "httpx2.Client":
        if self._client is None:
            import httpx2

            self._client = httpx2.Client(
                base_url=self.url,
                headers={"authorization": f"Bearer {self.token}"},
                timeout=httpx2.Timeout(60.0, connect=5.0),
                trust_env=False,
            )
        return self._client

    def close(self) -> None:
        """Let go of the connections."""
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
    ) -> T:
        """Ask, and give the answer as a value of this kind.

        Asking again is harmless: what changes something carries a key by which it is done once.

        Raises:
            RefusedError: Headway refused.
            UnreachableError: Nobody answered for ten seconds.
        """
        import httpx2

        headers = {} if method == "GET" else {"idempotency-key": secrets.token_hex(16)}
        if body is not None:
            headers["content-type"] = "application/json"
        ends_at = time.monotonic() + _PATIENCE_S
        while True:
            try:
                answer = self._http().request(
                    method,
                    path,
                    params=_given(query),
                    content=msgspec.json.encode(body) if body is not None else content,
                    headers=headers,
                )
                break
            except (httpx2.ConnectError, httpx2.ReadError, httpx2.RemoteProtocolError) as error:
                if content is not None or time.monotonic() > ends_at:
                    raise UnreachableError(f"nobody answers at {self.url}: {error}") from error
                time.sleep(0.2)
            except httpx2.HTTPError as error:
                raise UnreachableError(f"{self.url} did not answer: {error}") from error
        check(answer.status_code, answer.content)
        return self._decoded(answer.content, kind)

    def _decoded(self, content: bytes, kind: type[T]) -> T:
        try:
            return msgspec.json.decode(content, type=kind)
        except msgspec.DecodeError as error:
            raise SdkError(f"what answers at {self.url} is not this headway: {error}") from error

    def lines(self, path: str, kind: type[T], query: dict[str, Any] | None = None) -> Iterator[T]:
        """Give the lines of a stream as values, until it ends."""
        import httpx2

        timeout = httpx2.Timeout(60.0, connect=5.0)
        with self._http().stream("GET", path, params=_given(query), timeout=timeout) as answer:
            if answer.status_code >= 400:
                check(answer.status_code, answer.read())
            for line in answer.iter_lines():
                if line.strip():
                    yield msgspec.json.decode(line.encode(), type=kind)

    def events(
        self, path: str, kind: type[T], query: dict[str, Any] | None = None
    ) -> Iterator[tuple[str, T]]:
        """Give server-sent events as (id, value), without end.

        When the connection breaks, it is opened again behind the last id that was seen.

        Raises:
            RefusedError: Headway refused.
            UnreachableError: Nobody answered for ten seconds.
        """
        import httpx2

        last = ""
        patience_ends_at = time.monotonic() + _PATIENCE_S
        while True:
            try:
                for identity, value in self._connected(path, kind, query, last):
                    last = identity or last
                    patience_ends_at = time.monotonic() + _PATIENCE_S
                    if value is not None:
                        yield identity, value
            except httpx2.HTTPError as error:
                if time.monotonic() > patience_ends_at:
                    raise UnreachableError(f"nobody answers at {self.url}: {error}") from error
            time.sleep(0.2)

    def _connected(
        self, path: str, kind: type[T], query: dict[str, Any] | None, last: str
    ) -> Iterator[tuple[str, T | None]]:
        import httpx2

        headers = {"accept": "text/event-stream"}
        if last:
            headers["last-event-id"] = last
        timeout = httpx2.Timeout(60.0, connect=5.0)
        with self._http().stream(
            "GET", path, params=_given(query), headers=headers, timeout=timeout
        ) as answer:
            if answer.status_code >= 400:
                check(answer.status_code, answer.read())
            identity = ""
            for line in answer.iter_lines():
                if line.startswith("id: "):
                    identity = line[4:]
                elif line.startswith("data: "):
                    yield identity, self._decoded(line[6:].encode(), kind)
                elif line.startswith(":"):
                    yield "", None


def part(name: str) -> str:
    """Write a name so that it is one part of a path, whatever is in it."""
    return quote(name, safe="")


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
