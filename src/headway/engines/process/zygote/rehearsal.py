"""Does once, before anything is forked, what each run's process is going to do.

What is done for the first time costs more: names of the C library are bound, caches are filled,
code is counted until it is made the faster kind. Runs' processes have what was done before them;
what each of them does, each pays for.
"""

from __future__ import annotations

import os
import resource
from contextlib import suppress

from .worker import Worker

_TIMES = 16
"""Until the interpreter has made code the faster kind: at least eight."""
_BEYOND = 1 << 20
_SAME = (-1, -1, -1)


def rehearse(worker: Worker) -> None:
    """Do runs of nothing, and leave no trace of them."""
    variables = dict(os.environ)
    for _ in range(_TIMES):
        _do_nothing()
        worker.warm_up()
    for name in set(os.environ) - set(variables):
        del os.environ[name]
    os.environ.update(variables)


def _do_nothing() -> None:
    """Call what makes a sandbox so that it changes nothing."""
    null = os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)
    os.dup2(null, null)
    other = os.dup(null)
    os.dup2(null, other, inheritable=False)
    os.close(other)
    os.close(null)
    os.closerange(_BEYOND - 1, _BEYOND)
    os.setresgid(*_SAME)
    os.setresuid(*_SAME)
    with suppress(OSError):
        os.mkdir("/", 0o700)
    with suppress(OSError):
        os.chmod("", 0o700)
    resource.setrlimit(resource.RLIMIT_CORE, resource.getrlimit(resource.RLIMIT_CORE))
