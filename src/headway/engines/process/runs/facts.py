"""What became of attempts, as text: written once, kept until it is acknowledged."""

from __future__ import annotations

import json
import math
import time
from dataclasses import dataclass, field
from typing import Any

from headway.engines.process.runs.budget import Budget
from headway.engines.process.runs.loop import Timer

DEPTH_MAX = 500
"""Of JSON that runs give, by the interpreter's limit on recursion."""


_TYPE_MAX = 200
_MESSAGE_MAX = 4 * 1024
_TRACEBACK_MAX = 16 * 1024


class NotJson(ValueError):
    """What a run gave is not JSON that others could read."""


def _refuse(word: str) -> Any:
    raise NotJson("%s is not JSON" % word)


def _finite(word: str) -> float:
    number = float(word)
    return number if math.isfinite(number) else _refuse("%.40s" % word)


_decoder = json.JSONDecoder(parse_constant=_refuse, parse_float=_finite)


def checked(text: bytes) -> str:
    """Give what a run wrote as JSON text.

    Raises:
        NotJson: It is not, or nested too deeply, or has text that is no text.
    """
    try:
        words = text.decode()
        value = _decoder.decode(words)
        if "\n" in words or "\\ud" in words or "\\uD" in words:
            words = json.dumps(value, ensure_ascii=False)
            words.encode()
    except (ValueError, RecursionError) as error:
        raise NotJson(str(error)) from None
    return words.strip()


_second = (0, "")


def stamp(at: float) -> str:
    """Write a moment.

    >>> stamp(1795263431.25)
    '2026-11-21T12:17:11.250000Z'
    """
    global _second
    whole = int(at)
    if _second[0] != whole:
        _second = (whole, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)))
    return "%s.%06dZ" % (_second[1], int((at - whole) * 1_000_000))


@dataclass(slots=True)
class Attempt:
    """One attempt, from when it was handed over."""

    run: str
    number: int
    job: str
    parameters: Any
    timeout_s: float
    variables: dict[str, str] = field(default_factory=dict)
    """What it is told beside its parameters: of the locks that it holds."""
    began_at: float | None = None
    asked: str = ""
    """Why it was told to end: `cancel`, `time`, `cpu` or `stop`."""
    grace_s: float = 0.0
    limit: str = ""
    timer: Timer | None = None
    """Goes off when its time is up."""
    budget: Budget | None = None
    head: str = field(init=False)

    def __post_init__(self) -> None:
        self.head = '{"run":%s,"attempt":%d,"state":' % (json.dumps(self.run), self.number)

    @property
    def key(self) -> tuple[str, int]:
        """By what it is known."""
        return self.run, self.number

    def begin(self) -> None:
        """Note that it begins."""
        self.began_at = time.time()


@dataclass(slots=True)
class End:
    """How an attempt ended."""

    status: int | None = None
    signal: int | None = None
    reason: str = ""
    oom: bool = False
    limit: str = ""
    result: str | None = None
    failure: dict[str, Any] | None = None
    peak_mib: float = 0.0
    cpu_s: float = 0.0
    took_s: float = 0.0


def began(attempt: Attempt) -> str:
    """Tell of a beginning."""
    if attempt.began_at is None:
        return attempt.head + '"began"}'
    return '%s"began","began_at":"%s"}' % (attempt.head, stamp(attempt.began_at))


def ended(attempt: Attempt, end: End) -> str:
    """Tell of an end."""
    now = stamp(time.time())
    parts = [attempt.head, '"ended","ended_at":"', now, '"']
    if attempt.began_at is not None:
        parts += [',"began_at":"', stamp(attempt.began_at), '"']
    if end.status == 0 and not end.reason:
        parts += [',"exit":{"status":0,"at":"', now, '"}']
    else:
        parts += [',"exit":', _exit(end, now)]
    if end.limit:
        parts += [',"limit":', json.dumps(end.limit)]
    if attempt.asked in ("cancel", "stop") and end.status != 0:
        parts.append(',"cancelled":true')
    if end.failure is not None:
        words = {
            "type": str(end.failure.get("type", ""))[:_TYPE_MAX],
            "message": str(end.failure.get("message", ""))[:_MESSAGE_MAX],
            "traceback": str(end.failure.get("traceback", ""))[-_TRACEBACK_MAX:],
        }
        plain = json.dumps(words, ensure_ascii=False).encode(errors="replace").decode()
        parts += [',"failure":', plain]
    if end.result is not None:
        parts += [',"result":', end.result]
    if end.peak_mib or end.cpu_s:
        parts.append(',"memory_peak_mib":%.2f,"cpu_s":%.6f' % (end.peak_mib, end.cpu_s))
    parts.append("}")
    return "".join(parts)


def _exit(end: End, now: str) -> str:
    return json.dumps(
        {
            "status": end.status,
            "signal": end.signal,
            "reason": end.reason,
            "oom": end.oom,
            "at": now,
        }
    )
