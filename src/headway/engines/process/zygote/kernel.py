"""Calls to the kernel that Python has no words for, or too many.

What is looked up here once is not looked up in each run's process: there every page of memory that
is touched first is copied first, and runs wait for it.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import ctypes
import os
import platform
import socket
import struct

CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT, MS_BIND = 1, 2, 4, 8, 32, 4096
MS_REC, MS_PRIVATE = 16384, 1 << 18
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_CAPBSET_READ = 1, 4, 22, 23
PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 24, 38, 47, 4
SECCOMP_MODE_FILTER = 2
_CAPABILITIES_MAX = 64
_CAPABILITY_VERSION_3 = 0x20080522
_CLONE = {"x86_64": 56, "aarch64": 220}
_THREAD_BYTES = 2048

handle = _signal.signal
"""`signal.signal` without its enumerations."""
libc = ctypes.CDLL(None, use_errno=True)
_before_fork = ctypes.pythonapi.PyOS_BeforeFork
_after_fork_parent = ctypes.pythonapi.PyOS_AfterFork_Parent
_after_fork_child = ctypes.pythonapi.PyOS_AfterFork_Child
# Holds the interpreter's lock: between the two halves of a fork no other code may run.
_clone = ctypes.PyDLL(None, use_errno=True).syscall
_clone.argtypes = (ctypes.c_long, *[ctypes.c_ulong] * 6)
_number = _CLONE.get(platform.machine())


_mount, _capset = libc.mount, libc.capset
_socket, _ioctl = libc.socket, libc.ioctl
_SIOCSIFFLAGS = 0x8914
_LOOPBACK_UP = struct.pack("16sH14s", b"lo", 0x49, b"")  # IFF_UP, IFF_LOOPBACK, IFF_RUNNING
_prctl = libc.prctl
_prctl.argtypes = (ctypes.c_int, *[ctypes.c_ulong] * 4)
_nowhere = ctypes.c_int32()
_no_capabilities = (
    (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0),
    (ctypes.c_uint32 * 6)(),
)


class Program(ctypes.Structure):
    """struct sock_fprog."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def said(what: str) -> OSError:
    """Give what the kernel answered."""
    number = ctypes.get_errno()
    return OSError(number, "%s: %s" % (what, os.strerror(number)))


class Mount:
    """A mount that is yet to be made, in the words of the kernel."""

    def __init__(
        self, source: str, target: str, kind: str | None, flags: int, data: str | None = None
    ) -> None:
        words = [None if word is None else word.encode() for word in (source, target, kind, data)]
        self._words = (words[0], words[1], words[2], ctypes.c_ulong(flags), words[3])

    def make(self) -> None:
        """Mount, or say what could not be mounted where."""
        if _mount(*self._words) != 0:
            raise said("mount %r on %r" % self._words[:2])


def prctl(option: int, first: int = 0, second: int = 0) -> int:
    """Change something of this process; gives what the kernel gave."""
    return int(_prctl(option, first, second, 0, 0))


def _capabilities() -> list[int]:
    found: list[int] = []
    while len(found) < _CAPABILITIES_MAX and prctl(PR_CAPBSET_READ, len(found)) >= 0:
        found.append(len(found))
    return found


_known_capabilities = _capabilities()


def drop_bounds() -> None:
    """Have no program that is started later gain a capability."""
    for capability in _known_capabilities:
        if _prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0:
            return


def drop_capabilities() -> None:
    """Give up every capability."""
    _prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    if _capset(*_no_capabilities) != 0:
        raise said("capset")


class Filter:
    """A filter of system calls, ready for the kernel."""

    def __init__(self, program: bytes) -> None:
        self._is_empty = not program
        self._program = Program(len(program) // 8, program)
        self._address = ctypes.addressof(self._program)

    def apply(self) -> None:
        """Have the kernel look at every system call from here on."""
        if self._is_empty:
            return
        if prctl(PR_SET_NO_NEW_PRIVS, 1) != 0:
            raise said("no_new_privs")
        if prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, self._address) != 0:
            raise said("seccomp")


def raise_loopback() -> None:
    """Have this network namespace's own loopback carry something."""
    asking = _socket(socket.AF_INET, socket.SOCK_DGRAM, 0)
    if asking < 0 or _ioctl(asking, ctypes.c_ulong(_SIOCSIFFLAGS), _LOOPBACK_UP) != 0:
        raise said("the loopback")
    os.close(asking)


def thread_number() -> ctypes.c_int32:
    """Find where the C library keeps the number of this thread; elsewhere where that is not plain.

    `fork` mends it in the child; a bare `clone` does not, and a later thread of the same number
    would be taken for this one by the locks of the C library.
    """
    libc.pthread_self.restype = ctypes.c_void_p
    start = libc.pthread_self()
    words = (ctypes.c_int32 * (_THREAD_BYTES // 4)).from_address(start)
    found = [index for index, word in enumerate(words) if word == _thread_number()]
    return ctypes.c_int32.from_address(start + 4 * found[0]) if len(found) == 1 else _nowhere


def _thread_number() -> int:
    return int(libc.gettid())


def clone(flags: int, number: ctypes.c_int32) -> int:
    """Fork into new namespaces; gives 0 in the child. Only for a process of one thread."""
    if _number is None:
        raise OSError("it is not known how this machine's kernel is asked for a process")
    _before_fork()
    pid: int = _clone(_number, flags, 0, 0, 0, 0, 0)
    if pid == 0:
        number.value = 1
        _after_fork_child()
        return 0
    _after_fork_parent()
    if pid < 0:
        raise said("clone")
    return pid
