"""Asks headway from the code of an app. Needs the standard library only."""

from __future__ import annotations

import http.client
import json
import os
import socket
import time
import urllib.error
import urllib.request
from typing import Any, NamedTuple

PATIENCE_S = 10.0
_AGAIN_S = 0.2
_ANSWER_S = 30.0
_PASSING = frozenset({502, 503, 504})
"""Answers that say that it cannot be done for now."""


class Asked(NamedTuple):
    """Whom to ask, and as whom."""

    url: str
    token: str


class AskError(Exception):
    """It was not done; the text says why. `status` is the HTTP status, 0 without an answer."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


def own() -> Asked:
    """Give the address and the token that every container has.

    Raises:
        AskError: This is no container of headway's.
    """
    try:
        return Asked(os.environ["HEADWAY_URL"], os.environ["HEADWAY_TOKEN"])
    except KeyError as error:
        why = f"{error.args[0]} is not set: this is no container of headway's"
        raise AskError(0, why) from None


def ask(
    asked: Asked,
    path: str,
    body: dict[str, Any],
    *,
    patience_s: float = PATIENCE_S,
    answer_s: float = _ANSWER_S,
) -> Any:
    """Post a body that is harmless to repeat, and give the answer.

    Args:
        asked: Whom.
        path: Of the address.
        body: As JSON has it.
        patience_s: How long to ask again while nobody answers, or headway cannot for now.
        answer_s: How long to wait for one answer.

    Raises:
        AskError: Headway refused, or nobody answered for so long.
    """
    url = asked.url + path
    headers = {"authorization": f"Bearer {asked.token}", "content-type": "application/json"}
    data = json.dumps(body).encode()
    request = urllib.request.Request(url, data, headers)  # noqa: S310 (headway's own)
    began_at = time.monotonic()
    ends_at = began_at + patience_s
    while True:
        try:
            with urllib.request.urlopen(request, timeout=answer_s) as answer:  # noqa: S310
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code not in _PASSING or time.monotonic() > ends_at:
                raise AskError(error.code, _told(error, url)) from None
        except (OSError, ValueError, http.client.HTTPException) as error:
            if time.monotonic() > ends_at:
                asked_s = time.monotonic() - began_at
                why = f"headway does not answer at {url}, asked for {asked_s:.0f} s"
                raise AskError(0, f"{why}: {_found(error)}. {_advice()}") from error
        time.sleep(_AGAIN_S)


def _found(error: Exception) -> str:
    """Say what was met instead of an answer."""
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, ConnectionRefusedError):
        return "nothing listens there"
    if isinstance(cause, (socket.timeout, TimeoutError)):  # two, before 3.10
        return "it was reached, or seemed so, and kept silent"
    if isinstance(cause, socket.gaierror):
        return "no machine of this name is known here"
    if isinstance(cause, (ConnectionError, http.client.IncompleteRead)):
        return "the connection was closed in the midst of it"
    if isinstance(cause, OSError):
        return f"it cannot be reached ({cause.strerror or cause})"
    return "what answered is not headway"


def _advice() -> str:
    """Say what to do. A run has no network unless its job asks for one."""
    if "HEADWAY_JOB" in os.environ:
        return (
            "If its job has no network='dependencies', a run cannot reach headway: declare it; "
            "else see on headway's machine what is wrong: headway status"
        )
    return "See on headway's machine what is wrong: headway status"


def _told(error: urllib.error.HTTPError, url: str) -> str:
    """Give headway's own reason, with its hint and the next command, as far as it gave them."""
    try:
        problem = json.load(error)
        detail, hint, following = problem["detail"], problem.get("hint"), problem.get("next")
    except (OSError, ValueError, LookupError, TypeError, AttributeError, http.client.HTTPException):
        what = f"{error.code} {error.reason}".strip()
        return f"{url} answered {what} without a reason: that may not be headway"
    words = f"{detail} ({hint})" if hint else str(detail)
    return f"{words}; next: {' or '.join(following)}" if following else words
