"""Which user of the machine an owner's containers and volumes belong to.

As root, every `environment/app` has a user id of its own that nothing else on the machine uses, so
that containers cannot reach one another's files. As a plain user there is only that user.
"""

import fcntl
import os
from pathlib import Path

import msgspec

from headway.machine.files import write_whole

_FIRST = 200_000
_COUNT = 100_000


class Identities:
    """A table of owners and user ids, kept in a file; an owner keeps its id for ever."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "identities.json"
        self._lock = folder / "identities.lock"

    def of(self, owner: str) -> int | None:
        """Give an owner's user id, made when it has none; None where this is not root."""
        if os.geteuid() != 0:
            return None
        descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            table = self._read()
            known = table.get(owner)
            if known is not None:
                return known
            taken = set(table.values())
            free = next(uid for uid in range(_FIRST, _FIRST + _COUNT) if uid not in taken)
            table[owner] = free
            write_whole(self._path, msgspec.json.encode(table))
            return free
        finally:
            os.close(descriptor)

    def _read(self) -> dict[str, int]:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=dict[str, int])
        except FileNotFoundError:
            return {}
