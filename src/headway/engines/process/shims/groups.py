"""A sandbox's control groups: made, asked, emptied and removed."""

from __future__ import annotations

import os
import time

from headway.engines.process.shims.processes import kill

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing typing would cost every container its memory
    from typing import Any


def make_groups(group: dict[str, Any]) -> None:
    """Make the control groups and set their limits."""
    for folder in group["folders"]:
        try:
            os.mkdir(folder)
        except FileExistsError:
            pass
    for path, value in group["writes"]:
        try:
            with open(path, "w") as file:
                file.write(value)
        except OSError:
            pass  # not every kernel has every file: memory.memsw needs swap accounting


def out_of_memory(group: dict[str, Any]) -> bool:
    """Say whether the kernel ended a process for its memory limit."""
    for folder in group["folders"]:
        for name in ("memory.oom_control", "memory.events"):
            try:
                with open(folder + "/" + name) as file:
                    for line in file:
                        words = line.split()
                        if words[0] == "oom_kill" and int(words[1]):
                            return True
            except (OSError, ValueError, IndexError):
                pass
    return False


def remove_groups(group: dict[str, Any]) -> None:
    """Remove the groups; processes that were just killed leave them in their own time."""
    for tried in range(100):
        # Who ends by himself, such as a command that has just ended the container, may.
        if not clear(group["folders"], ends=tried > 0):
            return
        time.sleep(0.02)


def clear(folders: list[str], *, ends: bool = True) -> list[str]:
    """End what is in groups of the dead and remove them; gives those that are not empty yet."""
    left = []
    for folder in folders:
        try:
            os.rmdir(folder)
        except FileNotFoundError:
            pass
        except OSError:
            left.append(folder)
            if ends:
                end_all(folder)
    return left


def end_all(folder: str) -> None:
    """Kill whatever a group holds: something may have begun just when its parent was killed.

    What forks and leaves outruns who kills by a list: version 2 kills a group as a whole, and in
    version 1 a group stands still meanwhile, where it is the freezer's.
    """
    if told(folder + "/cgroup.kill", "1"):
        return
    freezes = told(folder + "/freezer.state", "FROZEN")
    try:
        with open(folder + "/cgroup.procs") as file:
            kill(*(int(pid) for pid in file.read().split()))
    except OSError:
        pass
    if freezes:
        told(folder + "/freezer.state", "THAWED")


def told(path: str, word: str) -> bool:
    """Write a word to a file of the kernel's; says whether it took it."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        os.write(descriptor, word.encode())
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True
