"""A token lets a program or a person speak to the API."""

from datetime import datetime

from headway.model.role import Grant, Role
from headway.model.value import Value


class Token(Value, kw_only=True):
    """A token's record. The secret itself is known to its owner only."""

    id: str
    name: str
    """Who acts: the `actor` of events."""
    hash: str
    """SHA-256 of the secret, in hexadecimal."""
    role: Role
    teams: tuple[str, ...] = ()
    """Of a developer: on whose apps it may act."""
    created_at: datetime
    created_by: str = ""
    expires_at: datetime | None = None
    used_at: datetime | None = None
    """When it was last used, to within a minute."""

    @property
    def grant(self) -> Grant:
        """What it is good for."""
        return Grant(role=self.role, teams=self.teams)
