"""What people type into fields, as values."""

from headway.control.errors import Invalid
from headway.formats.units import parse_duration, render_duration
from headway.model.length import LENGTH_MAX_S

NEVER = "never"
LENGTHS = ("1h", "2h", "4h", "8h", "1d", "2d", "7d")


def length(text: str) -> float | None:
    """Read a length of time in seconds; None where nothing was typed.

    >>> length(" 10m "), length("")
    (600.0, None)

    Raises:
        Invalid: It is none.
    """
    text = text.strip()
    seconds = parse_duration(text) if text else None
    if text and (seconds is None or seconds > LENGTH_MAX_S):
        most = render_duration(LENGTH_MAX_S)
        raise Invalid(
            "length-invalid",
            f"{text!r} is no length of time",
            hint=f"such as 10m, 2h or 1d, up to {most}",
        )
    return seconds


def number(text: str, what: str) -> int:
    """Read how many there are to be of something.

    >>> number(" 12 ", "nodes")
    12

    Raises:
        Invalid: It is no such number.
    """
    text = text.strip()
    if not (text.isascii() and text.isdigit()) or len(text) > len("100000000"):
        raise Invalid("number-invalid", f"{text!r} is no number of {what}", hint="such as 0 or 10")
    return int(text)


def amount(text: str, what: str) -> float:
    """Read how much there is to be of something that can be divided; 0 where nothing was typed.

    >>> amount("0.5", "cores"), amount("", "cores")
    (0.5, 0.0)

    Raises:
        Invalid: It is no such amount.
    """
    text = text.strip()
    whole, _, part = text.partition(".")
    digits = whole + part
    if digits and not (digits.isascii() and digits.isdigit() and len(digits) <= len("100000000")):
        raise Invalid("number-invalid", f"{text!r} is no number of {what}", hint="such as 0.5 or 4")
    return float(text) if digits else 0.0


def words(text: str) -> tuple[str, ...]:
    """Read names that are divided by commas or spaces.

    >>> words("web, orders  post")
    ('web', 'orders', 'post')
    """
    return tuple(dict.fromkeys(text.replace(",", " ").split()))
