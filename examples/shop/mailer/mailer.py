"""Sends the mails about orders: each exactly once, whenever this process is killed.

A mail's row is locked while its file is written, and marked as sent when the file is safe on disk.
Killed before the mark is committed, the database unlocks the row and the next mailer writes the
same file again, byte by byte: there is never a second one. Copies of this process skip each
other's locked rows.
"""

import os
import select
import signal
import socket
from pathlib import Path

import psycopg
from database import connection_parameters
from log import log
from outbox import write_mail
from psycopg.rows import dict_row

OUTBOX = Path(os.environ.get("OUTBOX", "/outbox"))
LOOK_EVERY_S = 5  # should a notification be lost
BACKOFF_MAX_S = 4

_TAKE = """
SELECT id, order_number, recipient, subject, body, created_at FROM mails
WHERE sent_at IS NULL ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
"""
_MARK = "UPDATE mails SET sent_at = now() WHERE id = %s"


class Stop:
    """Becomes true at SIGTERM, and wakes whoever waits."""

    def __init__(self) -> None:
        self._asked = False
        self._read, self._write = socket.socketpair()
        self._write.setblocking(False)
        signal.set_wakeup_fd(self._write.fileno())
        signal.signal(signal.SIGTERM, self._ask)

    def _ask(self, *_: object) -> None:
        self._asked = True

    def __bool__(self) -> bool:
        return self._asked

    def wait(self, seconds: float, *others: object) -> None:
        """Return after some seconds, at SIGTERM, or when one of the others can be read."""
        if not self._asked:
            select.select([self._read, *others], [], [], seconds)


def send_one(connection: psycopg.Connection) -> bool:
    """Send the oldest mail that nobody else is sending; False if there is none."""
    with connection.transaction():
        mail = connection.cursor(row_factory=dict_row).execute(_TAKE).fetchone()
        if mail is None:
            return False
        path = write_mail(OUTBOX, mail)
        connection.execute(_MARK, (mail["id"],))
    log("sent", order=mail["order_number"], file=path.name)
    return True


def send_all(connection: psycopg.Connection, stop: Stop) -> None:
    """Send mails as they come, until told to stop."""
    connection.execute("LISTEN mails")
    while not stop:
        if send_one(connection):
            continue
        if not any(True for _ in connection.notifies(timeout=0)):
            stop.wait(LOOK_EVERY_S, connection)


def main() -> None:
    stop = Stop()
    failures = 0
    while not stop:
        try:
            with psycopg.connect(**connection_parameters(), autocommit=True) as connection:
                log("connected", outbox=OUTBOX)
                failures = 0
                send_all(connection, stop)
        except (psycopg.Error, OSError) as error:
            failures += 1
            pause = min(BACKOFF_MAX_S, 0.25 * 2**failures)
            log("trouble", error=str(error).strip().partition("\n")[0], again_in_s=pause)
            stop.wait(pause)
    log("stopped")


if __name__ == "__main__":
    main()
