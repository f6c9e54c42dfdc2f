"""The locks of a job's runs: names in which `{parameter}` stands for what a run was given.

Needs the standard library only: `@job` reads its option with it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from headway.model.ids import is_name

LOCKS_MAX = 8
"""Locks of one job."""
_RULE = "lower-case letters, digits and single hyphens, a letter first, at most 40"
_SHOWN_MAX = 80
_PLACE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")


class Named(NamedTuple):
    """The locks of one run, or why it cannot have them."""

    names: tuple[str, ...] = ()
    """In the order of the alphabet, in which all runs take them."""
    problem: str = ""


def lock_problem(text: str) -> str | None:
    """Say why a text cannot name a lock of a job.

    >>> lock_problem("account-{account}"), lock_problem("Accounts") is None
    (None, False)
    """
    if is_name(_PLACE.sub("x", text)):
        return None
    return (
        f"{text!r} cannot name a lock: {_RULE}; "
        "{parameter}, {app} and {environment} are filled in for each run"
    )


def lock_names(
    locks: Sequence[str],
    parameters: Mapping[str, Any],
    schema: Mapping[str, Any] | None,
    where: Mapping[str, str],
) -> Named:
    """Fill in the names of a run's locks.

    Args:
        locks: As the job declares them.
        parameters: The run's, as JSON.
        schema: The job's of its parameters, for those that have a default and were left out.
        where: `app` and `environment` of the run.

    >>> where = {"app": "shop", "environment": "demo"}
    >>> lock_names(["sandbox", "account-{account}"], {"account": 7}, None, where).names
    ('account-7', 'sandbox')
    >>> lock_names(["account-{account}"], {}, None, where).problem
    'its lock account-{account} needs the parameter account, a text or a whole number'
    """
    known = {**_defaults(schema), **parameters, **where}
    names: set[str] = set()
    for lock in locks:
        for place in _PLACE.findall(lock):
            value = known.get(place)
            if not isinstance(value, (str, int)) or isinstance(value, bool):
                problem = f"its lock {lock} needs the parameter {place}, a text or a whole number"
                return Named(problem=problem)
        name = _PLACE.sub(lambda found: str(known[found[1]]), lock)
        if not is_name(name):
            shown = name if len(name) <= _SHOWN_MAX else f"{name[:_SHOWN_MAX]}…"
            return Named(problem=f"its lock would be {shown!r}, which cannot name a lock: {_RULE}")
        names.add(name)
    return Named(tuple(sorted(names)))


def _defaults(schema: Mapping[str, Any] | None) -> dict[str, Any]:
    properties = (schema or {}).get("properties") or {}
    return {
        name: value["default"]
        for name, value in properties.items()
        if isinstance(value, Mapping) and "default" in value
    }
