"""The door to the front door: the proxy that every request passes."""

from typing import Protocol

from headway.model.route import RouterView, RouteTable


class RouterError(Exception):
    """The router could not be started, or refused a table; the text says what it answered."""


class Router(Protocol):
    """Leads requests to containers, and never drops one because of a change.

    The router survives its caller: after a restart of the control plane, `start` adopts a router
    that still runs, with the connections it holds.
    """

    http_port: int
    """Where it listens for HTTP."""

    async def start(self) -> None:
        """Start the router, or adopt the one that runs. From then on a dead router is replaced.

        Raises:
            RouterError: No usable HAProxy, or a port that is taken, with what holds it.
        """
        ...

    async def apply(self, table: RouteTable) -> None:
        """Make the table true. Returns once no new request goes to a target that left it.

        A target that left finishes the requests it has, and is reported by `view` as long as it
        has any. The same table again does nothing.

        Raises:
            RouterError: The table was refused; what was true before is still true.
        """
        ...

    async def view(self) -> RouterView:
        """Give what the router does and has counted."""
        ...

    async def close(self, *, stop: bool) -> None:
        """Let go of the router; with `stop`, end it, otherwise leave it running."""
        ...
