"""The first program in a zygote's outer sandbox, where the agent is root: root until it is not.

It is run by headway's own Python, before any of the app's code. It keeps a /proc aside that nothing
is hidden of, for the kernel lets a user mount a new one only where one can be seen; then it becomes
the app's user without a capability, under a filter that still lets it make sandboxes.
"""

from __future__ import annotations

import os
import sys

from . import kernel

ASIDE = "/run/headway"
PROC = ASIDE + "/proc"
FILES = "/run/headway-zygote"
_MASKED = (
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
_READABLE_BY_OTHERS = 0o044


def main() -> None:
    """Become the app's user, then the zygote: `UID PYTHON`; a user id of -1 is the one we are."""
    uid, python = int(sys.argv[1]), sys.argv[2]
    if uid >= 0:
        _keep_proc()
    hidden = _hidden()
    if uid >= 0:
        _become(uid)
    kernel.drop_capabilities()
    with open(FILES + "/making.bpf", "rb") as file:
        filter_ = kernel.Filter(file.read())
    filter_.apply()
    words = "import sys; sys.path.insert(0, %r); from headway_zygote import zygote; zygote.main(%r)"
    os.execve(python, [python, "-c", words % (FILES, hidden)], os.environ)


def _keep_proc() -> None:
    kernel.Mount("none", "/", None, kernel.MS_REC | kernel.MS_PRIVATE).make()
    flags = kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC
    kernel.Mount("proc", PROC, "proc", flags).make()


def _become(uid: int) -> None:
    os.setgroups([])
    kernel.drop_bounds()
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)


def _hidden() -> list[str]:
    """List what is to be hidden of the /proc of runs, by the one that nothing is hidden of yet."""
    found = []
    for name in _MASKED:
        try:
            if os.stat(PROC + "/" + name).st_mode & _READABLE_BY_OTHERS:
                found.append("/proc/" + name)
        except OSError:
            pass
    return found
