"""Rebalancing."""

from collections.abc import Sequence

from headway.model.rebalance import Rebalance, Rebalancing
from headway.sdk.transport import Transport, part


class Rebalances:
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

    def approve(self, nodes: Sequence[str], churn: float = 0.1) -> Rebalancing:
        """Have nodes emptied as it was proposed, one after another."""
        body = {"nodes": list(nodes), "churn": churn}
        return self._transport.call("POST", "/v1/rebalances", Rebalancing, body=body)

    def all(self) -> list[Rebalancing]:
        """List what was approved, the newest first."""
        return self._transport.call("GET", "/v1/rebalances", list[Rebalancing])

    def get(self, rebalancing: str) -> Rebalancing:
        """Give what was approved, and what became of each node."""
        path = f"/v1/rebalances/{part(rebalancing)}"
        return self._transport.call("GET", path, Rebalancing)

    def cancel(self, rebalancing: str) -> Rebalancing:
        """Have nothing more moved, and the node that is being emptied taken back."""
        path = f"/v1/rebalances/{part(rebalancing)}/cancel"
        return self._transport.call("POST", path, Rebalancing)
