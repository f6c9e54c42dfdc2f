"""An installation: how it is run, and its data directory, which one control plane has at a time."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import msgspec


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How this installation is run."""

    data: Path
    host: str = "127.0.0.1"
    port: int = 7070
    http_port: int = 7080
    bind: str = "127.0.0.1"
    """Where the router listens."""
    hosts: tuple[str, ...] = ()
    """Names under which the API may be reached, beside those of the loopback address."""
    nodes: int | None = None
    """How many nodes this machine is; None: as many as last time."""
    lend: int | None = None
    """How many percent of it are kept for pools; None: as many as last time."""


class Refused(Exception):
    """The control plane cannot run here; the text says why and what to do."""


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """What `server.json` says while a control plane runs."""

    url: str
    pid: int
    birth: int
    """When the process began: its number may be a stranger's after a crash."""
    http_port: int
    version: str
    started_at: datetime


@contextlib.contextmanager
def sole(data: Path) -> Iterator[None]:
    """Hold the data directory for one control plane; the kernel lets go when the process dies.

    Raises:
        Refused: Another one holds it.
    """
    data.mkdir(mode=0o711, parents=True, exist_ok=True)
    descriptor = os.open(data / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refused(_already_running(data)) from None
        yield
    finally:
        os.close(descriptor)


def _already_running(data: Path) -> str:
    try:
        running = msgspec.json.decode((data / "server.json").read_bytes(), type=Running)
    except (OSError, msgspec.DecodeError):
        return (
            f"another headway runs on {data} and is about to start or to stop\n"
            "next: headway status · headway up, in a moment"
        )
    return (
        f"headway runs already: {running.url} (pid {running.pid}, data {data})\n"
        "next: headway status · headway down"
    )
