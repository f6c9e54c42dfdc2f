"""Text that a program wrote for a terminal, as it is read: without what a terminal obeys."""

import re
from collections.abc import Iterable

from headway.model.log import LogLine, Stream

_LAST_MAX = 200

_ESCAPE = re.compile(
    r"\x1b(?:\][^\x07\x1b]*(?:\x07|\x1b\\)?|[PX^_][^\x1b]*(?:\x1b\\)?"
    r"|\[[0-?]*[ -/]*[@-~]?|[ -/]*[0-~]?)"
)
"""What a terminal obeys and a page does not: titles, links, cursor moves, keys, and the rest."""
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_TURNING = re.compile(r"[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Marks that turn the direction of the text around them: shown, not obeyed."""
_OBEYED = re.compile(f"{_CONTROL.pattern}|{_TURNING.pattern}")


def plain(text: str) -> str:
    r"""Give a line's text alone, to search it.

    >>> plain("\x1b[32mok\x1b[0m")
    'ok'
    """
    return harmless(settled(text)) if _OBEYED.search(text) else text


def last_line(log: Iterable[LogLine]) -> str:
    """Give the last line that a program wrote, as it is read; of a long one, its beginning."""
    said = [plain(line.text).strip() for line in log if line.stream is not Stream.HEADWAY]
    text = next(filter(None, reversed(said)), "")
    return text if len(text) <= _LAST_MAX else f"{text[: _LAST_MAX - 1]}…"


def settled(text: str) -> str:
    r"""Keep what stands there last where a program wrote over its own line."""
    parts = [part for part in text.split("\r") if part]
    return parts[-1] if parts else ""


def harmless(text: str) -> str:
    r"""Leave out what a terminal obeys, and show what else rules the text around it.

    >>> harmless("a\x1b[31mb\u202ec")
    'ab⟨U+202E⟩c'
    """
    text = _ESCAPE.sub("", text)
    text = _CONTROL.sub("�", text)
    return _TURNING.sub(lambda found: f"⟨U+{ord(found[0]):04X}⟩", text)
