"""The last steps of a container's first process: from the shim's child to the sandbox.

Loaded by the shim in its child only, so the shim itself stays small. First it makes a mount
namespace of its own, where the container's directories are gathered and where one tmpfs bounds
everything that may be written; then, as root, it becomes the container's user. A plain user has
that mount namespace in a user namespace of its own, where the machine lets it. bubblewrap does the
rest.
"""

from __future__ import annotations

import ctypes
import os
import resource
import stat
import sys
from typing import Any

CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWNET = 0x00020000, 0x10000000, 0x40000000
SIOCSIFFLAGS = 0x8914
PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38
LANDLOCK_CREATE, LANDLOCK_RESTRICT, LANDLOCK_VERSION = 444, 446, 1
LANDLOCK_SCOPES, LANDLOCK_SCOPE_NAMES = 6, 1
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


def become(
    launch: dict[str, Any], private: dict[str, Any], told: int, passed: set[int] | None = None
) -> None:
    """Become the sandbox; returns never. Descriptors that are `passed` on stay open."""
    mounts = list(launch["mounts"])
    bwrap, disk = launch["bwrap"], None
    if launch["gathers"]:
        if launch["uid"] is None:
            own_users()
        bwrap, mounts, disk = gather(launch, mounts)
    elif launch.get("reach") and launch["uid"] is None:
        own_users()
    if launch.get("reach"):
        own_network(launch["reach"], launch["bridge"])
    limit(launch["rlimits"])
    words = arguments(launch, mounts, disk, told)
    for name, value in private["variables"].items():
        words += ["--setenv", name, value]
    kept = {0, 1, 2, told, *(passed or ())}
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
    if launch["uid"] is not None and not launch.get("starts_as_root"):
        os.setgroups([])
        os.setresgid(launch["uid"], launch["uid"], launch["uid"])
        os.setresuid(launch["uid"], launch["uid"], launch["uid"])
    if not os.stat(bwrap).st_mode & stat.S_ISUID:  # it would not get its rights
        keep_to_own_names()
    die_with(launch["supervisor"])
    os.execve(bwrap, ["bwrap", "--args", str(given), "--", *launch["argv"]], {})


def die_with(supervisor: int) -> None:
    """End when the supervisor does. From here on bubblewrap sees to it, but it may be late."""
    if _libc.prctl(PR_SET_PDEATHSIG, 9, 0, 0, 0) != 0 or os.getppid() != supervisor:
        os._exit(125)


def own_users() -> None:
    """Be in a user namespace of its own, as the same user, with every right in it.

    What counts for a user counts anew in there, processes above all.
    """
    user, group = os.geteuid(), os.getegid()
    call("unshare", CLONE_NEWUSER)
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", "%d %d 1" % (user, user)),
        ("gid_map", "%d %d 1" % (group, group)),
    ):
        with open("/proc/self/" + name, "w") as file:
            file.write(text)


def keep_to_own_names() -> None:
    """Have no Unix socket be reached by a bare name but those that are made in here.

    Such names belong to the network, which containers may share with the machine, and its daemons
    with it. Nothing is done where the kernel cannot (before Linux 6.12).

    Source: landlock(7), LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET; the numbers are every machine's.
    """
    if _libc.syscall(LANDLOCK_CREATE, None, ctypes.c_size_t(0), LANDLOCK_VERSION) < LANDLOCK_SCOPES:
        return
    wanted = (ctypes.c_uint64 * 3)(0, 0, LANDLOCK_SCOPE_NAMES)
    rules = _libc.syscall(LANDLOCK_CREATE, wanted, ctypes.c_size_t(ctypes.sizeof(wanted)), 0)
    if rules < 0:
        return
    _libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    _libc.syscall(LANDLOCK_RESTRICT, rules, 0)
    os.close(rules)


def own_network(reach: list[int], bridge: int) -> None:
    """Be in a network of its own, and hand out what listens there for the ports to be reached."""
    import fcntl
    import socket
    import struct

    call("unshare", CLONE_NEWNET)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        up = struct.pack("16sH14s", b"lo", 0x49, b"")  # IFF_UP, IFF_LOOPBACK, IFF_RUNNING
        fcntl.ioctl(asking, SIOCSIFFLAGS, up)
    listeners = [socket.create_server(("127.0.0.1", port), backlog=128) for port in reach]
    with socket.socket(fileno=bridge) as line:
        socket.send_fds(line, [b"H"], [one.fileno() for one in listeners])


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
        if launch["uid"] is not None:
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
    words = _rights(launch)
    words += [
        "--unshare-pid",
        "--unshare-ipc",
        "--unshare-uts",
        "--unshare-cgroup-try",
        "--die-with-parent",
        "--new-session",
        "--hostname",
        launch["hostname"],
        "--json-status-fd",
        str(told),
    ]
    if launch["network"] == "none" and not launch.get("reach"):
        words.append("--unshare-net")
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
    if launch.get("starts_as_root"):
        words += _passable(mounts)
    for source, path, writable in mounts:
        words += ["--bind" if writable else "--ro-bind", source, path]
    words += launch.get("more", ())
    words += ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", launch["directory"]]
    return words


def _rights(launch: dict[str, Any]) -> list[str]:
    """Say as whom the first program starts, and what it may do to the machine: nothing.

    What makes runs' sandboxes starts as root where it can, for root gives each a user of its own.
    Its first program is ours and gives all of this up.
    """
    if launch.get("starts_as_root"):
        rights = ["--cap-drop", "ALL"]
        for name in ("CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP", "CAP_SYS_ADMIN"):
            rights += ["--cap-add", name]
        return rights
    rights = ["--unshare-user", "--cap-drop", "ALL"]
    if launch.get("seen_as") is not None:
        rights += ["--uid", str(launch["seen_as"]), "--gid", str(launch["seen_as"])]
    return [*rights, "--disable-userns"] if launch["disable_userns"] else rights


def _passable(mounts: list[tuple[str, str, bool]]) -> list[str]:
    """Make the directories above mounts beforehand: bubblewrap's own are root's alone."""
    above: dict[str, None] = {}
    for _, path, _ in mounts:
        parts = path.split("/")[1:-1]
        for count in range(len(parts)):
            above["/" + "/".join(parts[: count + 1])] = None
    words = []
    for path in above:
        words += ["--perms", "0755", "--dir", path]
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


def probe(bwrap: str, bwrap_root: str) -> None:
    """Try the way of a plain user; ends with status 0 where the machine allows it."""
    own_users()
    launch = {"bwrap": bwrap, "bwrap_root": bwrap_root, "uid": None}
    bwrap, _, disk = gather({**launch, "disk_bytes": 1 << 20, "inodes": 16}, [])
    words = ["--unshare-user", "--unshare-pid", "--ro-bind", "/", "/", "--proc", "/proc"]
    os.execve(bwrap, ["bwrap", *words, "--bind", disk, "/tmp", "--", "/bin/true"], {})


if __name__ == "__main__":
    probe(sys.argv[1], sys.argv[2])
