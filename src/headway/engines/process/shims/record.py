"""A container's directory, as who supervises it writes it: that it began, and how it ended."""

from __future__ import annotations

import fcntl
import json
import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing typing would cost every container its memory
    from typing import Any


def claim(directory: str) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Take the container of a directory, once and for ever; None when there is nothing to start."""
    os.chdir(directory)
    lock = os.open("lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return None  # another shim has this container
    if os.path.exists("exit.json"):
        return None
    if os.path.exists("started"):
        record_exit(None, None, "its supervisor was killed", lost=True)
        return None
    with open("launch.json") as file:
        launch = json.load(file)
    with os.fdopen(3, "rb") as file:
        private = json.load(file)
    durable("started", "")
    return launch, private


def durable(name: str, text: str) -> None:
    """Write a file as a whole or not at all, and have it survive a loss of power."""
    part = name + ".part"
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, text.encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    os.rename(part, name)
    folder = os.open(".", os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def record_exit(
    status: int | None,
    number: int | None,
    reason: str,
    *,
    lost: bool = False,
    oom: bool = False,
    told: bool = False,
) -> None:
    """Record the end. While the disk is full, try again: an end must not be forgotten.

    Where the folder itself is gone, somebody has removed all of it, and nobody will ask.
    """
    text = json.dumps(
        {
            "status": status,
            "signal": number,
            "reason": reason,
            "at": time.time(),
            "lost": lost,
            "oom": oom,
            "told": told,
        }
    )
    while True:
        try:
            durable("exit.json", text)
            return
        except FileNotFoundError:
            return
        except OSError:
            time.sleep(1)
