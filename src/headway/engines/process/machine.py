"""This machine as a node."""

import os
import platform
import socket
from contextlib import suppress
from math import nan
from pathlib import Path

from headway.engines.process import seccomp
from headway.engines.process.cgroups import Hierarchy
from headway.engines.process.ports import FIRST, LAST
from headway.model.ids import NodeId
from headway.model.node import ClosedPorts, Node
from headway.model.resources import MIB
from headway.ports.engine import EngineError

CPU_OVERCOMMIT = "HEADWAY_CPU_OVERCOMMIT"
MEMORY_OVERCOMMIT = "HEADWAY_MEMORY_OVERCOMMIT"
_OVERCOMMIT = {CPU_OVERCOMMIT: 8.0, MEMORY_OVERCOMMIT: 1.5}
"""How much is offered of each that the machine has: most services idle most of the time."""
_OVERCOMMIT_LEAST, _OVERCOMMIT_MOST = 0.1, 100.0
_OPEN_FROM = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")


def node(hierarchy: Hierarchy) -> Node:
    """Describe this machine: what may be reserved of it, and what it cannot enforce."""
    cpu, memory_mib = size()
    return Node(
        id=NodeId(socket.gethostname()),
        cpu=cpu,
        memory_mib=memory_mib,
        cpu_overcommit=overcommit(CPU_OVERCOMMIT),
        memory_overcommit=overcommit(MEMORY_OVERCOMMIT),
        disk_mib=memory_size(),
        closed_ports=closed_ports(),
        tags={
            "engine": "process",
            "hostname": socket.gethostname(),
            "arch": platform.machine(),
            "os": platform.system().lower(),
        },
        limits=missing(hierarchy),
    )


def size() -> tuple[float, int]:
    """Give the cores and the MiB that may be reserved of this machine.

    Raises:
        EngineError: What is set for it means nothing.
    """
    cpu = (os.cpu_count() or 1) * overcommit(CPU_OVERCOMMIT)
    memory = memory_size() * overcommit(MEMORY_OVERCOMMIT)
    return round(cpu, 3), int(memory)


def overcommit(name: str) -> float:
    """Give how much of something is offered for each that the machine has.

    Raises:
        EngineError: What is set in the environment is no such number.
    """
    said = os.environ.get(name, "")
    if not said:
        return _OVERCOMMIT[name]
    number = nan
    with suppress(ValueError):
        number = float(said)
    if not _OVERCOMMIT_LEAST <= number <= _OVERCOMMIT_MOST:
        raise EngineError(
            f"{name} is {said!r} in the environment: it is a number from {_OVERCOMMIT_LEAST:g} "
            f"to {_OVERCOMMIT_MOST:g}, and {_OVERCOMMIT[name]:g} where it is not set"
        )
    return number


def memory_size() -> int:
    """Give the MiB of memory that there are: what is in memory, as private space is, is no more."""
    return int(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / MIB)


def closed_ports() -> tuple[ClosedPorts, ...]:
    """List the ports that nobody can ask for."""
    found = [ClosedPorts(first=FIRST, last=LAST, by="headway: it gives these to whom any will do")]
    with suppress(OSError, ValueError):
        open_from = int(_OPEN_FROM.read_text())
        if open_from > 1:
            by = f"root, who alone may listen below {open_from}"
            found.append(ClosedPorts(first=1, last=open_from - 1, by=by))
    return tuple(found)


def missing(hierarchy: Hierarchy) -> tuple[str, ...]:
    """List what of a sandbox cannot be had here; with nothing missing, isolation is strict."""
    found = list(hierarchy.missing)
    if not hierarchy.limits_memory:
        found.append("disk: what containers have in memory is bounded for each, not for all")
    if os.geteuid() != 0:
        found.append("users: containers run as headway's own user")
    if seccomp.program() is None:
        found.append("system calls: no filter for this processor")
    return tuple(found)


def counts_processes_by_namespace() -> bool:
    """Whether RLIMIT_NPROC counts a user's processes in each user namespace by itself.

    Source: Linux 5.14, "Reimplement RLIMIT_NPROC on top of ucounts".
    """
    numbers = [part for part in platform.release().split(".")[:2] if part.isdigit()]
    return tuple(map(int, numbers)) >= (5, 14)
