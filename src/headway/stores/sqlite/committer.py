"""The one thread that writes: deeds that wait together are made durable together."""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from headway.ports.store import Stale, StoreError
from headway.stores.sqlite.kept import KeptRows
from headway.stores.sqlite.writer import SqliteWriter
from headway.stores.watches import Touched, Watches

T = TypeVar("T")

_TOGETHER_MAX = 500
"""Deeds in one transaction, so that the first of them does not wait long for the last."""


class _Asked(NamedTuple):
    deed: Callable[[SqliteWriter], Any]
    loop: asyncio.AbstractEventLoop
    answer: "asyncio.Future[Any]"


class _Done(NamedTuple):
    asked: _Asked
    result: Any
    error: BaseException | None


class Committer:
    """Does deeds in the order in which they were asked for, each wholly or not at all.

    A sync of the disk costs more than most deeds. Those that were asked for while it went on share
    the next one: each is a savepoint of one transaction, and all are answered when it is durable.
    """

    def __init__(
        self,
        connect: Callable[[], sqlite3.Connection],
        explain: Callable[[sqlite3.Error], Exception],
        committed: Callable[[int], None],
    ) -> None:
        self._connect = connect
        self._committed = committed
        self._explain = explain
        self._asked: queue.SimpleQueue[_Asked | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._kept = KeptRows()
        self.watches = Watches()
        self.on_events: Callable[[], None] = lambda: None
        """Called in the event loop when events were committed."""
        self._begun = 0
        """Transactions that have begun: of these, some deeds may be done."""
        self._over = 0
        self._is_over = asyncio.Event()

    async def open(self) -> None:
        """Open the connection in its thread.

        Raises:
            sqlite3.Error: It cannot be opened.
        """
        loop = asyncio.get_running_loop()
        opened: asyncio.Future[None] = loop.create_future()
        self._thread = threading.Thread(
            target=self._run, args=(loop, opened), name="store-write", daemon=True
        )
        self._thread.start()
        await opened

    async def do(self, deed: Callable[[SqliteWriter], T]) -> T:
        """Do a deed; returns when it is durable.

        Raises:
            StoreError: It was not done.
        """
        if self._closed:
            raise StoreError("the store was closed")
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        self._asked.put(_Asked(deed, loop, answer))
        return await answer

    async def under_way(self) -> None:
        """Wait until a transaction that has begun is over, and told; not for the lock to begin."""
        begun = self._begun
        while self._over < begun:
            self._is_over.clear()
            await self._is_over.wait()

    async def close(self) -> None:
        """Do what was asked for, then let go of the connection."""
        self._closed = True
        self._asked.put(None)
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)

    # --- in the thread ---------------------------------------------------------------------------

    def _run(self, loop: asyncio.AbstractEventLoop, opened: "asyncio.Future[None]") -> None:
        try:
            connection = self._connect()
        except BaseException as error:  # noqa: BLE001 (told to who waits for it)
            loop.call_soon_threadsafe(opened.set_exception, error)
            return
        loop.call_soon_threadsafe(opened.set_result, None)
        try:
            while (batch := self._next()) is not None:
                self._answer(batch, *self._commit(connection, batch))
        finally:
            connection.close()

    def _next(self) -> list[_Asked] | None:
        """Wait for a deed, and take those along that came meanwhile; None is the end."""
        first = self._asked.get()
        if first is None:
            return None
        batch = [first]
        while len(batch) < _TOGETHER_MAX:
            try:
                more = self._asked.get_nowait()
            except queue.Empty:
                break
            if more is None:
                self._asked.put(None)
                break
            batch.append(more)
        return batch

    def _commit(
        self, connection: sqlite3.Connection, batch: list[_Asked]
    ) -> tuple[list[_Done], int, Touched]:
        touched = Touched(self.watches)
        writer = SqliteWriter(connection, self._kept, touched)
        done: list[_Done] = []
        changed = connection.total_changes
        try:
            connection.execute("BEGIN IMMEDIATE")
            self._begun += 1
            for asked in batch:
                done.append(self._one(connection, writer, asked))  # noqa: PERF401 (some may be done)
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            writer.forget()
            explained = self._explain(error)
            failed = [row if row.error else _Done(row.asked, None, explained) for row in done]
            failed += [_Done(asked, None, explained) for asked in batch[len(done) :]]
            return failed, 0, touched
        self._committed(connection.total_changes - changed)
        return done, writer.recorded, touched

    def _one(self, connection: sqlite3.Connection, writer: SqliteWriter, asked: _Asked) -> _Done:
        """Do one deed; what raises leaves nothing of itself behind."""
        recorded = writer.recorded
        connection.execute("SAVEPOINT deed")
        try:
            result = asked.deed(writer)
            writer.finish()
        except BaseException as error:
            if not connection.in_transaction:  # SQLite gave up all of it: a full disk
                raise sqlite3.OperationalError(str(error)) from error
            connection.execute("ROLLBACK TO deed")
            connection.execute("RELEASE deed")
            writer.recorded = recorded
            writer.forget()
            return _Done(asked, None, self._told(error))
        connection.execute("RELEASE deed")
        return _Done(asked, result, None)

    def _told(self, error: BaseException) -> BaseException:
        if isinstance(error, sqlite3.IntegrityError):
            return Stale(f"the store refused a row: {error}")
        if isinstance(error, sqlite3.Error):
            return self._explain(error)
        return error

    def _answer(
        self, batch: list[_Asked], done: list[_Done], recorded: int, touched: Touched
    ) -> None:
        loop = batch[0].loop
        try:
            loop.call_soon_threadsafe(self._settle, self._begun, done, recorded, touched)
        except RuntimeError:  # the loop has ended: nobody waits any more
            return

    def _settle(self, begun: int, done: list[_Done], recorded: int, touched: Touched) -> None:
        touched.tell()
        self._over = begun
        self._is_over.set()
        for row in done:
            answer = row.asked.answer
            if answer.done():  # who asked went away
                continue
            if row.error is not None:
                answer.set_exception(row.error)
            else:
                answer.set_result(row.result)
        if recorded:
            self.on_events()
