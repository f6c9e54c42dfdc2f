"""Rebalancing."""

from headway.model.rebalance import Rebalance
from headway.model.view import NodeView
from headway.sdk.transport import Transport, part


class Rebalancing:
    """Moving services so that nodes can be given back."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def plan(self, churn: float = 0.1) -> Rebalance:
        """Say which nodes could be emptied, what that saves, and whom it disturbs.

        Args:
            churn: The share of all services that may move.
        """
        query = {"churn": churn}
        return self._transport.call("GET", "/v1/rebalance", Rebalance, query=query)

    def begin(self, node: str, churn: float = 0.1) -> NodeView:
        """Empty a node as it was proposed."""
        path = f"/v1/rebalance/{part(node)}"
        return self._transport.call("POST", path, NodeView, query={"churn": churn})
