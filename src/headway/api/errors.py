"""Every error as a problem (RFC 9457): what, why, and what to do next."""

import secrets
from http import HTTPStatus

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from headway.control.errors import (
    Conflict,
    HeadwayError,
    Invalid,
    NotAllowed,
    NotFound,
    Unavailable,
)
from headway.formats.units import counted, render_size
from headway.machine.own_log import Log
from headway.model.problem import Problem
from headway.model.view import Refusal
from headway.ports.engine import EngineError
from headway.ports.router import RouterError
from headway.ports.store import Stale, StoreError

_log = Log()
_PROBLEMS_MAX = 50
_STATUS: tuple[tuple[type[Exception], int], ...] = (
    (NotFound, 404),
    (Conflict, 409),
    (Invalid, 422),
    (NotAllowed, 403),
    (Unavailable, 503),
)


def problem(refusal: Refusal) -> Response:
    """Answer with a problem."""
    return Response(
        msgspec.json.encode(refusal),
        status_code=refusal.status,
        media_type="application/problem+json",
    )


def refusal(status: int, code: str, detail: str, hint: str = "") -> Refusal:
    """Make a problem."""
    return Refusal(
        type=f"urn:headway:problem:{code}",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        code=code,
        hint=hint,
    )


class TooLarge(HTTPException):
    """More came than may come."""

    def __init__(self, most_bytes: int) -> None:
        super().__init__(413)
        self.most_bytes = most_bytes


def too_large(most_bytes: int) -> Response:
    """Answer that a request is too large; nobody reads the rest of it."""
    detail = f"a request here may have at most {render_size(most_bytes)}"
    response = problem(refusal(413, "too-large", detail))
    response.headers["connection"] = "close"
    return response


def install(app: FastAPI) -> None:
    """Have every error of an app answered as a problem."""
    app.add_exception_handler(HeadwayError, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(TooLarge, _too_large)
    app.add_exception_handler(HTTPException, _http)
    for kind in (StoreError, EngineError, RouterError):
        app.add_exception_handler(kind, _unavailable)
    app.add_exception_handler(Exception, _failed)


async def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HeadwayError)
    status = next((number for kind, number in _STATUS if isinstance(error, kind)), 400)
    return problem(
        msgspec.structs.replace(
            refusal(status, error.code, error.because, error.hint),
            problems=error.problems,
            next=error.next,
        )
    )


async def _invalid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    rows = error.errors()
    problems = tuple(
        Problem(message=f"{'.'.join(str(part) for part in row['loc'])[:200]}: {row['msg'][:500]}")
        for row in rows[:_PROBLEMS_MAX]
    )
    shown = "" if len(rows) <= _PROBLEMS_MAX else f"; the first {_PROBLEMS_MAX} follow"
    whole = refusal(
        422, "request-invalid", f"the request has {counted(len(rows), 'mistake')}{shown}"
    )
    return problem(msgspec.structs.replace(whole, problems=problems))


async def _too_large(_request: Request, error: Exception) -> Response:
    assert isinstance(error, TooLarge)
    return too_large(error.most_bytes)


async def _http(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    words = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
    response = problem(refusal(error.status_code, words, str(error.detail)))
    response.headers.update(error.headers or {})
    return response


async def _unavailable(_request: Request, error: Exception) -> Response:
    if isinstance(error, Stale):
        detail = "somebody changed the same thing at the same time: ask again"
        return problem(refusal(409, "changed-meanwhile", detail))
    return problem(refusal(503, "unavailable", str(error), "headway doctor"))


async def _failed(request: Request, error: Exception) -> Response:
    """A mistake of headway's own: the log has all of it, the answer an id to find it by."""
    identity = secrets.token_hex(6)
    _log.error("request failed", id=identity, path=request.url.path, exc_info=error)
    detail = f"headway made a mistake; its log tells more under {identity}"
    return problem(msgspec.structs.replace(refusal(500, "mistake", detail), id=identity))
