"""The sandbox of one run, made by the process that will be its first: namespaces are its own.

It differs from other containers' in one thing: of /proc only what this user could read is hidden,
because what only root reads is closed to it anyway, and each mount is time that runs wait for.
"""

from __future__ import annotations

import os
import resource
import socket
import struct
from typing import Any

from . import kernel
from .drop import ASIDE

_PLACES = (("/tmp", "/tmp", 0o1777), ("/shm", "/dev/shm", 0o1777), ("/home", "/home", 0o700))
_BACKLOG = 128
_Socket = socket.socket
"""As it was before the app's code could put something else there."""
_CLOSED = kernel.MS_NOSUID | kernel.MS_NODEV


def map_user(inner: int, outer: int) -> None:
    """Be one user in the own user namespace: for who has nobody above to do it."""
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", "%d %d 1" % (inner, outer)),
        ("gid_map", "%d %d 1" % (inner, outer)),
    ):
        with open("/proc/self/" + name, "w") as file:
            file.write(text)


class Sandbox:
    """How sandboxes of one kind are made. What can be thought of beforehand is: they are many."""

    def __init__(self, asked: dict[str, Any], hidden: list[str], filter_: kernel.Filter) -> None:
        self._uid: int = asked["uid"]
        self._has_own_network = bool(asked["own_network"])
        self._filter = filter_
        self._mounts = _proc(hidden)
        bounds = "mode=0711,size=%d,nr_inodes=%d,uid=%d,gid=%d"
        bounds %= asked["disk_bytes"], asked["inodes"], self._uid, self._uid
        # It covers the /proc that is kept aside, too.
        self._disk = kernel.Mount("tmpfs", ASIDE, "tmpfs", _CLOSED, bounds)
        self._places = [
            (ASIDE + name, mode, kernel.Mount(ASIDE + name, path, None, kernel.MS_BIND))
            for name, path, mode in _PLACES
        ]
        flags = kernel.MS_NOSUID | kernel.MS_NOEXEC
        terminals = "newinstance,ptmxmode=0666,mode=620"
        self._terminals = kernel.Mount("devpts", "/dev/pts", "devpts", flags, terminals)
        self._rlimits = [_rlimit(name, wanted) for name, wanted in asked["rlimits"]]

    def enter(self) -> None:
        """Make this process's sandbox and shut it."""
        uid = self._uid
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
        kernel.prctl(kernel.PR_SET_DUMPABLE, 1)
        kernel.prctl(kernel.PR_SET_PDEATHSIG, 9)
        os.setsid()
        for mount in self._mounts:
            mount.make()
        self._disk.make()
        for place, mode, mount in self._places:
            os.mkdir(place)
            os.chmod(place, mode)
            mount.make()
        self._terminals.make()
        if self._has_own_network:
            kernel.raise_loopback()
        for number, value in self._rlimits:
            resource.setrlimit(number, (value, value))
        kernel.drop_bounds()
        kernel.drop_capabilities()
        self._filter.apply()


def _rlimit(name: str, wanted: int) -> tuple[int, int]:
    number = getattr(resource, name)
    _, hard = resource.getrlimit(number)
    return number, wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)


def _proc(hidden: list[str]) -> list[kernel.Mount]:
    again = kernel.MS_BIND | kernel.MS_REMOUNT | kernel.MS_RDONLY
    return [
        kernel.Mount("proc", "/proc", "proc", _CLOSED | kernel.MS_NOEXEC),
        kernel.Mount("/proc/sys", "/proc/sys", None, kernel.MS_BIND),
        kernel.Mount("none", "/proc/sys", None, again | _CLOSED | kernel.MS_NOEXEC),
        *(kernel.Mount("/dev/null", path, None, kernel.MS_BIND) for path in hidden),
    ]


def greet(control: int, reach: list[int]) -> None:
    """Say that we are there; where some ports may be reached, with what listens for them."""
    if not reach:
        os.write(control, b"H")
        return
    kernel.raise_loopback()
    with _Socket(socket.AF_UNIX, socket.SOCK_STREAM, fileno=os.dup(control)) as line:
        listeners = []
        for port in reach:
            listening = _Socket(socket.AF_INET, socket.SOCK_STREAM)
            listening.bind(("127.0.0.1", port))
            listening.listen(_BACKLOG)
            listeners.append(listening)
        numbers = struct.pack("%di" % len(reach), *(one.fileno() for one in listeners))
        line.sendmsg([b"H"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, numbers)])
        for listening in listeners:
            listening.close()
