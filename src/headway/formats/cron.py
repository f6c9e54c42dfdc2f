"""Cron expressions and time zones as people write them.

Five fields as crontab(5) has them: `minute hour day month weekday`. On top of it, `H` is a value
that stays the same for a name and spreads schedules over the field (`H(0-29)` over a part of it,
`H/15` every 15 from a value of its own), and `L`, `LW` (last day, last working day of a month),
`5L` (last Friday) and `5#2` (second Friday) mean what they mean elsewhere.
"""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from cronsim import CronSim, CronSimError

from headway.model.problem import Parsed, Problem
from headway.model.schedule import Cron

WORDS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_FIVE = "minute hour day month weekday"
_SEARCHED_FROM = datetime(2000, 1, 1)  # noqa: DTZ001  fields are about wall times
_H = re.compile(r"h(?:\((\d+)-(\d+)\))?")
_DAYS_MOST = (0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_MONTHS = (
    *("jan", "feb", "mar", "apr", "may", "jun"),
    *("jul", "aug", "sep", "oct", "nov", "dec"),
)
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_NOT_ZONES = ("posix/", "right/", "localtime", "posixrules", "Factory")


@dataclass(frozen=True)
class _Field:
    name: str
    low: int
    high: int
    spread_to: int
    """The highest value that `H` takes."""
    names: tuple[str, ...] = ()
    """From the lowest value on."""
    special: str = ""
    """Pattern of what only this field has; it is kept."""


_FIELDS = (
    _Field("minute", 0, 59, 59),
    _Field("hour", 0, 23, 23),
    _Field("day", 1, 31, 28, special=r"l|lw"),
    _Field("month", 1, 12, 12, names=_MONTHS),
    _Field("weekday", 0, 7, 6, names=_WEEKDAYS, special=r"[0-7]l|[0-7]#[1-5]"),
)

_CHARACTERS_MAX = 1000


class _WrongError(Exception):
    """What is wrong, and a hint. It never leaves this module."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message, self.hint = message, hint


def parse_cron(text: str, *, name: str) -> Parsed[Cron]:
    """Read a cron expression; all fields that are wrong are told at once.

    Args:
        text: Five fields, or a word such as `@daily`.
        name: What `H` takes its value from: equal names give equal times.

    >>> parse_cron("H/15 9-17 * * mon-fri", name="shop/tidy").value.plain
    '1-59/15 9-17 * * 1-5'
    >>> parse_cron("0 25 * * *", name="shop/tidy").problems[0].message
    "hour of '0 25 * * *': 25 is not from 0 to 23"
    >>> parse_cron("0 0 30 2 *", name="shop/tidy").problems[0].message
    "'0 0 30 2 *' never comes: February has no day 30"
    """
    written = " ".join(text.split())
    if len(written) > _CHARACTERS_MAX:
        message = f"a cron expression has at most {_CHARACTERS_MAX} characters"
        return Parsed(None, (Problem(message=message),))
    try:
        fields = _fields_of(written)
    except _WrongError as wrong:
        return Parsed(None, (Problem(message=wrong.message, hint=wrong.hint),))
    problems: list[Problem] = []
    plain: list[str] = []
    for field, part in zip(_FIELDS, fields, strict=True):
        try:
            plain.append(_resolve(field, part.lower(), name))
        except _WrongError as wrong:
            message = f"{field.name} of {written!r}: {wrong.message}"
            problems.append(Problem(message=message, hint=wrong.hint))
    if problems:
        return Parsed(None, tuple(problems))
    never = _never(plain)
    if never:
        hint = "choose a day that the month has"
        return Parsed(None, (Problem(message=f"{written!r} never comes: {never}", hint=hint),))
    return Parsed(Cron(written=written, plain=" ".join(plain)))


def timezone_problem(text: str) -> Problem | None:
    """Say what is wrong with a time zone; None if it is one.

    >>> timezone_problem("Europe/Berlin") is None
    True
    >>> timezone_problem("europe/berlni").hint
    "did you mean 'Europe/Berlin'?"
    """
    if _is_timezone(text):
        return None
    message = f"{text!r} is not a time zone" if text else "the time zone is empty"
    known = {zone: zone.lower() for zone in sorted(_zones())}
    wanted = text.strip().lower().replace(" ", "_")
    hint = "zones are named after places, such as 'Europe/Berlin', or 'UTC'"
    for words in (known, {zone: word.rpartition("/")[2] for zone, word in known.items()}):
        near = get_close_matches(wanted, words.values(), n=1, cutoff=0.75)
        if near and not re.search(r"\d", wanted):
            zone = next(zone for zone, word in words.items() if word == near[0])
            hint = f"did you mean {zone!r}?"
            break
    return Problem(message=message, hint=hint)


def _zones() -> list[str]:
    return [zone for zone in available_timezones() if not zone.startswith(_NOT_ZONES)]


def _is_timezone(text: str) -> bool:
    if text.startswith(_NOT_ZONES):
        return False
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


# --- fields ---------------------------------------------------------------------------------------


def _fields_of(written: str) -> list[str]:
    if written.startswith("@"):
        return _word(written.lower()).split()
    fields = written.split(" ")
    if len(fields) == len(_FIELDS):
        return fields
    if not written:
        raise _WrongError("the cron expression is empty", f"write five fields: {_FIVE}")
    count = f"{len(fields)} fields" if len(fields) > 1 else "one field"
    message = f"{written!r} has {count}, and cron has five: {_FIVE}"
    if len(fields) != len(_FIELDS) + 1:
        raise _WrongError(message)
    if re.fullmatch(r"\d{4}.*", fields[-1]):
        raise _WrongError(message, f"years cannot be chosen: {' '.join(fields[:-1])!r}")
    raise _WrongError(message, f"seconds cannot be chosen: {' '.join(fields[1:])!r}")


def _word(word: str) -> str:
    if word in WORDS:
        return WORDS[word]
    if word == "@reboot":
        raise _WrongError("'@reboot' is no time", "a process that is to run always is a service")
    if word.startswith("@every"):
        raise _WrongError(f"{word!r} is no time of a clock", "every 5 minutes is '*/5 * * * *'")
    near = get_close_matches(word, WORDS, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(WORDS)}"
    raise _WrongError(f"unknown word {word!r}", hint)


def _resolve(field: _Field, text: str, name: str) -> str:
    """Write a field in plain numbers. A star that it starts with stays: it has a meaning."""
    if text == "?":
        raise _WrongError("'?' is not known", "write '*'")
    return ",".join(_resolve_item(field, item, name) for item in text.split(","))


def _resolve_item(field: _Field, item: str, name: str) -> str:
    if not item:
        raise _WrongError("something is missing beside a comma")
    special = _special(field, item)
    if special:
        return special
    base, slash, step_text = item.partition("/")
    step = _step(field, step_text) if slash else 1
    spread = _H.fullmatch(base)
    if spread:
        return _spread(field, spread, step if slash else None, name)
    if base == "*":
        return item
    low, dash, high = base.partition("-")
    if not dash:
        value = _value(field, base)
        if slash:
            raise _WrongError(
                f"{item!r} has a step, and no range", f"write '{value}-{field.high}/{step}'"
            )
        return str(value)
    plain = _range(field, low, high)
    return f"{plain}/{step}" if slash and "-" in plain else plain


def _special(field: _Field, item: str) -> str:
    if not field.special:
        return ""
    for number, word in enumerate(field.names, field.low):
        item = re.sub(rf"^{word}(?=[l#])", str(number), item)
    return item.upper() if re.fullmatch(field.special, item) else ""


def _range(field: _Field, low_text: str, high_text: str) -> str:
    low, high = _value(field, low_text), _value(field, high_text)
    if field.name == "weekday" and high == 0 and low > 0:
        high = 7
    if low > high:
        hint = f"write '{low}-{field.high},{field.low}-{high}'"
        if field.name == "weekday":
            hint = f"write '{low}-6,0-{high}'"
        raise _WrongError(f"the range {low_text}-{high_text} runs backwards", hint)
    # The calendar would take the step of a range of one to lead out of it.
    return f"{low}-{high}" if low < high else str(low)


def _step(field: _Field, text: str) -> int:
    most = field.high - field.low
    if not text.isdecimal() or not text.isascii():
        raise _WrongError(f"the step {text!r} is not a number" if text else "a step is missing")
    if int(text) == 0:
        raise _WrongError("a step of 0 leads nowhere")
    if int(text) > most:
        hint = f"a step stays within its field, {field.low} to {field.high}, and starts anew there"
        raise _WrongError(f"a step of {text} is longer than the field", hint)
    return int(text)


def _value(field: _Field, text: str) -> int:
    if text in field.names:
        return field.low + field.names.index(text)
    if text.isdecimal() and text.isascii():
        if field.low <= int(text) <= field.high:
            return int(text)
        raise _WrongError(f"{int(text)} is not from {field.low} to {field.high}")
    if not text:
        raise _WrongError("a number is missing")
    near = get_close_matches(text, field.names, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else ""
    kind = "a number or a name" if field.names else "a number"
    raise _WrongError(f"{text!r} is not {kind}", hint)


def _spread(field: _Field, found: re.Match[str], step: int | None, name: str) -> str:
    low, high = field.low, field.spread_to
    if found[1] is not None:
        low, high = _value(field, found[1]), _value(field, found[2])
        if low > high:
            raise _WrongError(f"the range of H({found[1]}-{found[2]}) runs backwards")
    chosen = _hash(f"{name}/{field.name}")
    if step is None:
        return str(low + chosen(high - low + 1))
    first = low + chosen(min(step, high - low + 1))
    return f"{first}-{high}/{step}" if first + step <= high else str(first)


def _hash(key: str) -> Callable[[int], int]:
    number = int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest())
    return lambda count: number % count


# --- what never comes -----------------------------------------------------------------------------


def _never(plain: list[str]) -> str:
    """Say why no date of fifty years fits; empty if one does."""
    try:
        if next(CronSim(" ".join(plain), _SEARCHED_FROM), None) is not None:
            return ""
    except CronSimError:
        pass
    _, _, day, month, _ = plain
    if day.isdecimal() and month.isdecimal() and int(day) > _DAYS_MOST[int(month)]:
        return f"{_month_name(int(month))} has no day {day}"
    return f"no date has day {day}, month {month} and weekday {plain[4]}"


def _month_name(month: int) -> str:
    return f"{datetime(2000, month, 1):%B}"  # noqa: DTZ001
