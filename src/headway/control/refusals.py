"""Every error as one value: what, why, and what to do next. The API and the pages show it."""

import secrets
from http import HTTPStatus

import msgspec

from headway.control.errors import (
    Conflict,
    HeadwayError,
    Invalid,
    NotAllowed,
    NotFound,
    Unavailable,
)
from headway.machine.own_log import Log
from headway.model.view.refusal import Refusal
from headway.ports.engine import EngineError
from headway.ports.router import RouterError
from headway.ports.store import Stale, StoreError

_log = Log()
_STATUS: tuple[tuple[type[Exception], int], ...] = (
    (NotFound, 404),
    (Conflict, 409),
    (Invalid, 422),
    (NotAllowed, 403),
    (Unavailable, 503),
)
UNAVAILABLE = (StoreError, EngineError, RouterError)


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


def refused(error: Exception, path: str) -> Refusal:
    """Explain an error.

    What nobody foresaw is a mistake of headway's own: the log has all of it, the answer an id to
    find it by.
    """
    if isinstance(error, HeadwayError):
        status = next((number for kind, number in _STATUS if isinstance(error, kind)), 400)
        said = refusal(status, error.code, error.because, error.hint)
        return msgspec.structs.replace(said, problems=error.problems, next=error.next)
    if isinstance(error, Stale):
        detail = "somebody changed the same thing at the same time: ask again"
        return refusal(409, "changed-meanwhile", detail)
    if isinstance(error, UNAVAILABLE):
        return refusal(503, "unavailable", str(error), "headway doctor")
    identity = secrets.token_hex(6)
    _log.error("request failed", id=identity, path=path, exc_info=error)
    detail = f"headway made a mistake; its log tells more under {identity}"
    return msgspec.structs.replace(refusal(500, "mistake", detail), id=identity)
