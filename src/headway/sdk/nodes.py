"""Nodes."""

from headway.model.view.change import PlannedChange
from headway.model.view.node import NodeView
from headway.sdk.transport import Transport, part


class Nodes:
    """The machines, and what is asked of them."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def all(self) -> list[NodeView]:
        """List nodes and what is reserved of them."""
        return self._transport.every("/v1/nodes", NodeView)

    def show(self, node: str) -> NodeView:
        """Give a node."""
        return self._transport.call("GET", f"/v1/nodes/{part(node)}", NodeView)

    def plan(self, node: str, within_s: float | None = None) -> list[PlannedChange]:
        """Say what draining a node would do: what moves where, and what is stopped when."""
        path = f"/v1/nodes/{part(node)}/plan"
        query = {"within_s": within_s}
        return self._transport.call("GET", path, list[PlannedChange], query=query)

    def cordon(self, node: str, reason: str = "") -> NodeView:
        """Have a node take nothing new. What runs there stays."""
        path = f"/v1/nodes/{part(node)}/cordon"
        return self._transport.call("POST", path, NodeView, body={"reason": reason})

    def uncordon(self, node: str) -> NodeView:
        """Have a node take containers again, also one that drains."""
        return self._transport.call("POST", f"/v1/nodes/{part(node)}/uncordon", NodeView)

    def drain(self, node: str, within_s: float | None = None, reason: str = "") -> NodeView:
        """Have a node take nothing new and what runs there leave.

        Args:
            node: Which.
            within_s: How long runs may go on before they are handed back; None: as the settings
                say.
            reason: For the history.
        """
        body = {"within_s": within_s, "reason": reason}
        return self._transport.call("POST", f"/v1/nodes/{part(node)}/drain", NodeView, body=body)
