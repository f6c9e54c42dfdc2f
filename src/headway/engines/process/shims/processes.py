"""The processes of a sandbox, from outside."""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found]  # half the memory of signal
import os

READ_BYTES = 65536


def terminate(init: int) -> bool:
    """Send SIGTERM to a sandbox's main process; says whether somebody was there to get it."""
    main_process = _main_process(init)
    if main_process is None:
        return False
    try:
        os.kill(main_process, signal.SIGTERM)
    except OSError:
        pass
    return True


def _main_process(init: int) -> int | None:
    """The first child of the sandbox's init is the command itself."""
    if not init:
        return None
    try:
        with open("/proc/%d/task/%d/children" % (init, init)) as file:
            children = file.read().split()
    except OSError:
        return None
    return int(children[0]) if children else None


def kill(*pids: int) -> None:
    """End every process at once: the kernel ends a pid namespace with its first process."""
    for pid in pids:
        if pid:
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass


def end_of(code: int | None) -> tuple[int | None, int | None]:
    """Give the (status, signal) that an exit code, as shells write it, stands for."""
    if code is not None and code < 0:
        return None, -code
    if code is not None and 128 < code <= 192:
        return None, code - 128
    return code, None


def read(descriptor: int) -> bytes | None:
    """Read what is there; None: nothing now, empty: never again."""
    try:
        return os.read(descriptor, READ_BYTES)
    except BlockingIOError:
        return None
    except OSError:
        return b""
