"""Copies of a process type that stay when others take the place of its like."""

from collections.abc import Iterator
from typing import Any

_DEFAULT = 1
"""So that nobody loses a service that only wanted to be cheap."""


def floor_of(raw: dict[str, Any]) -> int | None:
    """Give how many stay of what a process type says; None where none gives way.

    What the app says of `preemptible` is of its runs: services were never meant by it.

    >>> floor_of({"placement": {"preemptible": True}, "floor": 2})
    2
    """
    return int(raw.get("floor", _DEFAULT)) if _gives_way(raw) else None


def floor_problems(raw: dict[str, Any], *, daemon: bool) -> Iterator[tuple[str, str, str]]:
    """Say what does not go together: at which key, what, and what to do."""
    if "floor" in raw and not _gives_way(raw):
        hint = "say `placement: {preemptible: true}` beside it, or leave it out"
        yield "floor", "none of its copies gives way to others", hint
    if daemon and _gives_way(raw):
        said = "a daemon never gives way: each node has its own"
        yield "placement.preemptible", said, "leave it out"


def _gives_way(raw: dict[str, Any]) -> bool:
    return bool(raw.get("placement", {}).get("preemptible"))
