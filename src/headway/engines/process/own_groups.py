"""An agent's own control group, below which it makes those of its containers.

Each agent has one, so that what is counted there is its containers' and nobody else's. It is held
by a lock for as long as the agent lives; who starts next removes those that nobody holds and
nothing is in.
"""

import fcntl
import hashlib
import os
import re
from contextlib import suppress
from pathlib import Path

from headway.engines.process import cgroups
from headway.engines.process.cgroups import Hierarchy

_NAME = re.compile(r"headway-[0-9a-f]{8}-[0-9]+")


def mark(shared: Path) -> str:
    """Name an installation among those of this machine, by its first agent's directory."""
    return hashlib.sha256(os.fsencode(shared.resolve())).hexdigest()[:8]


def made(shared: Path, index: int) -> tuple[Hierarchy, tuple[int, ...]]:
    """Make the group of an agent; gives it, and the descriptors by which it is held."""
    name = f"headway-{mark(shared)}-{index + 1}"
    held: dict[Path, int] = {}
    lacked: tuple[str, ...] | None = None
    while True:
        hierarchy = cgroups.find(name=name)
        # Another agent that starts may have removed a group before it was held, also while it was
        # looked at: what is lacking only now and then is there.
        if held.keys() >= set(hierarchy.parents.values()) and hierarchy.missing == lacked:
            break
        lacked = hierarchy.missing
        for parent in hierarchy.parents.values():
            if parent not in held and (descriptor := _held(parent)) is not None:
                held[parent] = descriptor
    for parent in hierarchy.parents.values():
        remove_unheld(parent.parent)
    return hierarchy, tuple(held.values())


def remove_unheld(base: Path) -> None:
    """Remove the groups of agents that are gone, unless a container still lives below."""
    with suppress(OSError):
        for folder in base.iterdir():
            if _NAME.fullmatch(folder.name):
                _remove(folder)


def _remove(folder: Path) -> None:
    with suppress(OSError):  # it is held, not empty, another user's, or already gone
        descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            folder.rmdir()
        finally:
            os.close(descriptor)


def _held(folder: Path) -> int | None:
    """Hold a group; None if it was removed before it was held."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    with suppress(FileNotFoundError):
        if os.path.samestat(os.fstat(descriptor), folder.stat()):
            return descriptor
    os.close(descriptor)
    return None
