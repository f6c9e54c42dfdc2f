"""Why a container's program could not be started: what the file itself tells.

A shell says no more than "Permission denied" or "not found", for many reasons. Loaded by a shim
only when its container has ended with a status that means such a thing.
"""

from __future__ import annotations

import os
import re
import shlex
import stat
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_MACHINES = {
    0x03: ("i386", "i486", "i586", "i686", "x86_64"),
    0x15: ("ppc64le", "ppc64"),
    0x16: ("s390x",),
    0x28: ("arm", "armv6l", "armv7l"),
    0x3E: ("x86_64",),
    0xB7: ("aarch64", "arm64"),
    0xF3: ("riscv64",),
}
"""The `e_machine` of ELF, and the machines that such a program runs on, its own first."""
_PT_INTERP = 3
_LINKS_MAX = 40
_SCRIPTS_MAX = 5
"""So many scripts, each run by the next, are as far as the kernel goes."""
_HEAD_BYTES = 65536
_OWN = ("/tmp", "/home", "/dev", "/proc")
"""What was the container's own, and is gone."""


def why(launch: dict[str, Any], path: str) -> str:
    """Say why the first program of a container was not started; empty when nothing speaks for it.

    Args:
        launch: What the container was started with.
        path: Its PATH.
    """
    if tuple(launch["argv"][:2]) != ("/bin/sh", "-c"):
        return ""
    word = _program(launch["argv"][2])
    if not word:
        return ""
    seen = _Seen(launch, path)
    found = seen.find(word)
    because = seen.trouble(found) if found else ""
    return "%s cannot be started: %s" % (word, because) if because else ""


def _program(command: str) -> str:
    """Give the first word of a simple command that is no assignment."""
    try:
        words = shlex.split(command.split("\n", maxsplit=1)[0])
    except ValueError:
        return ""
    for word in words:
        if word != "exec" and not re.match(r"[A-Za-z_][A-Za-z0-9_]*=", word):
            return word
    return ""


