"""Control groups, version 1 and 2: where they are, what to write, how to end what is in them.

Everything here is given to the shim as plain values: it knows nothing of what headway is about.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from headway.engines.process import delegation
from headway.model.resources import MIB, Resources

_ROOT = Path("/sys/fs/cgroup")
_V1 = ("memory", "pids", "cpu", "cpuacct", "freezer")
_LIMITS = (("memory", "memory"), ("pids", "processes"), ("cpu", "cpu"))
_ALL = (*(what for _, what in _LIMITS), "cpu time")
_SHARES_PER_CORE = 1024
_PARENT = "headway"


class Hierarchy(NamedTuple):
    """The control groups of this machine, as far as this process may use them."""

    version: int
    """1, 2, or 0 where none can be used."""
    parents: dict[str, Path]
    """Version 1: controller to the folder in which groups are made. Version 2: key `unified`."""
    missing: tuple[str, ...]
    """Limits that cannot be enforced by control groups, in words."""

    @property
    def limits_memory(self) -> bool:
        """Whether a container's memory is limited as a whole."""
        return not any(words.startswith("memory") for words in self.missing)

    @property
    def counts_cpu(self) -> bool:
        """Whether the processor time of all processes of a container is known while it runs."""
        return self.version == 2 or "cpuacct" in self.parents

    @property
    def limits_processes(self) -> bool:
        """Whether a container's processes are limited as a whole."""
        return not any(words.startswith("processes") for words in self.missing)


class Group(NamedTuple):
    """One container's groups: folders to make, files to write, files to join."""

    folders: list[str]
    writes: list[tuple[str, str]]
    joins: list[str]


def find(
    root: Path = _ROOT,
    *,
    name: str = _PARENT,
    own: str | None = None,
    is_root: bool | None = None,
) -> Hierarchy:
    """Find what control groups this process may make below one of this name."""
    unified = root / "cgroup.controllers"
    if unified.exists():
        whose = os.geteuid() == 0 if is_root is None else is_root
        return _version_2(root, name, _own() if own is None else own, is_root=whose)
    parents: dict[str, Path] = {}
    for controller in _V1:
        folder = root / controller / name
        with suppress(OSError):
            folder.mkdir(exist_ok=True)
            # It may be another user's: only who may write there can make groups below.
            if (folder / "cgroup.procs").exists() and os.access(folder, os.W_OK | os.X_OK):
                parents[controller] = folder
    missing = tuple(
        f"{what}: no writable {controller} control group"
        for controller, what in (*_LIMITS, ("cpuacct", "cpu time"))
        if controller not in parents
    )
    return Hierarchy(1 if parents else 0, parents, missing)


def _version_2(root: Path, name: str, own: str, *, is_root: bool) -> Hierarchy:
    """Use what systemd delegated to this process, or the whole tree as root."""
    found = delegation.place(root, own, name, is_root=is_root)
    if found is None:
        return Hierarchy(0, {}, tuple(f"{what}: no writable control group" for what in _ALL))
    missing = tuple(
        f"{what}: the {controller} controller is not delegated"
        for controller, what in _LIMITS
        if controller not in found.controllers
    )
    return Hierarchy(2, {"unified": found.folder}, missing)


def _own() -> str:
    """Give this process's group of version 2."""
    with suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            if line.startswith("0::"):
                return line[3:].strip()
    return "/"


def group(hierarchy: Hierarchy, name: str, resources: Resources) -> Group:
    """Say what to make, write and join for one container."""
    memory = str(resources.memory_mib * MIB)
    shares = max(2, round(resources.cpu * _SHARES_PER_CORE))
    if hierarchy.version == 2:
        folder = hierarchy.parents["unified"] / name
        weight = max(1, min(10_000, round(resources.cpu * 100)))
        writes = [
            ("memory.max", memory),
            ("memory.swap.max", "0"),
            ("memory.oom.group", "1"),
            ("pids.max", str(resources.processes)),
            ("cpu.weight", str(weight)),
        ]
        return Group(
            [str(folder)],
            [(str(folder / file), value) for file, value in writes],
            [str(folder / "cgroup.procs")],
        )
    wanted = {
        "memory": [
            ("memory.limit_in_bytes", memory),
            ("memory.memsw.limit_in_bytes", memory),
            ("memory.swappiness", "0"),
        ],
        "pids": [("pids.max", str(resources.processes))],
        "cpu": [("cpu.shares", str(shares))],
    }
    folders = {controller: parent / name for controller, parent in hierarchy.parents.items()}
    return Group(
        [str(folder) for folder in folders.values()],
        [
            (str(folders[controller] / file), value)
            for controller, files in wanted.items()
            if controller in folders
            for file, value in files
        ],
        [str(folder / "cgroup.procs") for folder in folders.values()],
    )


def of_runs(hierarchy: Hierarchy, *, count_cpu: bool) -> Hierarchy:
    """Give what a run needs groups for, its limits.

    It ends with its pid namespace, so it needs none to be ended by.
    """
    unneeded = {"freezer"} if count_cpu else {"freezer", "cpuacct"}
    kept = {name: parent for name, parent in hierarchy.parents.items() if name not in unneeded}
    return hierarchy._replace(parents=kept)


def left_behind(folders: Iterable[str]) -> list[str]:
    """List what is left of the groups of a container and of its runs."""
    found: list[str] = []
    for folder in map(Path, folders):
        found += [str(one) for one in (folder, *folder.parent.glob(f"{folder.name}.*"))]
    return [folder for folder in found if os.path.isdir(folder)]


def usage(folders: list[str]) -> tuple[int, float, int]:
    """Give (memory bytes, cpu seconds, processes) of one container's groups."""
    memory = processes = 0
    cpu_s = 0.0
    for folder in map(Path, folders):
        memory = _number(folder, "memory.usage_in_bytes", "memory.current") or memory
        processes = _number(folder, "pids.current") or processes
        nanoseconds = _number(folder, "cpuacct.usage")
        if nanoseconds:
            cpu_s = nanoseconds / 1e9
        with suppress(OSError):
            for line in (folder / "cpu.stat").read_text().splitlines():
                word, _, value = line.partition(" ")
                if word == "usage_usec":
                    cpu_s = int(value) / 1e6
    return memory, cpu_s, processes


def _number(folder: Path, *names: str) -> int:
    for name in names:
        with suppress(OSError, ValueError):
            return int((folder / name).read_text())
    return 0
