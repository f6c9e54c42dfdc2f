"""Asks headway from the code of an app. Needs the standard library only."""

from __future__ import annotations

import json
import os
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
    headers = {"authorization": f"Bearer {asked.token}", "content-type": "application/json"}
    data = json.dumps(body).encode()
    request = urllib.request.Request(asked.url + path, data, headers)  # noqa: S310 (headway's own)
    ends_at = time.monotonic() + patience_s
    while True:
        try:
            with urllib.request.urlopen(request, timeout=answer_s) as answer:  # noqa: S310
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code not in _PASSING or time.monotonic() > ends_at:
                raise AskError(error.code, _told(error)) from None
        except (OSError, ValueError) as error:
            if time.monotonic() > ends_at:
                raise AskError(0, f"nobody answers at {asked.url}: {error}{_hint()}") from error
        time.sleep(_AGAIN_S)


def _hint() -> str:
    """Say what is most often missing in a run, which has no network unless its job asks for one."""
    in_run = "HEADWAY_JOB" in os.environ
    return "; a run reaches headway where its job has network='dependencies'" if in_run else ""


def _told(error: urllib.error.HTTPError) -> str:
    try:
        problem = json.load(error)
        hint = problem.get("hint")
        return f"{problem['detail']} ({hint})" if hint else str(problem["detail"])
    except (OSError, ValueError, KeyError):
        return f"HTTP {error.code}"
