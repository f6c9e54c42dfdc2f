"""The control groups of runs."""

from __future__ import annotations

import os
from typing import Any

from headway.engines.process.shims import groups

_NAME = "RUN"
_PROCESSOR = (("cpuacct.usage", 1e-9), ("cpu.stat", 1e-6))
"""The first line of `cpu.stat` in version 2 is `usage_usec`; in version 1 it is something else."""
_PEAKS = ("memory.max_usage_in_bytes", "memory.peak")


class Group:
    """The groups of one run."""

    def __init__(self, like: dict[str, Any], name: str) -> None:
        self.plain = {
            "folders": [folder.replace(_NAME, name) for folder in like["folders"]],
            "writes": [(path.replace(_NAME, name), value) for path, value in like["writes"]],
            "joins": [path.replace(_NAME, name) for path in like["joins"]],
        }
        try:
            for folder in self.plain["folders"]:
                os.mkdir(folder)
        except OSError:
            groups.clear(self.plain["folders"])
            self.plain = {"folders": [], "writes": [], "joins": []}
        for path, value in self.plain["writes"]:
            try:
                _write(path, value.encode())
            except OSError:
                pass  # not every kernel has every file: memory.memsw needs swap accounting

    def doors(self) -> list[int]:
        """Open what a new process can put itself in by, where there is such a thing: version 1.

        Who is put in by another waits until no process of the machine is being made: for a grace
        period of the kernel's, many milliseconds on a busy machine. Who goes in alone does not.
        """
        found: list[int] = []
        try:
            for path in self.plain["joins"]:
                door = path.rpartition("/")[0] + "/tasks"
                found.append(os.open(door, os.O_WRONLY | os.O_CLOEXEC))
        except OSError:
            for descriptor in found:
                os.close(descriptor)
            return []
        return found

    def add(self, pid: int) -> None:
        """Put a process in, unless it is."""
        if self._holds(pid):
            return
        text = b"%d" % pid
        for path in self.plain["joins"]:
            _write(path, text)

    def cpu_s(self) -> float | None:
        """Give the processor time that was used; None where nobody counts."""
        for folder in self.plain["folders"]:
            for name, unit in _PROCESSOR:
                try:
                    with open(folder + "/" + name) as file:
                        words = file.readline().split()
                    if words[0] in ("usage_usec", words[-1]):
                        return int(words[-1]) * unit
                except (OSError, ValueError, IndexError):
                    continue
        return None

    def has_refused_processes(self) -> bool:
        """Say whether the kernel refused to start one for the limit."""
        for folder in self.plain["folders"]:
            try:
                with open(folder + "/pids.events") as file:
                    return file.readline().split() not in ([], ["max", "0"])
            except OSError:
                continue
        return False

    def _holds(self, pid: int) -> bool:
        """Ask the kernel: what a process says of itself is not to be trusted."""
        names = {folder.rpartition("/")[2] for folder in self.plain["folders"]}
        if not names:
            return True
        (name,) = names
        descriptor = os.open("/proc/%d/cgroup" % pid, os.O_RDONLY | os.O_CLOEXEC)
        try:
            lines = os.read(descriptor, 16384).decode(errors="replace").splitlines()
        finally:
            os.close(descriptor)
        there = [line for line in lines if line.rpartition("/")[2] == name]
        return len(there) == len(self.plain["joins"])

    def peak_mib(self) -> float:
        """Give the most memory that was in use; 0 where nobody counted."""
        for folder in self.plain["folders"]:
            for name in _PEAKS:
                try:
                    descriptor = os.open(folder + "/" + name, os.O_RDONLY | os.O_CLOEXEC)
                except OSError:
                    continue
                try:
                    return round(int(os.read(descriptor, 64)) / 2**20, 2)
                finally:
                    os.close(descriptor)
        return 0.0

    def is_out_of_memory(self) -> bool:
        """Say whether the kernel ended a process for the limit."""
        return groups.out_of_memory(self.plain)

    def removed(self) -> bool:
        """Remove them; False while the last process is still on its way out."""
        self.plain["folders"] = groups.clear(self.plain["folders"])
        return not self.plain["folders"]


def _write(path: str, value: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, value)
    finally:
        os.close(descriptor)
