"""Claims on locks, nodes and capacity, each until a time."""

import secrets
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from headway.model.lease import ClaimKind, LeaseState
from headway.model.view.lease import LeaseView
from headway.sdk.transport import Transport, part

_POLL_S = 8.0


class Leases:
    """Claims on locks, nodes and capacity, each until a time."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def all(
        self, name: str | None = None, *, everything: bool = False, limit: int = 200
    ) -> list[LeaseView]:
        """List leases in the order of their lines, also environments'; or those on one thing."""
        query = {"name": name, "everything": "true" if everything else "false", "limit": limit}
        return self._transport.call("GET", "/v1/leases", list[LeaseView], query=query)

    def get(self, lease: str) -> LeaseView:
        """Give a lease."""
        return self._transport.call("GET", f"/v1/leases/{part(lease)}", LeaseView)

    def acquire(
        self,
        name: str,
        *,
        kind: ClaimKind = ClaimKind.LOCK,
        length_s: float = 3600.0,
        wait_s: float = 0.0,
        from_at: datetime | None = None,
        on_wait: Callable[[str], None] | None = None,
        **options: Any,
    ) -> LeaseView:
        """Claim something. It ends by itself unless it is renewed: `client.lock` does that.

        Args:
            name: Of the lock, the node or the pool.
            kind: What it is.
            length_s: How long it is held.
            wait_s: How long to wait in line while others hold it.
            from_at: Of capacity, aware: from then on.
            on_wait: Called once, with the reason, where it is not free at once.
            options: `places` of a lock; `cpu` and `memory_mib` of capacity; `reason`.

        Raises:
            RefusedError: Headway refused, or it was not free in time and `wait_s` was 0.
        """
        body = {
            "id": f"lse-{secrets.token_hex(5)}",
            "kind": kind.value,
            "name": name,
            "length_s": length_s,
            "wait": wait_s > 0,
            "from_at": from_at.isoformat() if from_at else None,
            **options,
        }
        view = self._transport.call("POST", "/v1/leases", LeaseView, body=body, once=True)
        if view.lease.state is LeaseState.WAITING and on_wait is not None:
            on_wait(view.lease.because)
        return self._awaited(view, time.monotonic() + wait_s)

    def _awaited(self, view: LeaseView, ends_at: float) -> LeaseView:
        """Wait in line; who waited for nothing gets the lease as it was when they left."""
        identity = view.lease.id
        try:
            while view.lease.state is LeaseState.WAITING:
                left_s = ends_at - time.monotonic()
                if left_s <= 0:
                    break
                view = self.renew(identity, wait_s=min(_POLL_S, left_s))
        except BaseException:
            self.release(identity, reason="who waited went away")
            raise
        if view.lease.state is LeaseState.WAITING:
            self.release(identity, reason="it was not free in time")
        return view

    def renew(self, lease: str, length_s: float | None = None, *, wait_s: float = 0.0) -> LeaseView:
        """Keep a lease from now on, for as long as before or so long; or a place in the line."""
        body = {"length_s": length_s, "wait_s": wait_s}
        path = f"/v1/leases/{part(lease)}/renew"
        return self._transport.call("POST", path, LeaseView, body=body, once=True)

    def release(self, lease: str, *, reason: str = "") -> LeaseView:
        """Give a lease up, or leave the line. What it holds ends."""
        path = f"/v1/leases/{part(lease)}/release"
        return self._transport.call("POST", path, LeaseView, body={"reason": reason}, once=True)
