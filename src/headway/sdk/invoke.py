"""Makes runs of jobs from the code of an app. Needs the standard library only.

The address and the token are in the environment of every container; the token is good for the jobs
of its own environment and for nothing else.
"""

from __future__ import annotations

import json
import os
import time
import urllib.error
import urllib.parse
import urllib.request
from datetime import datetime, timezone
from typing import Any

from headway.machine.run_ids import RunIds

_IDS = RunIds()
_PATIENCE_S = 10.0
_AGAIN_S = 0.2
_ANSWER_S = 30.0


class InvokeError(Exception):
    """The run was not made; the text says why. `status` is the HTTP status, 0 without an answer."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


def invoke(
    job: str,
    parameters: dict[str, Any] | None = None,
    *,
    at: datetime | None = None,
    delay_s: float | None = None,
    **options: Any,
) -> str:
    """Make a run of a job of the same environment; gives the run's id.

    Returns when the run is written down. While headway is being restarted, it is asked again; that
    never makes a second run.

    Args:
        job: Its name, or `app/name`.
        parameters: As JSON has them.
        at: Not before this moment; aware.
        delay_s: Not before so much later.
        options: `after`, `key`, `unique`, `priority`, `queue`, `tags`, `deadline_at`, `release`.

    Raises:
        InvokeError: Headway refused, or does not answer for ten seconds.
    """
    wish = {"at": at.isoformat() if at else None, "delay_s": delay_s, **options}
    body = {
        "id": _IDS.make(datetime.now(timezone.utc)),  # noqa: UP017 (jobs may run on older Pythons)
        "parameters": parameters or {},
        **{key: value for key, value in wish.items() if value is not None},
    }
    answer = _ask(f"/v1/jobs/{urllib.parse.quote(job)}/runs", json.dumps(body).encode())
    return str(answer["ids"][0])


def _ask(path: str, body: bytes) -> Any:
    try:
        url, token = os.environ["HEADWAY_URL"], os.environ["HEADWAY_TOKEN"]
    except KeyError as error:
        raise InvokeError(
            0, f"{error.args[0]} is not set: this is no container of headway's"
        ) from None
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    request = urllib.request.Request(url + path, body, headers)  # noqa: S310 (headway's own)
    ends_at = time.monotonic() + _PATIENCE_S
    while True:
        try:
            with urllib.request.urlopen(request, timeout=_ANSWER_S) as answer:  # noqa: S310
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise InvokeError(error.code, _told(error)) from None
        except (OSError, ValueError) as error:
            if time.monotonic() > ends_at:
                raise InvokeError(0, f"nobody answers at {url}: {error}") from error
            time.sleep(_AGAIN_S)


def _told(error: urllib.error.HTTPError) -> str:
    try:
        problem = json.load(error)
        return f"{problem['detail']} {problem.get('hint', '')}".strip()
    except (OSError, ValueError, KeyError):
        return f"HTTP {error.code}"
