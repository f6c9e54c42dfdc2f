"""A token lets a program or a person speak to the API."""

from datetime import datetime

from headway.model.value import Value


class Token(Value, kw_only=True):
    """A token's record. The secret itself is known to its owner only."""

    id: str
    name: str
    """Who acts: the `actor` of events."""
    hash: str
    """SHA-256 of the secret, in hexadecimal."""
    created_at: datetime
    expires_at: datetime | None = None
