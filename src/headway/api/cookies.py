"""The cookie of a session, as a browser sends it."""

from collections.abc import Sequence

_OF_THIS_HOST = "__Host-"
"""A browser takes a cookie of such a name from this host only, and by https only."""


def session_of(headers: Sequence[str], name: str) -> str:
    """Give what the cookie of this name holds; nothing where several say different things.

    Another host of the same domain may set a cookie of the same name, but for one that begins with
    `__Host-`, which therefore goes before.

    >>> session_of(["a=1; headway-1=x"], "headway-1"), session_of(["n=1; n=2"], "n")
    ('x', '')
    >>> session_of(["n=1; n=2; __Host-n=3"], "n")
    '3'
    """
    pairs = [pair.strip().partition("=") for header in headers for pair in header.split(";")]
    for wanted in (_OF_THIS_HOST + name, name):
        values = {value for key, _, value in pairs if key == wanted}
        if values:
            return values.pop() if len(values) == 1 else ""
    return ""
