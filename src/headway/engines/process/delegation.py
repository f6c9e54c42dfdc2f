"""Where control groups of version 2 may be made, and what they can limit there.

By the kernel's documentation (Control Group v2): a group whose children are to be limited has the
controllers in its `cgroup.subtree_control`, and then no process of its own; a process is moved by
who may write to `cgroup.procs` of both groups and of the one above both. systemd hands a subtree
over by `Delegate=yes`, and marks it; everything else of the tree is its own.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

CONTROLLERS = ("memory", "pids", "cpu")
_REST = "headway-rest"
"""Below it is what was in a group that had to be emptied."""
_MARKS = ("trusted.delegate", "user.delegate")


class Place(NamedTuple):
    """A group below which containers' groups are made."""

    folder: Path
    controllers: tuple[str, ...]


def place(
    root: Path,
    own: str,
    name: str,
    *,
    is_root: bool,
    controllers: tuple[str, ...] = CONTROLLERS,
) -> Place | None:
    """Find where groups may be made; None where nowhere.

    Args:
        root: Where the hierarchy is mounted.
        own: This process's group, as `/proc/self/cgroup` has it.
        name: Of the group to be made.
        is_root: Whether this process is root: where nobody delegates, the whole tree is its own.
        controllers: Those that are wanted.
    """
    best: Place | None = None
    for base in _bases(root, root / own.strip("/"), is_root=is_root):
        found = _prepared(base, name, controllers)
        if found is not None and (best is None or len(found.controllers) > len(best.controllers)):
            best = found
        if best is not None and len(best.controllers) == len(controllers):
            break
    return best


def _bases(root: Path, own: Path, *, is_root: bool) -> Iterator[Path]:
    if own != root and _is_delegated(own):
        yield own
    if is_root:
        yield root
        return
    if own != root:
        yield own.parent
    yield own


def _is_delegated(folder: Path) -> bool:
    for mark in _MARKS:
        with suppress(OSError):
            if os.getxattr(folder, mark) == b"1":
                return True
    return False


def _prepared(base: Path, name: str, controllers: tuple[str, ...]) -> Place | None:
    parent = base / name
    try:
        parent.mkdir(exist_ok=True)
    except OSError:
        return None
    if not os.access(parent / "cgroup.procs", os.W_OK):
        return None
    for controller in controllers:
        if not _enable(base, controller) and _emptied(base):
            _enable(base, controller)
        _enable(parent, controller)
    enabled = _words(parent / "cgroup.subtree_control")
    return Place(parent, tuple(one for one in controllers if one in enabled))


def _enable(folder: Path, controller: str) -> bool:
    control = folder / "cgroup.subtree_control"
    if controller in _words(control):
        return True
    try:
        control.write_text(f"+{controller}")
    except OSError:
        return False
    return True


def _emptied(folder: Path) -> bool:
    """Move a group's own processes into one below it; says whether there were any."""
    processes = _words(folder / "cgroup.procs")
    if not processes:
        return False
    rest = folder / _REST
    with suppress(OSError):
        rest.mkdir(exist_ok=True)
    for pid in processes:
        with suppress(OSError):  # it ended meanwhile, or is the kernel's
            (rest / "cgroup.procs").write_text(pid)
    return True


def _words(file: Path) -> list[str]:
    try:
        return file.read_text().split()
    except OSError:
        return []
