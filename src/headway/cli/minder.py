"""Runs a command that never outlives who asked for it, nor does anything that it has started.

Run as `python -I -S minder.py LINE GROUP COMMAND…`. LINE is a pipe whose other end only the asking
process has: each byte is a signal to pass on, and its end is that process's own, however it came.
GROUP is the process group that the command joins; 0: one of its own, signalled as a whole. Needs
the standard library only, and starts in 15 ms.
"""

import ctypes
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

_SET_PDEATHSIG, _SET_CHILD_SUBREAPER = 1, 36
"""prctl(2)"""
_UNKNOWN, _NOT_RUNNABLE = 127, 126
_KILLED = 128 + signal.SIGKILL


def main() -> int:
    """Run a command until it ends, or until there is nobody who asked for it."""
    line, group, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    prctl = ctypes.CDLL(None).prctl
    prctl(_SET_CHILD_SUBREAPER, 1)  # orphans of what it runs become its own children
    woken = _woken_by_children()
    try:
        # Kept: one that is let go of reaps its process, whose status would be lost.
        started = subprocess.Popen(
            command,
            process_group=group,
            preexec_fn=_mortal(prctl),  # noqa: PLW1509 (this process has one thread)
        )
    except OSError as error:
        sys.stderr.write(f"{command[0]}: {error.strerror}\n")
        return _UNKNOWN if isinstance(error, FileNotFoundError) else _NOT_RUNNABLE
    child = started.pid
    while True:
        for ready in select.select([line, woken], [], [])[0]:
            said = os.read(ready, 512)
            if ready == line and (not said or signal.SIGKILL in said):
                return _end_all()
            for number in said if ready == line else b"":
                _pass_on(child, number, is_group=not group)
        status = _reaped(child)
        if status is not None:
            return status


def _woken_by_children() -> int:
    """Give a pipe that says something when a child has ended."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    return reading


def _mortal(prctl: Callable[..., int]) -> Callable[[], None]:
    """Have the kernel end the command when this process is killed itself."""
    own = os.getpid()

    def prepare() -> None:
        prctl(_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != own:
            os._exit(_KILLED)

    return prepare


def _pass_on(child: int, number: int, *, is_group: bool) -> None:
    with suppress(ProcessLookupError):
        (os.killpg if is_group else os.kill)(child, number)


def _reaped(child: int) -> int | None:
    """Let what has ended go; gives the status of the command where it is among them."""
    while True:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == child:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code
        if not pid:
            return None


def _end_all() -> int:
    """Kill the command and everything that it has started; orphans come here one after another."""
    own = os.getpid()
    with suppress(ChildProcessError):
        while True:
            for word in Path(f"/proc/{own}/task/{own}/children").read_text().split():
                os.kill(int(word), signal.SIGKILL)
            os.waitpid(-1, 0)
    return _KILLED


if __name__ == "__main__":
    sys.exit(main())
