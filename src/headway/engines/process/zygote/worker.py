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

from . import kernel

CONTROL = 3
RESULT_BYTES_MAX = 1024 * 1024
_ELSEWHERE = "keep what is large in a volume or a store, and return its name"
_READ_BYTES = 64 * 1024
"""More would be memory that the kernel is asked for anew."""
_TRACEBACK_MAX = 16 * 1024
_MESSAGE_MAX = 4 * 1024
_READ_S = 5.0
_READ_AGAIN_S = 0.00005
_NOTHING = bytes(4)
_NO_TASK = b'[0, "", "", 1, {}, false, true, {}]'
_SIGTERM = int(signal.SIGTERM)
_decode = json.JSONDecoder().raw_decode
_encode = json.JSONEncoder(allow_nan=False).encode
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
        self._functions = {**functions, "": _nothing}
        self._working = False
        self._told: tuple[str, ...] = ()

    def serve(self) -> None:
        """Do what is asked until nobody asks any more."""
        kernel.handle(_SIGTERM, self._told_to_end)
        kept = b""
        while True:
            data = os.read(CONTROL, _READ_BYTES)
            if not data:
                return
            *lines, kept = (kept + data).split(b"\n")
            for line in lines:
                answer, is_last = self._done(line)
                while answer:
                    answer = answer[os.write(CONTROL, answer) :]
                if is_last:
                    return

    def warm_up(self) -> None:
        """Do a run of nothing.

        Each page of memory that a process writes to first is copied first: better now than when a
        run waits for it.
        """
        self._done(_NO_TASK)

    def _done(self, line: bytes) -> tuple[bytes, bool]:
        """Do a task; gives what is to be said of it, and whether it was the last."""
        task, _ = _decode(line.decode())
        number, job, run, attempt, parameters, shared, is_last, *more = task
        self._tell(run, str(attempt), job, more[0] if more else {})
        answer = b"%d %.6f %.6f %s %s\n" % (number, *self._did(job, parameters, shared))
        return answer, is_last

    def _tell(self, run: str, attempt: str, job: str, more: dict[str, str]) -> None:
        """Have the variables be those of an attempt, and none of the one before."""
        variables = os.environ
        for name in self._told:
            variables.pop(name, None)
        variables["HEADWAY_RUN"] = run
        variables["HEADWAY_ATTEMPT"] = attempt
        variables["HEADWAY_JOB"] = job
        for name, value in more.items():
            variables[name] = value
        self._told = tuple(more)

    def _told_to_end(self, *_: object) -> None:
        if self._working:
            self._working = False
            raise _cancelled()("it was told to end")

    def _did(self, job: str, parameters: Any, shared: bool) -> tuple[float, float, bytes, bytes]:
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
        used_s, took_s = _processor_s() - before, time.perf_counter() - began
        if shared:
            _await_readers()
        return used_s, took_s, word, said


def _nothing(_: dict[str, Any]) -> None:
    pass


class Unwritable(Exception):
    """What a function gave is no JSON, or too much of it."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def _written(result: Any) -> bytes:
    try:
        text = _encode(result).encode() if result is not None else b"null"
    except (TypeError, ValueError, RecursionError) as error:
        raise Unwritable(type(error).__name__, "the result is not JSON: %s" % error) from None
    if len(text) > RESULT_BYTES_MAX:
        said = "the result has %d bytes, and may have 1 MiB: %s" % (len(text), _ELSEWHERE)
        raise Unwritable("ResultError", said)
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
