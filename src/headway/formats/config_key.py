"""The names that config keys may have."""

import re

_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LENGTH_MAX = 128
_SHOWN = 16
RESERVED = ("SERVICE_", "HEADWAY_")
"""Beginnings of names that headway gives itself."""


def key_problem(key: str) -> str | None:
    """Say why a text cannot name a config key, or None when it can.

    >>> key_problem("SESSION_SECRET")
    >>> key_problem("HEADWAY_APP")
    'names that begin with HEADWAY_ are given by headway'
    """
    if len(key) > _LENGTH_MAX:
        return f"a name has at most {_LENGTH_MAX} characters"
    if _KEY.fullmatch(key) is None:
        return "a name has letters, digits and _, and does not begin with a digit"
    if key == "PORT":
        return "PORT is always given by headway"
    for beginning in RESERVED:
        if key.startswith(beginning):
            return f"names that begin with {beginning} are given by headway"
    return None


def shortened(key: str) -> str:
    """Write what was given for a key so that no more of it shows than a person needs.

    >>> shortened("PORT"), shortened("x" * 30)
    ('PORT', 'xxxxxxxxxxxxxxxx…')
    """
    return key if len(key) <= _SHOWN else f"{key[:_SHOWN]}…"
