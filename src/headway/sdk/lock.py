"""Holds a lock while a block of code runs. Needs the standard library only.

from headway.sdk import lock

with lock("migration") as held:
    migrate(fence=held.fence)
    held.check()
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, NamedTuple

from headway.sdk.ask import PATIENCE_S, Asked, AskError, ask, own

_POLL_S = 8.0
"""How long headway is to wait with its answer while others hold the lock."""
_LEAST_S = 0.05
_RELEASE_S = 2.0
_GONE = frozenset({401, 403, 404, 409})
"""Answers after which a lease is not held any more, however often it is asked for again."""
_TAKEN = 409
"""What headway answers whom it does not let wait."""
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Goes on while the machine sleeps, as the lease does."""


class _Patience(NamedTuple):
    """How long to ask again, and to wait for each answer."""

    again_s: float
    answer_s: float


_PATIENT = _Patience(PATIENCE_S, 30.0)


class LockError(AskError):
    """The lock was not had; the text says why."""


class LockLost(Exception):
    """The lock was lost while it was thought to be held: others may hold it."""


class Lock:
    """A lock that is held in a `with` block, and renewed in the background meanwhile.

    A lock that cannot be renewed in time is lost: `check` raises, `on_lost` is called, and the end
    of the block raises `LockLost`. What is written elsewhere under the lock should carry `fence`,
    which is higher than that of every earlier holder, so that it can be refused there.

    Args:
        name: Of the lock, the same for all who are to take turns.
        places: How many may hold it at once; None: as it is, else 1.
        length_s: It is free so long after its holder died.
        wait_s: How long to wait for it; None: as long as it takes, 0: not at all.
        reason: Why, for who waits.
        on_lost: Called once, from another thread, with the reason.
        asked: Whom to ask; None: the headway whose container this is.
    """

    def __init__(
        self,
        name: str,
        *,
        places: int | None = None,
        length_s: float = 30.0,
        wait_s: float | None = None,
        reason: str = "",
        on_lost: Callable[[str], None] | None = None,
        asked: Asked | None = None,
    ) -> None:
        self.name = name
        self.id = ""
        """Of the lease."""
        self.fence = 0
        self._wish = {
            "kind": "lock",
            "name": name,
            "places": places,
            "length_s": length_s,
            "wait": wait_s != 0,
            "reason": reason,
        }
        self._length_s = length_s
        self.renew_s = length_s / 3
        """How often it is renewed."""
        self._wait_s = wait_s
        self.on_wait: Callable[[str], None] | None = None
        """Called once, with the reason, where it is not free at once."""
        self._on_lost = on_lost
        self._asked = asked
        self._until = 0.0
        self._over = threading.Event()
        self._lost = ""
        self._keeper: threading.Thread | None = None

    def __enter__(self) -> Lock:  # noqa: PYI034 (jobs may run on older Pythons)
        """Wait for the lock.

        Raises:
            LockError: It was not free in time, headway refused, or it does not answer.
        """
        self.id, self._lost = f"lse-{secrets.token_hex(8)}", ""
        self._over.clear()
        try:
            self._acquire()
        except AskError as error:
            self._release()
            raise LockError(error.status, str(error)) from error
        except BaseException:
            self._release()
            raise
        name = f"keeps lock {self.name}"
        self._keeper = threading.Thread(target=self._keep, name=name, daemon=True)
        self._keeper.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give the lock up.

        Raises:
            LockLost: It was lost before; not raised over an error of the block's own.
        """
        self._over.set()
        self._release()
        if self._keeper is not None:
            self._keeper.join(PATIENCE_S)
        if kind is None:
            self.check()

    @property
    def lost(self) -> str:
        """Why it is not held any more; empty while it is."""
        if not self._lost and time.clock_gettime(_CLOCK) >= self._until:
            self._lost = f"the lock {self.name} was not renewed within {self._length_s:g} s"
        return self._lost

    def check(self) -> None:
        """Say that it is held, in this moment.

        Raises:
            LockLost: It is not.
        """
        if self.lost:
            raise LockLost(self.lost)

    def _acquire(self) -> None:
        ends_at = None if self._wait_s is None else time.monotonic() + self._wait_s
        sent_at = time.clock_gettime(_CLOCK)
        lease = self._post("/v1/leases", {**self._wish, "id": self.id})
        if lease["state"] == "waiting":
            if self.on_wait is not None:
                self.on_wait(lease["because"])
            self._wait(lease, ends_at)
            # Counted from the question: when exactly it was granted is known to headway alone.
            sent_at = time.clock_gettime(_CLOCK)
            lease = self._renew()
        self.fence = lease["fence"]
        self._until = sent_at + self._length_s

    def _wait(self, lease: Any, ends_at: float | None) -> None:
        while lease["state"] == "waiting":
            left_s = _POLL_S if ends_at is None else ends_at - time.monotonic()
            if left_s <= 0:
                raise AskError(_TAKEN, f"waited {self._wait_s:g} s: {lease['because']}")
            lease = self._renew(wait_s=min(_POLL_S, left_s))

    def _keep(self) -> None:
        """Renew until the block ends, or the lock is lost."""
        while not self._over.wait(self.renew_s) and not self.lost:
            sent_at = time.clock_gettime(_CLOCK)
            try:
                left_s = max(_LEAST_S, self._until - sent_at)
                self._renew(_Patience(left_s, left_s))
                self._until = sent_at + self._length_s
            except AskError as error:
                if error.status in _GONE:
                    self._lost = str(error)
        if self._lost and not self._over.is_set() and self._on_lost is not None:
            self._on_lost(self._lost)

    def _release(self) -> None:
        """Give it up, as far as headway can be told; else it ends by itself."""
        with suppress(AskError):
            patience = _Patience(_RELEASE_S, _RELEASE_S)
            self._post(f"/v1/leases/{self.id}/release", {}, patience)

    def _renew(self, patience: _Patience = _PATIENT, **options: Any) -> Any:
        return self._post(f"/v1/leases/{self.id}/renew", options, patience)

    def _post(self, path: str, body: dict[str, Any], patience: _Patience = _PATIENT) -> Any:
        again_s, answer_s = patience
        view = ask(self._asked or own(), path, body, patience_s=again_s, answer_s=answer_s)
        return view["lease"]


def lock(name: str, **options: Any) -> Lock:
    """Hold a lock for as long as a `with` block runs, from the code of an app.

    Options are those of `Lock`.
    """
    return Lock(name, **options)
