"""Copies what was written from SQLite's log into its file, beside the thread that writes."""

import sqlite3
import threading
from collections.abc import Callable

_PAGES = 1000
"""About so many pages in the log, 4 MiB, are worth a copy."""
_PAGES_OF_COMMIT = 3
"""Pages that a transaction changes at least: of a table, of an index, and of the events."""
LOG_PAGES_MAX = 4 * _PAGES
"""So many, and whoever writes copies what is left, and begins the log anew: it stays bounded."""


class Checkpointer:
    """A thread and a connection of its own.

    SQLite lets whoever fills the log copy it, which takes several syncs of the disk: each thousand
    pages everybody who waited for a write waited for that, too. Copied here, little is left to
    copy when the log is full, and it begins anew.
    """

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self._connect = connect
        self._asked = threading.Event()
        self._closed = False
        self._pages = 0
        self._thread = threading.Thread(target=self._run, name="store-checkpoint", daemon=True)

    def open(self) -> None:
        """Begin to wait."""
        self._thread.start()

    def committed(self, changes: int) -> None:
        """Hear that a transaction changed so many rows, each about a page."""
        self._pages += changes + _PAGES_OF_COMMIT
        if self._pages >= _PAGES:
            self._pages = 0
            self._asked.set()

    def close(self) -> None:
        """Finish the copy under way."""
        self._closed = True
        self._asked.set()
        if self._thread.ident is not None:  # it was begun
            self._thread.join()

    def _run(self) -> None:
        connection: sqlite3.Connection | None = None
        try:
            while self._asked.wait() and not self._closed:
                self._asked.clear()
                try:
                    connection = connection or self._connect()
                    connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
                except sqlite3.Error:  # a full disk, say: who writes hears of it, and of what to do
                    continue
        finally:
            if connection is not None:
                connection.close()
