"""Finds jobs' functions by `module:name`."""

from __future__ import annotations

import importlib
from typing import Any

from .worker import Function


def find(place: str) -> Function:
    """Import a module and give its job, as something to be called with the parameters."""
    module_name, _, names = place.partition(":")
    found: Any = importlib.import_module(module_name)
    for name in names.split("."):
        found = getattr(found, name)
    job = getattr(found, "__headway_job__", None)
    for candidate in (job, found if job is not None else None):
        call = getattr(candidate, "call", None)
        if callable(call):
            return call  # type: ignore[no-any-return]

    def by_name(parameters: dict[str, Any]) -> Any:
        return found(**parameters)

    return by_name
