"""What programs use of headway: jobs are written with it, and the HTTP API is spoken through it.

>>> from headway.sdk import Client, job
>>> client = Client("http://127.0.0.1:7070", "hw_…")

Jobs need the standard library only: in their containers nothing else of headway's is there. The
client and its errors are loaded when they are first asked for.
"""

import importlib
from typing import TYPE_CHECKING, Any

# At once, so that `job`, `invoke` and `lock` are the functions and not the modules of these names.
from headway.sdk.invoke import InvokeError, invoke
from headway.sdk.job import (
    Cancelled,
    JobError,
    ParameterError,
    attempt,
    fence,
    gang,
    job,
    progress,
    run_id,
)
from headway.sdk.lock import Lock, LockError, LockLost, lock

if TYPE_CHECKING:
    from headway.sdk.client import Client
    from headway.sdk.errors import RefusedError, SdkError, UnreachableError

__all__ = [
    "Cancelled",
    "Client",
    "InvokeError",
    "JobError",
    "Lock",
    "LockError",
    "LockLost",
    "ParameterError",
    "RefusedError",
    "SdkError",
    "UnreachableError",
    "attempt",
    "fence",
    "gang",
    "invoke",
    "job",
    "lock",
    "progress",
    "run_id",
]
_PLACES = {
    "Client": "headway.sdk.client",
    "RefusedError": "headway.sdk.errors",
    "SdkError": "headway.sdk.errors",
    "UnreachableError": "headway.sdk.errors",
}


def __getattr__(name: str) -> Any:
    """Load what is asked for."""
    place = _PLACES.get(name)
    if place is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        found = getattr(importlib.import_module(place), name)
    except ModuleNotFoundError as error:
        raise ImportError(
            f"headway.sdk.{name} is not here ({error}): to speak with headway from an app, list "
            "headway among its dependencies"
        ) from error
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
