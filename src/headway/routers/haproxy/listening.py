"""Listening sockets: opened by the control plane, inherited by every HAProxy process.

The control plane keeps them open, so that a client that connects while HAProxy is being replaced
waits in the kernel's queue instead of being refused.
"""

import contextlib
import ctypes
import errno
import os
import socket
from pathlib import Path

from headway.ports.router import RouterError

_BACKLOG = 4096
_PIDFD_GETFD = 438
"""The same number on every architecture."""


def listen(host: str, port: int) -> socket.socket:
    """Open a listening TCP socket.

    Raises:
        RouterError: The port is taken or not allowed; names who holds it where that is visible.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Ours may be bound a second time, should its descriptor be lost; a foreign one is found by
    # this first attempt, which does not share.
    with _bound(family, host, port, share=False):
        pass
    return listen_beside(host, port)


def listen_beside(host: str, port: int) -> socket.socket:
    """Open a listening socket on a port that another socket of ours listens on already.

    Raises:
        RouterError: The port is not ours.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    opened = _bound(family, host, port, share=True)
    opened.listen(_BACKLOG)
    opened.setblocking(False)
    return opened


def _bound(family: int, host: str, port: int, *, share: bool) -> socket.socket:
    opened = socket.socket(family, socket.SOCK_STREAM)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if share:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        opened.bind((host, port))
        if not share:
            # With SO_REUSEADDR, only listening tells whether somebody else does.
            opened.listen(1)
    except OSError as error:
        opened.close()
        raise RouterError(_refusal(host, port, error)) from error
    return opened


def _refusal(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        holder = holder_of(port) or "a process that this user may not see"
        return (
            f"port {port} on {host} is taken by {holder};"
            " end it, or choose another port for headway's router"
        )
    if error.errno == errno.EACCES:
        return (
            f"port {port} on {host} needs a privilege that this user lacks; choose one from 1024"
            " on, or lower net.ipv4.ip_unprivileged_port_start"
        )
    return f"cannot listen on {host} port {port}: {error.strerror}"


def holder_of(port: int) -> str | None:
    """Name the process that listens on a port, such as `nginx (pid 812)`; None if not visible."""
    inodes = _listening_inodes(port)
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if any(_link(entry) in inodes for entry in (process / "fd").iterdir()):
                return f"{(process / 'comm').read_text().strip()} (pid {process.name})"
    return None


def _link(entry: Path) -> str:
    try:
        return str(entry.readlink())
    except OSError:  # closed since it was listed
        return ""


def _listening_inodes(port: int) -> set[str]:
    listening = "0A"
    found = set()
    for table in ("tcp", "tcp6"):
        try:
            lines = Path("/proc/net", table).read_text().splitlines()[1:]
        except OSError:
            continue
        for cells in map(str.split, lines):
            if cells[3] == listening and int(cells[1].rpartition(":")[2], 16) == port:
                found.add(f"socket:[{cells[9]}]")
    return found


def take_back(pidfd: int, descriptor: int) -> socket.socket:
    """Get a duplicate of another process's socket (pidfd_getfd(2)).

    Raises:
        OSError: The kernel does not allow or not know it.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    copy = libc.syscall(_PIDFD_GETFD, pidfd, descriptor, 0)
    if copy < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    taken = socket.socket(fileno=copy)
    taken.setblocking(False)
    return taken
