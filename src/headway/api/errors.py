"""Every error as a problem (RFC 9457): what, why, and what to do next."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, TypeVar

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from headway.api.mistakes import mistake, undecoded
from headway.control.errors import HeadwayError, Invalid
from headway.control.refusals import UNAVAILABLE, refusal, refused
from headway.formats.units import counted, render_size
from headway.model.problem import Problem
from headway.model.view.refusal import Refusal

T = TypeVar("T")
FORESEEN = (HeadwayError, *UNAVAILABLE, RequestValidationError, HTTPException)
"""What an endpoint may raise without a mistake of headway's."""
_PROBLEMS_MAX = 50
_REASON_BYTES_MAX = 123


def problem(refusal: Refusal) -> Response:
    """Answer with a problem."""
    return Response(
        msgspec.json.encode(refusal),
        status_code=refusal.status,
        media_type="application/problem+json",
    )


class TooLarge(HTTPException):
    """More came than may come."""

    def __init__(self, most_bytes: int) -> None:
        super().__init__(413)
        self.most_bytes = most_bytes


class NoMore(HTTPException):
    """Who asks was good when the request began, and is not any more."""

    def __init__(self) -> None:
        super().__init__(401, "the token or session ended while the request was coming")


def too_large(most_bytes: int, hint: str = "") -> Response:
    """Answer that a request is too large; nobody reads the rest of it."""
    detail = f"a request here may have at most {render_size(most_bytes)}"
    response = problem(refusal(413, "too-large", detail, hint))
    response.headers["connection"] = "close"
    return response


def _no_more(error: NoMore) -> Response:
    """Answer that the rest of a request came too late; nobody reads it."""
    response = problem(refusal(error.status_code, "unauthenticated", str(error.detail)))
    response.headers["connection"] = "close"
    return response


def install(app: FastAPI) -> None:
    """Have every error of an app answered as a problem."""
    for kind in (*FORESEEN, Exception):
        app.add_exception_handler(kind, _explained)


async def _explained(request: Request, error: Exception) -> Response:
    return explained(error, request.url.path)


def explained(error: Exception, path: str) -> Response:
    """Answer with what an error says."""
    if isinstance(error, TooLarge):
        return too_large(error.most_bytes)
    if isinstance(error, NoMore):
        return _no_more(error)
    if isinstance(error, HTTPException):
        words = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
        response = problem(refusal(error.status_code, words, str(error.detail)))
        response.headers.update(error.headers or {})
        return response
    if isinstance(error, RequestValidationError):
        error = invalid(error.errors())
    return problem(refused(error, path))


def invalid(rows: Sequence[Mapping[str, Any]]) -> Invalid:
    """Say what is wrong with a request, as pydantic found it."""
    problems = tuple(mistake(row) for row in rows[:_PROBLEMS_MAX])
    shown = "" if len(rows) <= _PROBLEMS_MAX else f"; the first {_PROBLEMS_MAX} follow"
    because = f"the request has {counted(len(rows), 'mistake')}{shown}"
    return Invalid("request-invalid", because, problems=problems)


def decoded(body: bytes, kind: type[T]) -> T:
    """Read a body without pydantic.

    Raises:
        Invalid: It is not what is asked for.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.DecodeError as error:
        found = undecoded(error)
    except RecursionError:
        found = Problem(message="the body is nested too deeply")
    raise Invalid("request-invalid", f"the request: {found.message}", problems=(found,))


async def deny(scope: Scope, receive: Receive, send: Send, why: Refusal) -> None:
    """Answer with a problem, before an endpoint has been reached."""
    if scope["type"] != "websocket":
        await problem(why)(scope, receive, send)
        return
    await receive()  # that somebody wants to connect
    if why.status != HTTPStatus.UNAUTHORIZED:  # only what is accepted can be closed with a reason
        await send({"type": "websocket.accept"})
    told = why.hint or why.detail
    await send({"type": "websocket.close", "code": 4000 + why.status, "reason": cut(told)})


def cut(text: str) -> str:
    """Cut a text to what a WebSocket's close can carry."""
    return text.encode()[:_REASON_BYTES_MAX].decode(errors="ignore")
