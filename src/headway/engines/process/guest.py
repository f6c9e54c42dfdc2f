"""Becomes a command inside a running container. Run as `python -I -S guest.py DESCRIPTOR`.

The descriptor gives, as JSON, what to become, then two NUL bytes, then the environment of the
container's main process, which is the command's too.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import resource
import signal
import sys
import termios
from typing import Any

NAMESPACES = ("user", "cgroup", "ipc", "uts", "net", "pid", "mnt")  # mnt last: /proc changes
NS_GET_USERNS = 0xB701
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, PR_CAPBSET_DROP = 38, 22, 2, 24
PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None, use_errno=True)


class Program(ctypes.Structure):
    """struct sock_fprog."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def main(descriptor: int) -> int:
    """Become the command, in a child; end as it ends."""
    with os.fdopen(descriptor, "rb") as file:
        head, _, environment = file.read().partition(b"\0\0")
    asked = json.loads(head)
    for path in asked["joins"]:
        try:
            with open(path, "w") as file:
                file.write("0")
        except OSError:
            pass
    filter_ = b""
    if asked["seccomp"]:
        with open(asked["seccomp"], "rb") as file:
            filter_ = file.read()
    try:
        join(asked["init"])
    except OSError as error:  # it ended meanwhile, or this machine does not let anybody in
        os.write(2, ("headway: %s\n" % error).encode())
        return 126
    child = os.fork()  # a process is in its pid namespace from birth
    if child:
        return follow(child)
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    become(asked, environment, filter_)
    return 125


def join(init: int) -> None:
    """Enter every namespace of a process that is not ours already.

    Entering needs rights in the user namespace that owns the others, which is not the innermost
    one: root has them where it is; anybody else must enter the owner first.
    """
    folder = "/proc/%d/ns/" % init
    opened = {
        name: os.open(folder + name, os.O_RDONLY)
        for name in NAMESPACES
        if os.readlink(folder + name) != os.readlink("/proc/self/ns/" + name)
    }
    inner = opened.pop("user", None)
    entered = 0
    if os.geteuid() != 0 and "mnt" in opened:
        owner = fcntl.ioctl(opened["mnt"], NS_GET_USERNS)
        entered = os.fstat(owner).st_ino
        enter(owner)
    for namespace in opened.values():
        enter(namespace)
    if inner is not None and os.fstat(inner).st_ino != entered:
        enter(inner)


def enter(namespace: int) -> None:
    """Enter one namespace."""
    if _libc.setns(namespace, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, "entering the container: " + os.strerror(number))
    os.close(namespace)


def follow(child: int) -> int:
    """Wait for the command and end as it ended."""
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def become(asked: dict[str, Any], environment: bytes, filter_: bytes) -> None:
    """Take on the container's limits and user, and start the command."""
    try:
        if asked["terminal"]:
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        limit(asked["rlimits"])
        for capability in range(64):
            _libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
        if asked["uid"] is not None:
            if can_set_groups():
                os.setgroups([])
            os.setresgid(asked["uid"], asked["uid"], asked["uid"])
            os.setresuid(asked["uid"], asked["uid"], asked["uid"])
        drop_capabilities()
        # Becoming another user cleared it: who carries the command must not end without it.
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        os.chdir(asked["directory"])
        variables = dict(part.split(b"=", 1) for part in environment.split(b"\0") if b"=" in part)
        if asked["terminal"]:
            variables.setdefault(b"TERM", b"xterm-256color")
        _libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        if filter_:
            set_filter(filter_)
        path = variables.get(b"PATH", b"/usr/bin:/bin")
        for number in (signal.SIGPIPE, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        run(asked["argv"], path, variables)
    except OSError as error:
        os.write(2, ("headway: %s\n" % error).encode())
        os._exit(126)
    os._exit(127)


def set_filter(filter_: bytes) -> None:
    """Let the kernel refuse what the container's own processes are refused."""
    program = Program(len(filter_) // 8, filter_)
    if _libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "the system-call filter was refused")


def limit(rlimits: list[tuple[str, int]]) -> None:
    """Set limits, none of them above what this process may have."""
    for name, wanted in rlimits:
        number = getattr(resource, name)
        _, hard = resource.getrlimit(number)
        value = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(number, (value, value))


def run(argv: list[str], path: bytes, variables: dict[bytes, bytes]) -> None:
    """Find the command in the container's PATH and start it."""
    words = [os.fsencode(word) for word in argv]
    if b"/" in words[0]:
        os.execve(words[0], words, variables)
    for folder in path.split(b":"):
        try:
            os.execve(folder + b"/" + words[0], words, variables)
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            continue
    os.write(2, b"headway: %s: not found in the container\n" % words[0])
    os._exit(127)


def can_set_groups() -> bool:
    """Say whether the user namespace lets groups be dropped."""
    try:
        with open("/proc/self/setgroups") as file:
            return file.read().strip() == "allow"
    except OSError:
        return False


def drop_capabilities() -> None:
    """Clear every capability set: entering a user namespace gave all of them."""
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    nothing = (ctypes.c_uint32 * 6)()
    if _libc.capset(header, nothing) != 0:
        raise OSError(ctypes.get_errno(), "capabilities could not be dropped")


if __name__ == "__main__":
    # At once: a command that ends its container has its status told before all of that is ended.
    os._exit(main(int(sys.argv[1])))
