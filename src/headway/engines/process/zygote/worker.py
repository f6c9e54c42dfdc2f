"""Runs a job's function on the parameters it is handed, and tells what became of it.

Tasks come as lines of JSON on descriptor 3 and answers go there as lines: the task's number, its
processor time and its time, then `ok` and the result, or `no` and what failed. A process that has
done its runs ends without the functions registered with `atexit`; threads that are no daemons are
waited for after each run.

A runner outlives an upgrade and then hands this file, as the upgrade left it, tasks as it always
did: what a task is given in addition comes last, and may be missing.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import sys
import termios
import time
import traceback
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

CONTROL = 3
RESULT_BYTES_MAX = 1024 * 1024
_READ_BYTES = 1024 * 1024
_TRACEBACK_MAX = 16 * 1024
_MESSAGE_MAX = 4 * 1024
_READ_S = 5.0
_READ_AGAIN_S = 0.00005
_NOTHING = bytes(4)
_OWN = os.path.dirname(os.path.abspath(__file__))

Function = Callable[[dict[str, Any]], Any]


class Cancelled(BaseException):
    """The run was told to end. Raised in the job's function, wherever it is."""


def _cancelled() -> type[BaseException]:
    """Give the class that the app knows as `headway.sdk.Cancelled`, where it has that."""
    known = getattr(sys.modules.get("headway.sdk.job"), "Cancelled", None)
    if isinstance(known, type) and issubclass(known, BaseException):
        return known
    return Cancelled


class Worker:
    """One process's share of runs."""

    def __init__(self, functions: dict[str, Function]) -> None:
        self._functions = functions
        self._working = False
        self._told: tuple[str, ...] = ()

    def serve(self) -> None:
        """Do what is asked until nobody asks any more."""
        signal.signal(signal.SIGTERM, self._told_to_end)
        kept = b""
        while True:
            data = os.read(CONTROL, _READ_BYTES)
            if not data:
                return
            *lines, kept = (kept + data).split(b"\n")
            for line in lines:
                number, job, run, attempt, parameters, shared, last, *more = json.loads(line)
                variables = more[0] if more else {}
                self._tell(
                    HEADWAY_RUN=run, HEADWAY_ATTEMPT=str(attempt), HEADWAY_JOB=job, **variables
                )
                self._do(number, job, parameters, shared)
                if last:
                    return

    def _tell(self, **variables: str) -> None:
        """Have the variables be those of an attempt, and none of the one before."""
        for name in self._told:
            os.environ.pop(name, None)
        os.environ.update(variables)
        self._told = tuple(variables)

    def _told_to_end(self, *_: object) -> None:
        if self._working:
            self._working = False
            raise _cancelled()("it was told to end")

    def _do(self, number: int, job: str, parameters: Any, shared: bool) -> None:
        began, before = time.perf_counter(), _processor_s()
        try:
            try:
                self._working = True
                result = self._functions[job](parameters)
                _settle()
            finally:
                self._working = False
            word, said = b"ok", _written(result)
        except BaseException as error:
            word, said = b"no", json.dumps(failure(error)).encode()
        _flush()
        used = _processor_s() - before, time.perf_counter() - began
        if shared:
            _await_readers()
        answer = b"%d %.6f %.6f %s %s\n" % (number, *used, word, said)
        while answer:
            answer = answer[os.write(CONTROL, answer) :]


class Unwritable(Exception):
    """What a function gave is no JSON, or too much of it."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def _written(result: Any) -> bytes:
    try:
        text = json.dumps(result, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise Unwritable(type(error).__name__, "the result is not JSON: %s" % error) from None
    if len(text) > RESULT_BYTES_MAX:
        said = "the result has %d bytes; %d are allowed" % (len(text), RESULT_BYTES_MAX)
        raise Unwritable("ValueError", said)
    return text


def _settle() -> None:
    """Wait for threads, as a program does when its main part has ended."""
    threading = sys.modules.get("threading")
    if threading is None:
        return
    for thread in threading.enumerate():
        if thread is not threading.main_thread() and not thread.daemon:
            thread.join()


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError, ValueError):
            pass  # the function closed it, or put something else there


def _processor_s() -> float:
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def _await_readers() -> None:
    """Wait until output was read: what comes later belongs to the next run of this process."""
    ends_at = time.monotonic() + _READ_S
    for descriptor in (1, 2):
        try:
            while fcntl.ioctl(descriptor, termios.FIONREAD, _NOTHING) != _NOTHING:
                if time.monotonic() > ends_at:
                    return
                time.sleep(_READ_AGAIN_S)
        except OSError:
            pass  # the function closed it


def failure(error: BaseException) -> dict[str, Any]:
    """Describe what was raised, without our own frames."""
    said: dict[str, Any] = {"type": type(error).__name__, "message": "", "traceback": ""}
    try:
        said["message"] = str(error)[:_MESSAGE_MAX]
        if isinstance(error, SystemExit):
            said["status"] = error.code if isinstance(error.code, int) else int(bool(error.code))
        elif isinstance(error, Unwritable):
            said["type"], said["limit"] = error.kind, "result"
        else:
            if isinstance(error, OSError):
                said["errno"] = error.errno
            said["traceback"] = "".join(_lines(error))[-_TRACEBACK_MAX:]
    except BaseException as second:  # an exception can have code of its own, and memory may be out
        said["traceback"] = type(second).__name__
    return said


def _lines(error: BaseException) -> list[str]:
    trace = _without_own(error.__traceback__)
    if not isinstance(error, _cancelled()):
        return traceback.format_exception(type(error), error, trace)
    # The last frame is that in which it was raised, which says nothing of the app.
    frames = [row for row in traceback.extract_tb(trace) if not row.filename.startswith(_OWN)]
    where = traceback.format_list(frames)
    return ["Traceback (most recent call last):\n", *where, "Cancelled: %s\n" % error]


def _without_own(trace: TracebackType | None) -> TracebackType | None:
    while trace is not None and _is_own(trace.tb_frame):
        trace = trace.tb_next
    return trace


def _is_own(frame: FrameType) -> bool:
    name = str(frame.f_globals.get("__name__", ""))
    return frame.f_code.co_filename.startswith(_OWN) or name.startswith("headway.sdk.")
