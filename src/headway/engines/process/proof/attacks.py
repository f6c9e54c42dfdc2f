"""Attacks on a sandbox, tried from inside. Each says what it got out; nothing is what it should be.

Run in a container as a program that prints what got out as JSON, and in a run as a job. It uses
the standard library only, and knows nothing of how the sandbox is made.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any

from .calls import architectures, bounds, calls, namespaces, sockets, terminal

_TABLES = (
    "interrupts", "kcore", "key-users", "keys", "kpagecgroup", "kpagecount", "kpageflags",
    "latency_stats", "sched_debug", "slabinfo", "timer_list", "vmallocinfo",
)  # fmt: skip
_DEVICES = {
    "console", "core", "fd", "full", "null", "ptmx", "pts", "random", "shm", "stderr", "stdin",
    "stdout", "tty", "urandom", "zero",
}  # fmt: skip
_FILES = (
    "/boot", "/etc/shadow", "/etc/sudoers", "/run/docker.sock", "/run/containerd", "/sys/fs/cgroup",
    "/sys/kernel", "/var/lib", "/var/log", "/var/run/docker.sock",
)  # fmt: skip
_FIRST_COMMAND = 3
"""In a run, this descriptor is how it is handed its work."""


def environment(_: Any) -> str:
    """The first process of the sandbox tells of a supervisor's variables."""
    with open("/proc/1/environ", "rb") as file:
        found = {part.partition(b"=")[0].decode() for part in file.read().split(b"\0") if part}
    return ", ".join(sorted(found - set(os.environ)))


def arguments(_: Any) -> str:
    """The first process of the sandbox tells how it was made."""
    with open("/proc/1/cmdline", "rb") as file:
        words = file.read().split(b"\0")
    return ", ".join(word.decode() for word in words if b"bind" in word or b"--set" in word)


def processes(_: Any) -> str:
    """Processes of others can be seen."""
    mine = {1, os.getpid(), os.getppid()}
    return ", ".join(
        name for name in os.listdir("/proc") if name.isdigit() and int(name) not in mine
    )


def files(_: Any) -> str:
    """Files of the machine can be seen."""
    found = [path for path in _FILES if os.path.exists(path)]
    # The interpreter may be there, and is to be seen.
    own = (os.path.realpath(sys.base_prefix) + "/").split("/")[1:3]
    found += ["/root/" + name for name in _listing("/root") if ["root", name] != own]
    return ", ".join(found)


def writes(_: Any) -> str:
    """Something outside of the private places can be written to."""
    found = []
    for folder in (
        "/",
        "/app",
        "/dev",
        "/etc",
        "/proc/sys/kernel",
        "/root",
        "/run",
        "/usr",
        "/var",
    ):
        try:
            os.close(os.open(folder + "/attack", os.O_CREAT | os.O_WRONLY | os.O_EXCL))
        except OSError:
            continue
        found.append(folder)
        os.unlink(folder + "/attack")
    return ", ".join(found)


def settings(_: Any) -> str:
    """The kernel's settings can be changed."""
    found = []
    for name in (
        "sys/kernel/pid_max", "sys/kernel/core_pattern", "sys/net/ipv4/ip_forward", "sysrq-trigger",
        "sys/net/ipv4/ping_group_range", "self/oom_score_adj",
    ):  # fmt: skip
        try:
            with open("/proc/" + name, "r+") as file:
                if name != "self/oom_score_adj":
                    found.append(name)
                else:
                    file.write("-1000")
                    file.flush()
                    found.append("its turn when memory is short")
        except OSError:
            continue
    return ", ".join(found)


def tables(_: Any) -> str:
    """What the kernel keeps about the machine can be read."""
    found = []
    for name in _TABLES:
        try:
            with open("/proc/" + name, "rb") as file:
                if file.read(16):
                    found.append(name)
        except OSError:
            continue
    return ", ".join(found)


def rights(_: Any) -> str:
    """There are capabilities, privileges to be gained, or system calls are not filtered."""
    with open("/proc/self/status") as file:
        lines = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    found = [name for name in lines if name.startswith("Cap") and int(lines[name], 16)]
    if lines.get("NoNewPrivs") != "1":
        found.append("NoNewPrivs")
    if lines.get("Seccomp") != "2":
        found.append("Seccomp")
    return ", ".join(found)


def root(_: Any) -> str:
    """It is root, if only in its own eyes."""
    return "uid 0" if 0 in os.getresuid() or 0 in os.getresgid() else ""


