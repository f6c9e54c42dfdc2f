"""Where runs wait."""

from typing import Any

from headway.model.queue import QueueHold
from headway.model.view.queue import QueueView
from headway.sdk.transport import Transport, part


class Queues:
    """Where runs wait."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def all(self, environment: str | None = None) -> list[QueueView]:
        """List queues."""
        query = {"environment": environment}
        return self._transport.call("GET", "/v1/queues", list[QueueView], query=query)

    def hold(self, environment: str, app: str, name: str, **said: Any) -> QueueHold:
        """Pause a queue, drain it, or with neither let it go on.

        Args:
            environment: Where.
            app: Whose.
            name: Which.
            said: `paused`, `draining`, `reason`.
        """
        path = f"/v1/environments/{part(environment)}/apps/{part(app)}/queues/{part(name)}/hold"
        return self._transport.call("PUT", path, QueueHold, body=said)
