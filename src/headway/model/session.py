"""A session: a browser that somebody has signed in with, and the link that signs one in."""

from datetime import datetime

from headway.model.value import Value


class Session(Value, kw_only=True):
    """One browser's. What it may do is what the token may that it was opened with."""

    id: str
    hash: str
    """SHA-256 of the cookie, in hexadecimal."""
    token: str
    """The id of that token. The session ends with it."""
    agent: str = ""
    """What the browser calls itself."""
    address: str = ""
    """Where it came from."""
    created_at: datetime
    expires_at: datetime
    seen_at: datetime
    """When it was last used, to within a minute."""


class Link(Value, kw_only=True):
    """An address that signs a browser in, once."""

    hash: str
    """SHA-256 of its secret part, in hexadecimal."""
    token: str
    """The id of the token whose owner asked for it."""
    expires_at: datetime
