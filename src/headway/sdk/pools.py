"""Pools."""

from headway.model.view.pool import PoolView
from headway.sdk.transport import Transport, part


class Pools:
    """Sets of nodes that grow and shrink."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def all(self) -> list[PoolView]:
        """List pools."""
        return self._transport.call("GET", "/v1/pools", list[PoolView])

    def show(self, pool: str) -> PoolView:
        """Give a pool."""
        return self._transport.call("GET", f"/v1/pools/{part(pool)}", PoolView)

    def apply(self, document: str, *, plan: bool = False, reason: str = "") -> PoolView:
        """Declare a pool by its YAML document; with `plan` only say what would come of it."""
        body = {"document": document, "plan": plan, "reason": reason}
        return self._transport.call("POST", "/v1/pools", PoolView, body=body)

    def scale(
        self,
        pool: str,
        nodes_min: int | None = None,
        nodes_max: int | None = None,
        reason: str = "",
    ) -> PoolView:
        """Change the bounds of a pool; None leaves one as it is."""
        body = {"nodes_min": nodes_min, "nodes_max": nodes_max, "reason": reason}
        return self._transport.call("POST", f"/v1/pools/{part(pool)}/scale", PoolView, body=body)

    def remove(self, pool: str) -> None:
        """Take a pool's declaration away. It must have no nodes."""
        self._transport.call("DELETE", f"/v1/pools/{part(pool)}", type(None))
