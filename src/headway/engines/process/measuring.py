"""What all containers of a node use, read in one go: from control groups, else from /proc.

A container has a group, and each run of a runner one more, called after it: `ID.RUN`. They come and
go between two readings, so what each has used is added up here.
"""

import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from headway.engines.process.cgroups import Hierarchy
from headway.model.ids import ContainerId, NodeId
from headway.model.order import NodeReading, Reading

_TICKS_S = 1 / os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_UNIFIED = ("memory.current", "inactive_file")
_V1 = ("memory.usage_in_bytes", "total_inactive_file")


class Measuring:
    """Reads as often as it is asked, and remembers what it read for as long as that is there."""

    def __init__(self, hierarchy: Hierarchy) -> None:
        self._groups = _Groups.of(hierarchy)
        self._seen: dict[ContainerId, dict[str, float]] = {}
        self._used: dict[ContainerId, float] = {}
        self._total_s = 0.0

    def read(self, node: NodeId, shims: Mapping[ContainerId, int]) -> NodeReading:
        """Read what containers use.

        Args:
            node: Whose they are.
            shims: Those that run, each with its supervisor's process.
        """
        at_s = time.monotonic()
        parts, memory = (
            _of_processes(shims) if self._groups is None else self._groups.read(shims.keys())
        )
        for gone in self._seen.keys() - shims.keys():
            del self._seen[gone], self._used[gone]
        for container in shims:
            self._add(container, parts.get(container, {}))
        total_s = None if self._groups is None else self._groups.total_s()
        return NodeReading(
            node=node,
            at_s=at_s,
            total=Reading(
                cpu_s=self._total_s if total_s is None else total_s,
                memory_bytes=sum(memory.values()),
            ),
            containers={
                container: Reading(cpu_s=used, memory_bytes=memory.get(container, 0))
                for container, used in self._used.items()
            },
        )

    def _add(self, container: ContainerId, parts: dict[str, float]) -> None:
        """Add what was used since the last reading: all that a part has, where it is new."""
        before = self._seen.get(container, {})
        more = sum(max(0.0, now_s - before.get(part, 0.0)) for part, now_s in parts.items())
        self._used[container] = self._used.get(container, 0.0) + more
        self._total_s += more
        self._seen[container] = parts


class _Groups(NamedTuple):
    """Where the groups of containers are, and what their files are called."""

    cpu: Path
    memory: Path
    is_unified: bool

    @classmethod
    def of(cls, hierarchy: Hierarchy) -> "_Groups | None":
        """Find them; None where they do not tell of both."""
        if not (hierarchy.counts_cpu and hierarchy.limits_memory):
            return None
        if hierarchy.version == 2:
            return cls(hierarchy.parents["unified"], hierarchy.parents["unified"], True)
        return cls(hierarchy.parents["cpuacct"], hierarchy.parents["memory"], False)

    def read(
        self, containers: Iterable[ContainerId]
    ) -> tuple[dict[ContainerId, dict[str, float]], dict[ContainerId, int]]:
        """Give the processor time of each part of each container, and its memory."""
        wanted = frozenset(containers)
        parts: dict[ContainerId, dict[str, float]] = {}
        memory: dict[ContainerId, int] = {}
        for name, container in _named(self.cpu, wanted):
            parts.setdefault(container, {})[name] = self._cpu_s(f"{self.cpu}/{name}") or 0.0
        for name, container in _named(self.memory, wanted):
            memory[container] = memory.get(container, 0) + self._bytes(f"{self.memory}/{name}")
        return parts, memory

    def total_s(self) -> float | None:
        """Give the processor time of all containers, those included that ended between readings."""
        return self._cpu_s(str(self.cpu))

    def _cpu_s(self, folder: str) -> float | None:
        if self.is_unified:
            used = _field(f"{folder}/cpu.stat", "usage_usec")
            return None if used is None else used / 1e6
        nanoseconds = _number(f"{folder}/cpuacct.usage")
        return None if nanoseconds is None else nanoseconds / 1e9

    def _bytes(self, folder: str) -> int:
        """Give what would be missing elsewhere: files that were read once are not counted."""
        usage, inactive = _UNIFIED if self.is_unified else _V1
        whole = _number(f"{folder}/{usage}") or 0
        return max(0, whole - (_field(f"{folder}/memory.stat", inactive) or 0))


def _named(parent: Path, wanted: frozenset[ContainerId]) -> Iterator[tuple[str, ContainerId]]:
    """List the groups of containers, each with the container that it is of."""
    names: list[str] = []
    with suppress(OSError):
        names = [path.name for path in parent.iterdir()]
    for name in names:
        container = ContainerId(name.partition(".")[0])
        if container in wanted:
            yield name, container


def _number(path: str) -> int | None:
    text = _text(path)
    return int(text) if text.strip().isdigit() else None


def _field(path: str, wanted: str) -> int | None:
    for line in _text(path).splitlines():
        word, _, value = line.partition(" ")
        if word == wanted:
            return int(value)
    return None


def _text(path: str) -> str:
    """Read a file of the kernel's; what has ended meanwhile has none."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        return os.read(descriptor, 16384).decode()
    except OSError:
        return ""
    finally:
        os.close(descriptor)


# --- without control groups ----------------------------------------------------------------------


class _Process(NamedTuple):
    parent: int
    cpu_s: float
    """With that of its children that have ended."""
    memory_bytes: int


def _of_processes(
    shims: Mapping[ContainerId, int],
) -> tuple[dict[ContainerId, dict[str, float]], dict[ContainerId, int]]:
    """Sum up the processes below each supervisor. What they share is counted for each of them."""
    everything = _processes() if shims else {}
    children: dict[int, list[int]] = {}
    for pid, process in everything.items():
        children.setdefault(process.parent, []).append(pid)
    parts: dict[ContainerId, dict[str, float]] = {}
    memory: dict[ContainerId, int] = {}
    for container, shim in shims.items():
        below = list(_below(shim, children))
        # As one sum: what a process has used is its parent's when it has ended.
        parts[container] = {"": sum(everything[pid].cpu_s for pid in below)}
        memory[container] = sum(everything[pid].memory_bytes for pid in below)
    return parts, memory


def _processes() -> dict[int, _Process]:
    found: dict[int, _Process] = {}
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            with suppress(ValueError, IndexError):
                words = _text(f"{path}/stat").rpartition(")")[2].split()
                spent = sum(map(int, words[11:15]))  # utime, stime, cutime, cstime
                found[int(path.name)] = _Process(
                    int(words[1]), spent * _TICKS_S, int(words[21]) * _PAGE_BYTES
                )
    return found


def _below(pid: int, children: Mapping[int, list[int]]) -> Iterator[int]:
    waiting = list(children.get(pid, ()))
    while waiting:
        child = waiting.pop()
        yield child
        waiting += children.get(child, ())
