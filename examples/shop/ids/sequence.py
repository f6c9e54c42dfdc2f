"""Numbers that are never given twice: not by two copies of this app, not after a restart."""

import secrets
import threading
import time

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: no I, L, O or U to misread
_EPOCH_MS = 1_767_225_600_000  # 2026-01-01 UTC
_COPY_BITS = 15
_COUNT_BITS = 9


class Sequence:
    """Milliseconds since 2026, then a counter, then which copy of the app gave the number."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._copy = secrets.randbits(_COPY_BITS)
        self._last = 0

    def next(self) -> str:
        """Give a number such as `00DX-8Y3T-0GK4`; later ones sort after earlier ones."""
        with self._lock:
            now = (time.time_ns() // 1_000_000 - _EPOCH_MS) << _COUNT_BITS
            # A clock that was set back, or a busy millisecond, borrows from the time to come.
            self._last = max(now, self._last + 1)
            value = self._last << _COPY_BITS | self._copy
        digits = [_ALPHABET[value >> shift & 31] for shift in range(55, -1, -5)]
        return "-".join("".join(digits[start : start + 4]) for start in (0, 4, 8))
