"""Lengths of time, sizes and shares as people write them."""

from __future__ import annotations

import re

MIB = 1024 * 1024
"""As in `headway.model.resources`; here again, for this file is also read inside jobs' containers,
where only the standard library is."""

_WHOLE = r"[0-9]{1,40}"
"""With more digits it is a mistake or an attack: it would be infinite, or take long to read."""
_NUMBER = rf"{_WHOLE}(?:\.{_WHOLE})?"
_DURATION_PART = re.compile(rf"({_NUMBER})(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SIZE = re.compile(rf"({_NUMBER})\s*(B|KiB|MiB|GiB|TiB|K|M|G|T|KB|MB|GB|TB)?", re.IGNORECASE)
_POWERS = {"b": 0, "k": 1, "m": 2, "g": 3, "t": 4}


def parse_duration(text: str) -> float | None:
    """Read a length of time, in seconds: `90s`, `10m`, `1h30m`, `500ms`, or a plain number.

    >>> parse_duration("1h30m"), parse_duration("500ms"), parse_duration("2"), parse_duration("x")
    (5400.0, 0.5, 2.0, None)
    """
    text = text.strip()
    if re.fullmatch(_NUMBER, text):
        return float(text)
    position, total = 0, 0.0
    for part in _DURATION_PART.finditer(text):
        if part.start() != position:
            return None
        total += float(part[1]) * _SECONDS[part[2]]
        position = part.end()
    return round(total, 6) if text and position == len(text) else None


def render_duration(seconds: float) -> str:
    """Write a length of time so that `parse_duration` reads it.

    >>> render_duration(5400), render_duration(0.5), render_duration(8 * 3600)
    ('1h30m', '500ms', '8h')
    """
    milliseconds = round(seconds * 1000)
    parts: list[str] = []
    for unit, length in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)):
        count, milliseconds = divmod(milliseconds, length)
        if count:
            parts.append(f"{count}{unit}")
    if milliseconds:
        parts.append(f"{milliseconds}ms")
    return "".join(parts) or "0s"


def parse_size(text: str, plain: int = MIB) -> int | None:
    """Read a size, in bytes: `512MiB`, `0.5GiB`, or a plain number of `plain` bytes each.

    Units are powers of 1024, however they are written.

    >>> parse_size("512MiB") == 512 * MIB, parse_size("0.5", plain=1024 * MIB) == 512 * MIB
    (True, True)
    """
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        return None
    if found[2] is None:
        return round(float(found[1]) * plain)
    power: int = _POWERS[found[2][0].lower()]
    return round(float(found[1]) * float(1024**power))


def render_size(size: int) -> str:
    """Write a size so that `parse_size` reads it.

    >>> render_size(512 * MIB), render_size(1536)
    ('512MiB', '1536B')
    """
    for unit, power in (("TiB", 4), ("GiB", 3), ("MiB", 2), ("KiB", 1)):
        if size and size % 1024**power == 0:
            return f"{size // 1024**power}{unit}"
    return f"{size}B"


def parse_count(text: str) -> float | None:
    """Read a whole number.

    >>> parse_count("12"), parse_count("1.5"), parse_count("-1")
    (12.0, None, None)
    """
    return float(text) if re.fullmatch(_WHOLE, text.strip()) else None


def parse_signed(text: str) -> float | None:
    """Read a whole number that may be below zero.

    >>> parse_signed("-5"), parse_signed("7"), parse_signed("x")
    (-5.0, 7.0, None)
    """
    return float(text) if re.fullmatch(rf"-?{_WHOLE}", text.strip()) else None


def parse_number(text: str) -> float | None:
    """Read a number that is not below zero.

    >>> parse_number("0.25"), parse_number("-1")
    (0.25, None)
    """
    return float(text) if re.fullmatch(_NUMBER, text.strip()) else None


def parse_rate(text: str) -> float | None:
    """Read a rate, as so many a second: `10/s`, `30/m`, `5/h`.

    >>> parse_rate("30/m"), parse_rate("10/s"), parse_rate("10")
    (0.5, 10.0, None)
    """
    count, slash, unit = text.strip().partition("/")
    length = _SECONDS.get(unit.strip())
    if not slash or length is None or not re.fullmatch(_NUMBER, count.strip()):
        return None
    return float(count) / length


def parse_cores(text: str) -> float | None:
    """Read a number of processor cores: `0.2`, `2` or `200m`.

    >>> parse_cores("200m"), parse_cores("2")
    (0.2, 2.0)
    """
    text = text.strip()
    if re.fullmatch(rf"{_WHOLE}m", text):
        return int(text[:-1]) / 1000
    return float(text) if re.fullmatch(_NUMBER, text) else None


def parse_percent(text: str) -> float | None:
    """Read a share: `10%` or `10`.

    >>> parse_percent("10%"), parse_percent("2.5")
    (10.0, 2.5)
    """
    text = text.strip().removesuffix("%").strip()
    return float(text) if re.fullmatch(_NUMBER, text) else None


def counted(count: int, noun: str) -> str:
    """Write how many there are.

    >>> counted(1, "mistake"), counted(2, "mistake")
    ('1 mistake', '2 mistakes')
    """
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
