"""The last steps of a container's first process: from the shim's child to the sandbox.

Loaded by the shim in its child only, so the shim itself stays small. As root it first makes a mount
namespace of its own, where the container's directories are gathered and where one tmpfs bounds
everything that may be written; then it becomes the container's user. bubblewrap does the rest.
"""

from __future__ import annotations

import ctypes
import os
import resource
from typing import Any

CLONE_NEWNS = 0x00020000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_BIND, MS_REC, MS_PRIVATE = 1, 2, 4, 4096, 16384, 1 << 18

STAGES = ("/mnt", "/srv", "/media", "/run", "/home")
"""Where directories are gathered: one of these that holds nothing the container needs."""

MASKED = (
    "interrupts",
    "kcore",
    "key-users",
    "keys",
    "kpagecgroup",
    "kpagecount",
    "kpageflags",
    "latency_stats",
    "sched_debug",
    "slabinfo",
    "timer_list",
    "vmallocinfo",
)
"""Files of /proc that tell of the machine and not of the container."""

_libc = ctypes.CDLL(None, use_errno=True)


def become(launch: dict[str, Any], private: dict[str, Any], told: int) -> None:
    """Become the sandbox; returns never."""
    mounts = list(launch["mounts"])
    if launch["uid"] is not None:
        bwrap, mounts, disk = gather(launch, mounts)
    else:
        bwrap, disk = launch["bwrap"], None
    limit(launch["rlimits"])
    words = arguments(launch, mounts, disk, told)
    for name, value in private["variables"].items():
        words += ["--setenv", name, value]
    kept = {0, 1, 2, told}
    if launch["seccomp"]:
        filter_ = os.open(launch["seccomp"], os.O_RDONLY)
        words += ["--seccomp", str(filter_)]
        kept.add(filter_)
    # Arguments go through a file without a name: they hold the environment, and anybody may read
    # the arguments of a process.
    given = os.memfd_create("arguments", 0)
    kept.add(given)
    os.write(given, b"".join(os.fsencode(word) + b"\0" for word in words))
    os.lseek(given, 0, os.SEEK_SET)
    for descriptor in kept:
        os.set_inheritable(descriptor, True)
    close_others(kept)
    if launch["uid"] is not None:
        os.setgroups([])
        os.setresgid(launch["uid"], launch["uid"], launch["uid"])
        os.setresuid(launch["uid"], launch["uid"], launch["uid"])
    os.execve(bwrap, ["bwrap", "--args", str(given), "--", *launch["argv"]], {})


def close_others(kept: set[int]) -> None:
    """Close every descriptor but these."""
    for name in os.listdir("/proc/self/fd"):
        if int(name) not in kept:
            try:
                os.close(int(name))
            except OSError:
                pass


def gather(
    launch: dict[str, Any], mounts: list[tuple[str, str, bool]]
) -> tuple[str, list[tuple[str, str, bool]], str]:
    """Make the directories of the container reachable for its user, and nothing else of them."""
    call("unshare", CLONE_NEWNS)
    mount("none", "/", None, MS_REC | MS_PRIVATE)
    sources = [source for source, _, _ in mounts] + [launch["bwrap"]]
    stage = next(
        place
        for place in STAGES
        if os.path.isdir(place)
        and not any(source == place or source.startswith(place + "/") for source in sources)
    )
    mount("tmpfs", stage, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=1m")
    gathered = []
    for number, (source, path, writable) in enumerate(mounts):
        place = "%s/%d" % (stage, number)
        make_like(source, place)
        mount(source, place, None, MS_BIND | MS_REC)
        gathered.append((place, path, writable))
    bwrap = launch["bwrap"]
    if launch["bwrap_root"]:
        os.mkdir(stage + "/bwrap")
        mount(launch["bwrap_root"], stage + "/bwrap", None, MS_BIND | MS_REC)
        bwrap = stage + "/bwrap" + bwrap[len(launch["bwrap_root"]) :]
    disk = stage + "/disk"
    os.mkdir(disk)
    bounds = "mode=0755,size=%d,nr_inodes=%d" % (launch["disk_bytes"], launch["inodes"])
    mount("tmpfs", disk, "tmpfs", MS_NOSUID | MS_NODEV, bounds)
    for name, mode in (("tmp", 0o1777), ("shm", 0o1777), ("home", 0o700)):
        os.mkdir(disk + "/" + name)
        os.chmod(disk + "/" + name, mode)
        os.chown(disk + "/" + name, launch["uid"], launch["uid"])
    return bwrap, gathered, disk


def make_like(source: str, place: str) -> None:
    """Make something that a source can be bound to."""
    if os.path.isdir(source):
        os.mkdir(place)
    else:
        os.close(os.open(place, os.O_CREAT | os.O_WRONLY, 0o644))


def arguments(
    launch: dict[str, Any], mounts: list[tuple[str, str, bool]], disk: str | None, told: int
) -> list[str]:
    """Give bubblewrap's arguments."""
    words = [
        "--unshare-user",
        "--unshare-pid",
        "--unshare-ipc",
        "--unshare-uts",
        "--unshare-cgroup-try",
        "--die-with-parent",
        "--new-session",
        "--hostname",
        launch["hostname"],
        "--cap-drop",
        "ALL",
        "--json-status-fd",
        str(told),
    ]
    if launch["network"] == "none":
        words.append("--unshare-net")
    if launch["disable_userns"]:
        words.append("--disable-userns")
    words += launch["system"]
    words += ["--proc", "/proc", "--ro-bind", "/proc/sys", "/proc/sys", "--dev", "/dev"]
    for name in MASKED:
        if os.path.exists("/proc/" + name):
            words += ["--ro-bind", "/dev/null", "/proc/" + name]
    if disk is not None:
        words += ["--bind", disk + "/tmp", "/tmp", "--bind", disk + "/shm", "/dev/shm"]
        words += ["--bind", disk + "/home", "/home"]
    else:
        size = str(launch["disk_bytes"])
        for path in ("/tmp", "/dev/shm", "/home"):
            words += ["--size", size, "--perms", "1777", "--tmpfs", path]
    for source, path, writable in mounts:
        words += ["--bind" if writable else "--ro-bind", source, path]
    words += ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", launch["directory"]]
    return words


def limit(rlimits: list[tuple[str, int]]) -> None:
    """Set limits, none of them above what this process may have."""
    for name, wanted in rlimits:
        number = getattr(resource, name)
        _, hard = resource.getrlimit(number)
        value = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(number, (value, value))


def mount(source: str, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    """Mount, or say what could not be mounted where."""
    words = [None if word is None else os.fsencode(word) for word in (source, target, kind, data)]
    if _libc.mount(words[0], words[1], words[2], ctypes.c_ulong(flags), words[3]) != 0:
        number = ctypes.get_errno()
        raise OSError(number, "mount %s on %s: %s" % (source, target, os.strerror(number)))


def call(name: str, *values: int) -> None:
    """Call a function of the C library that gives 0, or say what it did not do."""
    if getattr(_libc, name)(*values) != 0:
        number = ctypes.get_errno()
        raise OSError(number, "%s: %s" % (name, os.strerror(number)))
