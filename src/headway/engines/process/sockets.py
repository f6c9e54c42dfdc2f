"""Where the processes of a container listen, as the kernel's tables say."""

import os
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

_LISTENING = "0A"


def processes(init: int) -> list[int]:
    """List the processes in the pid namespace of a container's first process."""
    try:
        wanted = os.readlink(f"/proc/{init}/ns/pid")
    except OSError:
        return []
    found: list[int] = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            with suppress(OSError):
                if os.readlink(f"/proc/{name}/ns/pid") == wanted:
                    found.append(int(name))
    return sorted(found)


def listening(init: int) -> tuple[str, ...]:
    """List the addresses on which a container's processes listen."""
    inodes: set[str] = set()
    for pid in processes(init):
        with suppress(OSError):
            for name in os.listdir(f"/proc/{pid}/fd"):
                with suppress(OSError):
                    target = os.readlink(f"/proc/{pid}/fd/{name}")
                    if target.startswith("socket:["):
                        inodes.add(target[8:-1])
    found: set[str] = set()
    for table in ("tcp", "tcp6"):
        with suppress(OSError):
            lines = Path(f"/proc/{init}/net/{table}").read_text().splitlines()[1:]
            for line in lines:
                words = line.split()
                if words[3] == _LISTENING and words[9] in inodes:
                    found.add(_address(words[1]))
    return tuple(sorted(found))


def _address(text: str) -> str:
    """Render an address of /proc/net/tcp: words of four bytes in the machine's order."""
    host, _, port = text.partition(":")
    raw = b"".join(bytes.fromhex(host[start : start + 8])[::-1] for start in range(0, len(host), 8))
    if len(raw) == 4:
        return f"{IPv4Address(raw)}:{int(port, 16)}"
    return f"[{IPv6Address(raw)}]:{int(port, 16)}"
