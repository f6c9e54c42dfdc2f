"""Runs a command while a lock is held, and never longer."""

import os
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from headway.cli import render
from headway.cli.errors import FAILED, INTERRUPTED, fail, status_of
from headway.sdk import Client, LockError, LockLost

_GRACE_S = 5.0
_MINDER = str(Path(__file__).with_name("minder.py"))


def hold(client: Client, name: str, command: Sequence[str], **options: Any) -> int:
    """Wait for a lock, run a command, give the lock up; gives the command's exit status."""
    running: list[_Minded] = []
    lost = threading.Event()

    def stop(because: str) -> None:
        lost.set()
        fail(f"{because}; the command is stopped", f"headway leases ls {name}")
        for child in running:
            child.stop()

    reason = shlex.join(command)[:200]
    lock = client.lock(name, reason=reason, on_lost=stop, **options)
    lock.on_wait = tell_wait
    try:
        with lock:
            variables = {"HEADWAY_FENCE": str(lock.fence), "HEADWAY_LEASE": lock.id}
            status = _run(command, variables, running, lost)
    except LockError as error:
        fail(f"{name} is not held: {error}", f"headway leases ls {name}")
        return status_of(error.status)
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
    running: list["_Minded"],
    lost: threading.Event,
) -> int:
    """Run a command that ends with this process; signals are passed on to it."""
    child = _Minded(command, {**os.environ, **variables})
    running.append(child)
    if lost.is_set():  # in the moment before
        child.stop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda passed, _frame: child.tell(passed))
    return child.wait()


class _Minded:
    """A command and all it has started: they end when this process does, even by SIGKILL."""

    def __init__(self, command: Sequence[str], variables: dict[str, str]) -> None:
        reading, self._line = os.pipe()
        group = os.getpgrp() if sys.stdin.isatty() else 0  # a terminal's keys go to its foreground
        minder = [sys.executable, "-I", "-S", _MINDER, str(reading), str(group), *command]
        try:
            self._minder = subprocess.Popen(
                minder, env=variables, pass_fds=(reading,), process_group=0
            )
        finally:
            os.close(reading)

    def tell(self, number: int) -> None:
        with suppress(BrokenPipeError):
            os.write(self._line, bytes([number]))

    def stop(self) -> None:
        self.tell(signal.SIGTERM)
        try:
            self._minder.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            self.tell(signal.SIGKILL)

    def wait(self) -> int:
        status = self._minder.wait()
        return 128 - status if status < 0 else status
