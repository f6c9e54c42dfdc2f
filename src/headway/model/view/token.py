"""Tokens, as they are shown: without their secrets."""

from datetime import datetime

from headway.model.role import Role
from headway.model.value import Value


class TokenView(Value, kw_only=True):
    """A token, without its secret, which nobody can show again."""

    id: str
    name: str
    role: Role
    teams: tuple[str, ...] = ()
    created_at: datetime
    created_by: str
    expires_at: datetime | None = None
    used_at: datetime | None = None


class TokenMade(Value, kw_only=True):
    """A new token. Its secret is shown this once."""

    secret: str
    token: TokenView
