"""Browsers that are signed in, and how they come to be."""

from datetime import datetime

from headway.model.role import Role
from headway.model.value import Value


class LinkMade(Value, kw_only=True):
    """An address that signs a browser in, once."""

    path: str
    """What follows the host."""
    expires_at: datetime


class SessionView(Value, kw_only=True):
    """A browser that is signed in."""

    id: str
    name: str
    """Whose token it was opened with."""
    role: Role
    agent: str
    address: str
    created_at: datetime
    expires_at: datetime
    seen_at: datetime
