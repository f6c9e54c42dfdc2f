"""Attacks on a sandbox by system calls."""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import platform
import resource
import signal
import socket
from collections.abc import Callable
from typing import Any

_libc = ctypes.CDLL(None, use_errno=True)
_CALLS: dict[str, dict[str, int]] = {
    "x86_64": {
        "add_key": 248, "bpf": 321, "clone": 56, "clone3": 435, "io_uring_setup": 425,
        "keyctl": 250, "kexec_load": 246, "mount": 165, "mq_open": 240, "name_to_handle_at": 303,
        "open_by_handle_at": 304, "perf_event_open": 298, "pidfd_getfd": 438, "pivot_root": 155,
        "process_vm_readv": 310, "ptrace": 101, "quotactl": 179, "setns": 308, "socket": 41,
        "syslog": 103, "umount2": 166, "unshare": 272, "userfaultfd": 323,
    },
    "aarch64": {
        "add_key": 217, "bpf": 280, "clone": 220, "clone3": 435, "io_uring_setup": 425,
        "keyctl": 219, "kexec_load": 104, "mount": 40, "mq_open": 180, "name_to_handle_at": 264,
        "open_by_handle_at": 265, "perf_event_open": 241, "pidfd_getfd": 438, "pivot_root": 41,
        "process_vm_readv": 270, "ptrace": 117, "quotactl": 60, "setns": 268, "socket": 198,
        "syslog": 116, "umount2": 39, "unshare": 97, "userfaultfd": 282,
    },
}  # fmt: skip
_NUMBERS = _CALLS.get(platform.machine(), {})
_HIGH = 1 << 32
_CLONE_NEWUSER, _CLONE_NEWNS, _CLONE_NEWNET = 0x10000000, 0x00020000, 0x40000000


def call(name: str, *values: Any) -> int:
    """Make a system call; gives its answer, or minus the error's number."""
    ctypes.set_errno(0)
    answer = int(_libc.syscall(_NUMBERS[name], *values))
    return -ctypes.get_errno() if answer < 0 else answer


def namespaces(_: Any) -> str:
    """New namespaces can be made, in which there would be rights again."""
    found = []
    for name, flag in (("user", _CLONE_NEWUSER), ("mount", _CLONE_NEWNS), ("net", _CLONE_NEWNET)):
        if in_child(lambda flag=flag: call("unshare", flag) == 0):  # type: ignore[misc]
            found.append("unshare " + name)
        for high in (0, 1 << 40):
            pid = call("clone", ctypes.c_ulong(high | flag | signal.SIGCHLD), 0, 0, 0, 0)
            if pid == 0:
                os._exit(0)
            if pid > 0:
                os.waitpid(pid, 0)
                found.append("clone " + name)
    if call("clone3", 0, 0) != -errno.ENOSYS:
        found.append("clone3")
    return ", ".join(found)


def calls(_: Any) -> str:
    """System calls are let through that sandboxes were left by before."""
    nothing = ctypes.c_char_p(b"")
    tried = {
        "add_key": (b"user", b"attack", b"x", 1, -2),
        "bpf": (0, 0, 0),
        "io_uring_setup": (1, ctypes.create_string_buffer(120)),
        "keyctl": (0, -3, 0),
        "kexec_load": (0, 0, 0, 0),
        "mount": (b"none", b"/tmp", b"tmpfs", 0, 0),
        "name_to_handle_at": (-100, b"/", ctypes.create_string_buffer(256), nothing, 0),
        "open_by_handle_at": (-100, ctypes.create_string_buffer(256), 0),
        "perf_event_open": (ctypes.create_string_buffer(128), 0, -1, -1, 0),
        "pidfd_getfd": (0, 0, 0),
        "pivot_root": (b"/tmp", b"/tmp"),
        "process_vm_readv": (1, 0, 0, 0, 0, 0),
        "quotactl": (0, 0, 0, 0),
        "setns": (0, 0),
        "syslog": (10, 0, 0),
        "umount2": (b"/tmp", 2),
        "userfaultfd": (1,),
    }
    found = [name for name, values in tried.items() if call(name, *values) != -errno.EPERM]
    if in_child(lambda: call("ptrace", 0, 0, 0, 0) == 0):
        found.append("ptrace")
    if int(_libc.syscall(1023)) != -1 or ctypes.get_errno() != errno.ENOSYS:
        found.append("calls that are not known")
    return ", ".join(found)


def architectures(_: Any) -> str:
    """System calls of another architecture are let through, which no filter looked at."""
    if platform.machine() != "x86_64":
        return ""
    found = []
    if in_child(lambda: int(_libc.syscall(0x40000000 + 39)) > 0):
        found.append("x32")
    if in_child(_int80):
        found.append("i386")
    return ", ".join(found)


def _int80() -> bool:
    """Ask for the process id by the 32-bit way in: `mov eax, 20; int 0x80; ret`."""
    page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(b"\xb8\x14\x00\x00\x00\xcd\x80\xc3")
    place = ctypes.addressof(ctypes.c_char.from_buffer(page))
    return bool(ctypes.CFUNCTYPE(ctypes.c_int)(place)() > 0)


def sockets(_: Any) -> str:
    """Sockets can be made that know no network namespace, or that reach deep into the kernel."""
    found = []
    for family in range(46):
        if family in (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK):
            continue
        for high in (0, _HIGH):
            for kind in (1, 2, 3):
                made = call("socket", ctypes.c_long(high | family), kind, 0)
                if made >= 0:
                    os.close(made)
                    found.append("family %d" % family)
    for protocol in range(1, 23):
        made = call("socket", int(socket.AF_NETLINK), 3, protocol)
        if made >= 0:
            os.close(made)
            found.append("netlink %d" % protocol)
    return ", ".join(dict.fromkeys(found))


def terminal(_: Any) -> str:
    """Words can be put into the terminal of whoever looks on."""
    for request in (0x5412, 0x541C):
        for high in (0, _HIGH):
            ctypes.set_errno(0)
            _libc.ioctl(0, ctypes.c_ulong(high | request), b"x")
            if ctypes.get_errno() != errno.EPERM:
                return "ioctl %#x" % (high | request)
    return ""


def bounds(_: Any) -> str:
    """The kernel's own memory can be filled, or limits raised."""
    found = []
    if call("mq_open", b"attack", os.O_CREAT | os.O_RDWR, 0o600, 0) >= 0:
        found.append("message queues")
    locked = mmap.mmap(-1, 16 << 20)
    place = ctypes.c_void_p(ctypes.addressof(ctypes.c_char.from_buffer(locked)))
    if _libc.mlock(place, ctypes.c_size_t(16 << 20)) == 0:
        found.append("locked memory")
    if resource.getrlimit(resource.RLIMIT_CORE)[1] != 0:
        found.append("core files")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard + 1, hard + 1))
        found.append("open files")
    except (OSError, ValueError):
        pass
    return ", ".join(found)


def in_child(holds: Callable[[], bool]) -> bool:
    """Whether something holds in a process that may be killed for trying."""
    pid = os.fork()
    if pid == 0:
        try:
            os._exit(0 if holds() else 1)
        finally:
            os._exit(1)
    return os.waitpid(pid, 0)[1] == 0
