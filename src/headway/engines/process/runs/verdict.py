"""Judges how an attempt ended: which limit it was, and what is said of it."""

from __future__ import annotations

import errno
import json
import signal
import time
from typing import Any

from headway.engines.process.runs import facts
from headway.engines.process.runs.facts import Attempt, End
from headway.engines.process.runs.groups import Group

RESULT_BYTES_MAX = 1024 * 1024
_TOO_LARGE = (
    "the result has more than 1 MiB: keep what is large in a volume or a store, and give its name"
)
_NUMBER_MAX = 1e15
_ASKED_BY_LIMIT = ("time", "cpu")
_REASONS = {"cancel": "cancelled", "stop": "stopped with its runner"}


def answered(line: bytes) -> tuple[int, End]:
    """Read what a worker says of a task.

    Raises:
        ValueError: It is not what a worker says.
    """
    number, cpu_s, took_s, word, text = line.split(b" ", 4)
    end = End(cpu_s=plain(float(cpu_s)), took_s=plain(float(took_s)))
    if len(text) > RESULT_BYTES_MAX:
        too_large(end)
    elif word == b"ok":
        try:
            end.status, end.result = 0, facts.checked(text)
        except facts.NotJson as error:
            refuse_result(end, str(error))
    else:
        try:
            _note_failure(end, json.loads(text))
        except (TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise ValueError("a failure that is none") from error
    return int(number), end


def plain(number: float) -> float:
    """Give a number as it is when it can be one of seconds or bytes.

    Raises:
        ValueError: It cannot. What runs tell is not to be trusted.
    """
    if not 0 <= number < _NUMBER_MAX:
        raise ValueError("%r is no amount" % number)
    return number


def _note_failure(end: End, failure: dict[str, Any]) -> None:
    end.status = int(failure.get("status", 1)) & 0xFF
    if failure.get("limit") == "result":  # the one that a worker itself keeps
        end.limit = "result"
    if failure.get("errno") == errno.ENOSPC:
        end.limit = "disk"
    elif failure.get("errno") == errno.EMFILE:
        end.limit = "files"
    elif failure.get("type") == "MemoryError":
        end.limit = "memory"
    if end.status == 0:
        end.result = "null"
    else:
        end.failure = failure


def refuse_result(end: End, why: str) -> None:
    """Have a run fail for what it gave."""
    end.status, end.result, end.limit = 1, None, "result"
    end.failure = {"type": "ResultError", "message": "the result is not JSON: %s" % why}


def too_large(end: End) -> None:
    """Have a run fail for how much it gave."""
    end.status, end.signal, end.result, end.limit = 1, None, None, "result"
    end.reason = "result limit 1 MiB reached"
    end.failure = {"type": "ResultError", "message": _TOO_LARGE}


def judge(attempt: Attempt, end: End, job: dict[str, Any], group: Group | None) -> End:
    """Complete an end by what the runner knows."""
    if group is not None:
        end.peak_mib = max(end.peak_mib, group.peak_mib())
    failed = end.status != 0
    end.limit = end.limit or attempt.limit
    if failed and not attempt.asked and end.limit not in ("result", "output"):
        _find_limit(attempt, end, job, group)
    if attempt.asked in _ASKED_BY_LIMIT:
        end.limit = attempt.asked
    elif failed and attempt.asked:
        end.reason = _REASONS[attempt.asked]
    if end.limit and not end.reason:
        end.reason = _reached(end, attempt, job)
    if failed and attempt.asked and end.signal == signal.SIGKILL:
        end.reason += "; killed: it did not end in time"
    return end


def _find_limit(attempt: Attempt, end: End, job: dict[str, Any], group: Group | None) -> None:
    """Find which limit it was that made an attempt fail, if it was one."""
    end.oom = group is not None and group.is_out_of_memory()
    said = end.failure or {}
    if end.oom:
        end.limit = "memory"
    elif end.signal == signal.SIGKILL and _could_have_spent(attempt, job["cpu_time_s"], group):
        end.limit = "cpu"
    elif end.limit or group is None or not group.has_refused_processes():
        return
    elif not said or said.get("errno") == errno.EAGAIN or "thread" in str(said.get("message")):
        end.limit = "processes"


def _could_have_spent(attempt: Attempt, limit_s: float | None, group: Group | None) -> bool:
    """Whether the kernel may have ended it for its processor time: where no group counts that."""
    if limit_s is None or (group is not None and group.cpu_s() is not None):
        return False
    return time.time() - (attempt.began_at or time.time()) >= limit_s


def _reached(end: End, attempt: Attempt, job: dict[str, Any]) -> str:
    """Name the limit and what it is."""
    resources = job["resources"]
    reached = {
        "time": "time limit %g s reached" % attempt.timeout_s,
        "cpu": "cpu time limit %g s reached" % (job["cpu_time_s"] or 0),
        "memory": "memory limit %d MiB reached" % resources["memory_mib"],
        "processes": "limit of %d processes reached" % resources["processes"],
        "files": "limit of %d open files reached" % resources["open_files"],
        "disk": "disk limit %d MiB reached" % resources["disk_mib"],
        "output": "output limit %d MiB reached" % job["output_mib"],
    }.get(end.limit, "")
    if end.limit == "memory" and end.peak_mib:
        reached += "; peak %.0f MiB" % end.peak_mib
    return reached
