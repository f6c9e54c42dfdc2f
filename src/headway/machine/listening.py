"""Listening on a port, and who holds one that is taken."""

import errno
import socket
from contextlib import suppress
from pathlib import Path

_LISTENING = "0A"


class PortTaken(Exception):
    """The port cannot be listened on; the text says why and what to do."""


def listen(host: str, port: int, *, option: str, backlog: int) -> socket.socket:
    """Listen on a port. `option` is the one by which another port is chosen, such as `--port`.

    Raises:
        PortTaken: Another process listens there, or this user may not.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sends at once (TCP_NODELAY) only where the protocol is named: else an answer in two
    # parts waits 40 ms for the acknowledgement of the first.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(backlog)
    except OSError as error:
        listener.close()
        raise PortTaken(_explained(host, port, option, error)) from error
    return listener


def _explained(host: str, port: int, option: str, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        holder = held_by(port)
        by = f" by {holder}" if holder else ""
        return f"port {port} is taken{by}: stop that, or choose another with {option}"
    if error.errno == errno.EACCES:
        return f"port {port} may not be used by this user: choose one above 1023 with {option}"
    return f"{host}:{port} cannot be listened on: {error.strerror}"


def held_by(port: int) -> str:
    """Name the process that listens on a port, as far as it can be seen."""
    inodes: set[str] = set()
    for table in ("tcp", "tcp6"):
        with suppress(OSError):
            for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
                words = line.split()
                if words[3] == _LISTENING and int(words[1].rpartition(":")[2], 16) == port:
                    inodes.add(f"socket:[{words[9]}]")
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            with suppress(OSError):
                if any(str(link.readlink()) in inodes for link in (process / "fd").iterdir()):
                    return f"{(process / 'comm').read_text().strip()} (pid {process.name})"
    return ""
