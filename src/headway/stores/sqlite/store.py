"""Fills the Store port with one SQLite file: one thread writes, one reads."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self, TypeVar

from headway.machine.files import keep_private
from headway.model.event import Event
from headway.model.value import Value
from headway.ports.store import Reader, StoreError, Writer
from headway.stores.sqlite.checkpointer import LOG_PAGES_MAX, Checkpointer
from headway.stores.sqlite.committer import Committer
from headway.stores.sqlite.migrate import backup, migrate
from headway.stores.sqlite.reader import SqliteReader
from headway.stores.watches import Told

T = TypeVar("T")

_PAGE = 500
"""Events that a follower reads at a time."""
_BUSY_MS = 10_000


class SqliteStore:
    """Rows and events in a file, durable once `write` returned (WAL, synchronous=FULL).

    Deeds run one after another in a thread of their own, questions in another, so the event loop
    never waits for the disk. One process at a time writes; who holds the data directory sees to
    that.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._checkpointer = Checkpointer(self._connect)
        self._committer = Committer(
            self._open_for_writing,
            lambda error: _explained(path, error),
            self._checkpointer.committed,
        )
        self._committer.on_events = self._wake_followers
        self._reading = ThreadPoolExecutor(1, thread_name_prefix="store-read")
        self._followers: set[asyncio.Event] = set()
        self._read_connection: sqlite3.Connection

    @classmethod
    async def open(cls, path: Path) -> Self:
        """Open a file, made when it is missing, and bring its tables up to date.

        Raises:
            StoreError: The file cannot be used; the text says why.
        """
        store = cls(path)
        loop = asyncio.get_running_loop()
        try:
            await store._committer.open()
            store._checkpointer.open()
            await loop.run_in_executor(store._reading, store._open_for_reading)
        except (sqlite3.Error, OSError) as error:
            raise _explained(path, error) from error
        return store

    async def read(self, question: Callable[[Reader], T]) -> T:
        """Answer a question from one consistent snapshot."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._reading, self._ask, question)

    async def write(self, deed: Callable[[Writer], T]) -> T:
        """Do a deed in one transaction: all of it is kept, or, when it raises, none of it."""
        return await self._committer.do(deed)

    async def follow(self, after: int | None = None) -> AsyncIterator[Event]:
        """Give every event behind a sequence as it is committed, without end."""
        wake = asyncio.Event()
        self._followers.add(wake)
        try:
            if after is None:
                after = await self.read(_newest)
            while True:
                wake.clear()
                events = await self.read(
                    lambda reader, after=after: reader.events(after=after, limit=_PAGE)  # type: ignore[misc]
                )
                for event in events:
                    after = event.sequence
                    yield event
                if len(events) < _PAGE:
                    await wake.wait()
        finally:
            self._followers.discard(wake)

    async def watch(self, fields: Mapping[type[Value], tuple[str, ...]], told: Told) -> None:
        """Have somebody told which rows of some nouns were put or deleted, by some fields."""
        self._committer.watches.add(fields, told)
        await self._committer.under_way()  # what was begun before this was known is over

    async def prune(self, events_before: int, *, limit: int) -> int:
        """Forget the oldest events up to a sequence, so many at most; gives how many they were."""
        return await self._committer.do(lambda writer: writer.prune_events(events_before, limit))

    async def backup(self, path: Path) -> None:
        """Copy the database, while it is used, to a new file."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._reading, lambda: backup(self._read_connection, path))

    async def close(self) -> None:
        """Finish what is being written, and let go of the file."""
        loop = asyncio.get_running_loop()
        await asyncio.to_thread(self._checkpointer.close)
        await self._committer.close()
        await loop.run_in_executor(self._reading, self._read_connection.close)
        self._reading.shutdown()

    # --- in the threads ------------------------------------------------------------------------

    def _wake_followers(self) -> None:
        for follower in self._followers:
            follower.set()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None)
        connection.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
        return connection

    def _open_for_writing(self) -> sqlite3.Connection:
        keep_private(self._path)  # SQLite's other files take over its mode
        connection = self._connect()
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA wal_autocheckpoint = {LOG_PAGES_MAX}")
        # What a savepoint may have to undo is kept in memory, not in a file of its own.
        connection.execute("PRAGMA temp_store = MEMORY")
        migrate(connection, self._path)
        return connection

    def _open_for_reading(self) -> None:
        connection = self._connect()
        connection.execute("PRAGMA query_only = ON")
        self._read_connection = connection

    def _ask(self, question: Callable[[Reader], T]) -> T:
        connection = self._read_connection
        try:
            connection.execute("BEGIN")
            try:
                return question(SqliteReader(connection))
            finally:
                connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            raise _explained(self._path, error) from error


def _newest(reader: Reader) -> int:
    events = reader.events(newest_first=True, limit=1)
    return events[0].sequence if events else 0


_HELP = {
    sqlite3.SQLITE_FULL: "the disk is full: free some space; nothing of this was kept",
    sqlite3.SQLITE_READONLY: "it may not be written: check its owner and that of its directory",
    sqlite3.SQLITE_CORRUPT: "it is damaged: restore a backup",
    sqlite3.SQLITE_NOTADB: "it is no SQLite file: restore a backup, or choose another directory",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened: check its directory and permissions",
    sqlite3.SQLITE_BUSY: "another process holds it",
    sqlite3.SQLITE_IOERR: "the disk failed to read or write it: see the kernel's log",
}


def _explained(path: Path, error: sqlite3.Error | OSError) -> StoreError:
    """Say which file, what SQLite said, and what to do."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    advice = _HELP.get(code)
    return StoreError(f"{path}: {error}{'; ' + advice if advice else ''}")