class _Seen:
    """The files that a container sees and cannot write to, as this machine has them."""

    def __init__(self, launch: dict[str, Any], path: str) -> None:
        self._directory = launch["directory"]
        self._uid = launch["uid"] if launch["uid"] is not None else os.geteuid()
        self._path = path
        self._links: dict[str, str] = {}
        places = {there: None if writable else here for here, there, writable in launch["mounts"]}
        words = iter(launch["system"])
        for word in words:
            if word.startswith("--ro-bind"):
                here = next(words)
                places.setdefault(next(words), here)
            elif word == "--symlink":
                target = next(words)
                self._links[next(words)] = target
        self._places = sorted(places.items(), key=lambda place: -len(place[0]))

    def find(self, word: str) -> str | None:
        """Find a program as a shell does; gives its path in the container."""
        if "/" in word:
            return os.path.join(self._directory, word)
        for folder in self._path.split(":"):
            path = os.path.join(self._directory, folder, word)
            if self.lies_at(path):
                return path
        return None

    def lies_at(self, path: str) -> str | None:
        """Give where this machine has a file that the container sees; None where it has none.

        Links are followed as the container would: they lead nowhere else.
        """
        for _ in range(_LINKS_MAX):
            link = self._first_link(os.path.normpath(path))
            if link is None:
                here = self._here(os.path.normpath(path))
                return here if here is not None and os.path.lexists(here) else None
            path = link
        return None

    def _first_link(self, path: str) -> str | None:
        """Replace the first of a path's parts that is a link; None: none is."""
        parts = path.split("/")[1:]
        for count in range(1, len(parts) + 1):
            whole = "/" + "/".join(parts[:count])
            here = self._here(whole)
            target = self._links.get(whole)
            if target is None and here is not None and os.path.islink(here):
                target = os.readlink(here)
            if target is not None:
                return os.path.join(os.path.dirname(whole), target, *parts[count:])
        return None

    def sees(self, path: str) -> bool:
        """Say whether it can be told if a file is there: not where the container could write."""
        path = os.path.normpath(path)
        return not any(
            here is None and _is_below(path, there) for there, here in self._places
        ) and not any(_is_below(path, own) for own in _OWN)

    def _here(self, path: str) -> str | None:
        for there, here in self._places:
            if _is_below(path, there):
                return None if here is None else here + path[len(there.rstrip("/")) :]
        return None

    def trouble(self, path: str, depth: int = 0) -> str:
        """Say what keeps a file from being started; empty when nothing does.

        `depth` is how many scripts come before it, each run by the next.
        """
        if depth > _SCRIPTS_MAX:
            return "its first line, and those of what they name, lead to no program"
        here = self.lies_at(path)
        if here is None:
            return "there is no %s" % path if self.sees(path) else ""
        about = os.lstat(here)
        if stat.S_ISDIR(about.st_mode):
            return "%s is a directory" % path
        if not self._may_execute(about):
            mode = stat.S_IMODE(about.st_mode)
            return "its mode is %04o, which lets it not be executed: chmod +x, and commit that" % (
                mode
            )
        if os.statvfs(here).f_flag & os.ST_NOEXEC:
            return "%s is on a filesystem that is mounted noexec" % path
        if not stat.S_ISREG(about.st_mode):
            return "%s is no file" % path
        with open(os.open(here, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            head = file.read(_HEAD_BYTES)
        if head.startswith(b"#!"):
            return self._of_script(head[2:].partition(b"\n")[0], depth)
        if head.startswith(b"\x7fELF"):
            return self._of_program(head)
        if not head:
            return "it is empty"
        return ""

    def _may_execute(self, about: os.stat_result) -> bool:
        shift = 6 if about.st_uid == self._uid else 3 if about.st_gid == self._uid else 0
        return bool(about.st_mode >> shift & 1)

    def _of_script(self, line: bytes, depth: int) -> str:
        if line.endswith(b"\r"):
            return "its first line ends in a carriage return: save it with Unix line ends"
        words = os.fsdecode(line).split()
        if not words:
            return "its first line, #!, names no interpreter"
        interpreter = words[0]
        if self.lies_at(interpreter) is None and self.sees(interpreter):
            return "its first line names %s, which is not in the sandbox" % interpreter
        if os.path.basename(interpreter) == "env":
            wanted = next((word for word in words[1:] if not word.startswith("-")), "")
            if wanted and "=" not in wanted and self.find(wanted) is None:
                return "its first line asks for %s, which is not in the PATH" % wanted
            return ""
        below = self.trouble(interpreter, depth + 1)
        return "its interpreter: %s" % below if below and not depth else below

    def _of_program(self, head: bytes) -> str:
        try:
            order = "<" if head[5] == 1 else ">"
            (number,) = struct.unpack_from(order + "H", head, 18)
            machines = _MACHINES.get(number, ("another processor (%d)" % number,))
            if os.uname().machine not in machines:
                return "it is built for %s, and this machine is %s" % (
                    machines[0],
                    os.uname().machine,
                )
            loader = _loader(head, order)
        except (struct.error, IndexError):
            return "it is cut off: not a whole program"
        if loader and self.lies_at(loader) is None and self.sees(loader):
            return "it needs %s, which is not in the sandbox: build it for this system" % loader
        return ""


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _loader(head: bytes, order: str) -> str:
    """Give the program that loads this one, by its ELF header; empty: it needs none."""
    if head[4] == 2:
        (at,) = struct.unpack_from(order + "Q", head, 32)
        size, count = struct.unpack_from(order + "HH", head, 54)
        place, form = (8, 32), "Q"
    else:
        (at,) = struct.unpack_from(order + "I", head, 28)
        size, count = struct.unpack_from(order + "HH", head, 42)
        place, form = (4, 16), "I"
    for index in range(count):
        entry = at + index * size
        (kind,) = struct.unpack_from(order + "I", head, entry)
        if kind == _PT_INTERP:
            (begin,) = struct.unpack_from(order + form, head, entry + place[0])
            (length,) = struct.unpack_from(order + form, head, entry + place[1])
            return os.fsdecode(head[begin : begin + length].rstrip(b"\0"))
    return ""
