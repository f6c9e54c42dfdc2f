"""User ids for runs: as root each has one of its own, which no other live run shares."""

from __future__ import annotations

import fcntl
import os
from collections import deque

_FIRST = 300_000
_BLOCK = 256


class Users:
    """A runner's block of user ids, taken by a lock that ends with the runner."""

    def __init__(self, folder: str) -> None:
        number = 0
        while True:
            path = "%s/%d" % (folder, number)
            self._lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(self._lock)
                number += 1
            else:
                break
        first = _FIRST + number * _BLOCK
        self._free = deque(range(first, first + _BLOCK))

    def take(self) -> int | None:
        """Give the id that has been free for longest; None when all are in use."""
        return self._free.popleft() if self._free else None

    def give_back(self, uid: int) -> None:
        """Say that nothing of its run is left."""
        self._free.append(uid)
