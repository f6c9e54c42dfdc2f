"""Makes runs of jobs from the code of an app. Needs the standard library only.

The address and the token are in the environment of every container; the token is good for the jobs
of its own environment and for nothing else.
"""

from __future__ import annotations

import urllib.parse
from datetime import datetime, timezone
from typing import Any

from headway.machine.run_ids import RunIds
from headway.sdk.ask import AskError, ask, own

_IDS = RunIds()


class InvokeError(AskError):
    """The run was not made; the text says why. `status` is the HTTP status, 0 without an answer."""


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
        options: `after`, `key`, `unique`, `priority`, `queue`, `tags`, `deadline_at`, `release`;
            `environment`, with a token that is no container's.

    Raises:
        InvokeError: Headway refused, or does not answer for ten seconds.
    """
    wish = {"at": at.isoformat() if at else None, "delay_s": delay_s, **options}
    body = {
        "id": _IDS.make(datetime.now(timezone.utc)),  # noqa: UP017 (jobs may run on older Pythons)
        "parameters": parameters or {},
        **{key: value for key, value in wish.items() if value is not None},
    }
    try:
        answer = ask(own(), f"/v1/jobs/{urllib.parse.quote(job)}/runs", body)
    except AskError as error:
        raise InvokeError(error.status, str(error)) from error
    return str(answer["ids"][0])
