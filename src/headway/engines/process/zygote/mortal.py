"""Has a function that ends itself by a signal end, although it is its sandbox's first process.

The kernel spares the first process of a pid namespace every signal of its own namespace that it
does not handle, SIGKILL too. Another process to be the first would cost each run a second fork, so
the calls that send signals see to it instead. What C code sends is not seen here.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

_HARMLESS = {
    signal.SIGCHLD, signal.SIGCONT, signal.SIGURG, signal.SIGWINCH,
    signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU,
}  # fmt: skip
"""Those that would not end a process by default."""
_FIRST = 1


def be_mortal() -> None:
    """Do what the kernel would do to any other process, where this one is or becomes the first."""
    kill, raise_signal = os.kill, signal.raise_signal

    def mortal_kill(pid: int, number: int, /) -> None:
        kill(pid, number)
        if pid in (0, _FIRST):
            _end_by(number)

    def mortal_raise(number: int, /) -> None:
        raise_signal(number)
        _end_by(number)

    def abort() -> None:
        _end_by(signal.SIGABRT, even_handled=True)

    replaced: list[tuple[object, str, Callable[..., None]]] = [
        (os, "kill", mortal_kill),
        (os, "abort", abort),
        (signal, "raise_signal", mortal_raise),
    ]
    for module, name, function in replaced:
        setattr(module, name, function)


def _end_by(number: int, *, even_handled: bool = False) -> None:
    """End as shells write an end by a signal, where the kernel did not see to it."""
    if os.getpid() != _FIRST or number == 0 or number in _HARMLESS:
        return
    if even_handled or number == signal.SIGKILL or signal.getsignal(number) is signal.SIG_DFL:
        os._exit(128 + number)