def descriptors(_: Any) -> str:
    """Something that is open was handed down."""
    found = []
    for name in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink("/proc/self/fd/" + name)
        except OSError:
            continue
        if int(name) > 2 and not (int(name) == _FIRST_COMMAND and target.startswith("socket:")):
            found.append("%s: %s" % (name, target))
    # The listing itself is one.
    return ", ".join(word for word in found if not word.endswith("/fd"))


def devices(_: Any) -> str:
    """There are devices of the machine, or they can be made."""
    found = [name for name in os.listdir("/dev") if name not in _DEVICES]
    for number in (os.makedev(1, 1), os.makedev(8, 0)):
        try:
            os.mknod("/tmp/attack", 0o600 | 0o020000, number)
            found.append("mknod")
        except OSError:
            continue
    return ", ".join(found)


def set_id(_: Any) -> str:
    """Programs in the private places may change the user."""
    places = ("/tmp", "/dev/shm", "/home")
    return ", ".join(p for p in places if not os.statvfs(p).f_flag & os.ST_NOSUID)


def leftovers(_: Any) -> str:
    """Shared memory, queues or semaphores of others can be seen."""
    found = []
    for name in ("shm", "msg", "sem"):
        with open("/proc/sysvipc/" + name) as file:
            found += [name for _ in file.read().splitlines()[1:]]
    return ", ".join(found)


def disk(asked: dict[str, Any]) -> str:
    """More can be written than the limit says."""
    most = int(asked["disk_mib"]) << 20
    total, block = 0, b"x" * 65536
    paths = [place + "/attack" for place in ("/tmp", "/dev/shm", "/home")]
    try:
        for path in paths:
            try:
                with open(path, "wb", buffering=0) as file:
                    while total <= most:
                        total += file.write(block)
            except OSError:
                continue
    finally:
        for path in paths:
            if os.path.exists(path):
                os.unlink(path)
    return "more than %d MiB" % (most >> 20) if total > most else ""


def inodes(asked: dict[str, Any]) -> str:
    """More files can be made than the limit says."""
    made = 0
    try:
        while made <= int(asked["inodes"]):
            os.close(os.open("/tmp/attack-%d" % made, os.O_CREAT | os.O_WRONLY))
            made += 1
    except OSError:
        return ""
    finally:
        for number in range(made):
            os.unlink("/tmp/attack-%d" % number)
    return "%d files" % made


def forks(asked: dict[str, Any]) -> str:
    """More processes can be started than the limit says."""
    most = int(asked["processes"])
    children: list[int] = []
    try:
        while len(children) <= most:
            pid = os.fork()
            if pid == 0:
                signal.pause()
                os._exit(0)
            children.append(pid)
    except OSError:
        return ""
    finally:
        for pid in children:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    return "%d processes" % len(children)


def network(asked: dict[str, Any]) -> str:
    """A network can be reached that was not asked for."""
    found = []
    for family, address in (
        (socket.AF_INET, ("127.0.0.1", int(asked["port"]))),
        (socket.AF_INET, ("1.1.1.1", 53)),
        (socket.AF_INET, ("169.254.169.254", 80)),
        (socket.AF_UNIX, "\0" + str(asked["name"])),
    ):
        with socket.socket(family) as trying:
            trying.settimeout(0.5)
            try:
                trying.connect(address)
                found.append(str(address))
            except OSError:
                continue
    return ", ".join(found)


ATTACKS: tuple[Callable[[dict[str, Any]], str], ...] = (
    environment, arguments, processes, files, writes, settings, tables, rights, root, namespaces,
    calls, architectures, sockets, terminal, descriptors, devices, set_id, leftovers, bounds, disk,
    inodes, forks, network,
)  # fmt: skip


def run(**asked: Any) -> dict[str, str]:
    """Try all of them; gives what each got out, by its name."""
    return {attack.__name__: _tried(attack, asked) for attack in ATTACKS}


def eat(memory_mib: int) -> None:
    """Use more memory than is allowed."""
    eaten = bytearray(2 * memory_mib << 20)
    del eaten


def _tried(attack: Callable[[dict[str, Any]], str], asked: dict[str, Any]) -> str:
    try:
        return attack(asked)
    except OSError:
        return ""


def _listing(path: str) -> list[str]:
    try:
        return os.listdir(path)
    except OSError:
        return []


def main() -> None:
    """Be a container's program."""
    print(json.dumps(run(**json.loads(sys.argv[1]))))  # noqa: T201
