"""Tokens."""

from collections.abc import Sequence

from headway.model.role import Role
from headway.model.view.token import TokenMade, TokenView
from headway.sdk.transport import Transport, part


class Tokens:
    """Who may speak to this headway, and what they may do."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def all(self) -> list[TokenView]:
        """List tokens."""
        return self._transport.call("GET", "/v1/tokens", list[TokenView])

    def create(
        self, name: str, role: Role, *, teams: Sequence[str] = (), length_s: float | None = None
    ) -> TokenMade:
        """Make a token. Its secret is in this answer and nowhere else."""
        body = {"name": name, "role": role.value, "teams": list(teams), "length_s": length_s}
        return self._transport.call("POST", "/v1/tokens", TokenMade, body=body, once=True)

    def revoke(self, token: str) -> TokenView:
        """End a token, by its id or its name."""
        return self._transport.call("DELETE", f"/v1/tokens/{part(token)}", TokenView)
