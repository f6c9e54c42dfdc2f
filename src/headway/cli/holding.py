"""Runs a command while a lock is held, and never longer."""

import ctypes
import os
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import click

from headway.cli import render
from headway.cli.errors import FAILED, INTERRUPTED, REFUSED, fail
from headway.sdk import Client, LockError, LockLost

_GRACE_S = 5.0
_SET_PDEATHSIG = 1
"""prctl(2)"""
_UNKNOWN, _NOT_RUNNABLE = 127, 126


def hold(client: Client, name: str, command: Sequence[str], **options: Any) -> int:
    """Wait for a lock, run a command, give the lock up; gives the command's exit status."""
    running: list[subprocess.Popen[bytes]] = []
    lost = threading.Event()

    def stop(because: str) -> None:
        lost.set()
        fail(f"{because}; the command is stopped", f"headway leases ls {name}")
        for child in running:
            _stop(child)

    reason = shlex.join(command)[:200]
    lock = client.lock(name, reason=reason, on_lost=stop, **options)
    lock.on_wait = tell_wait
    try:
        with lock:
            variables = {"HEADWAY_FENCE": str(lock.fence), "HEADWAY_LEASE": lock.id}
            status = _run(command, variables, running, lost)
    except LockError as error:
        fail(f"{name} is not held: {error}", f"headway leases ls {name}")
        return REFUSED if error.status or options.get("wait_s") is not None else FAILED
    except LockLost as error:
        if not lost.is_set():
            fail(f"{error}; others may have held it", f"headway leases ls {name}")
        return FAILED
    except KeyboardInterrupt:  # a command that runs hears of it instead
        click.echo("\ninterrupted before the lock was held; the line was left", err=True)
        return INTERRUPTED
    return status


def tell_wait(because: str) -> None:
    """Say once why it takes a while."""
    click.echo(f"· waiting: {render.safe(because)}", err=True)


def _run(
    command: Sequence[str],
    variables: dict[str, str],
    running: list[subprocess.Popen[bytes]],
    lost: threading.Event,
) -> int:
    """Run a command that dies with this process; signals are passed on to it."""
    try:
        child = subprocess.Popen(
            command,
            env={**os.environ, **variables},
            process_group=None if sys.stdin.isatty() else 0,
            preexec_fn=_dies_with_parent(),  # noqa: PLW1509 (two system calls, of what is loaded)
        )
    except OSError as error:
        click.echo(f"{command[0]}: {error.strerror}", err=True)
        return _UNKNOWN if isinstance(error, FileNotFoundError) else _NOT_RUNNABLE
    running.append(child)
    if lost.is_set():  # in the moment before
        _stop(child)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda passed, _frame: _tell(child, passed))
    status = child.wait()
    return 128 - status if status < 0 else status


def _dies_with_parent() -> Callable[[], None]:
    """Have the kernel end a child when this process is killed: nobody would hold its lock."""
    prctl = ctypes.CDLL(None).prctl
    parent = os.getpid()

    def prepare() -> None:
        prctl(_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(FAILED)

    return prepare


def _tell(child: subprocess.Popen[bytes], number: int) -> None:
    """Signal a command, and what it has started where that is a group of its own."""
    with suppress(ProcessLookupError):
        if os.getpgid(child.pid) == child.pid:
            os.killpg(child.pid, number)
        else:
            child.send_signal(number)


def _stop(child: subprocess.Popen[bytes]) -> None:
    _tell(child, signal.SIGTERM)
    try:
        child.wait(_GRACE_S)
    except subprocess.TimeoutExpired:
        _tell(child, signal.SIGKILL)
