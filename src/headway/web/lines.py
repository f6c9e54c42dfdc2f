"""Log lines as a page shows them: colours as classes, progress settled, nothing that does harm."""

import re
from typing import NamedTuple

from headway.model.value import Value

_CSI = re.compile(r"\x1b\[([0-9;:]*)([A-Za-z@`])")
_ESCAPE = re.compile(
    r"\x1b(?:\][^\x07\x1b]*(?:\x07|\x1b\\)?|[PX^_][^\x1b]*(?:\x1b\\)?"
    r"|\[[0-?]*[ -/]*[@-~]?|[ -/]*[0-~]?)"
)
"""What a terminal obeys and a page does not: titles, links, cursor moves, keys, and the rest."""
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_TURNING = re.compile(r"[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Marks that turn the direction of the text around them: shown, not obeyed."""
_COLOURS = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
_STYLES = {1: "bold", 2: "faint", 3: "italic", 4: "underline"}
_ENDS = {22: ("bold", "faint"), 23: ("italic",), 24: ("underline",)}
_EXTENDED = {38: {"5": 2, "2": 4}, 48: {"5": 2, "2": 4}}
"""Colours by number or by parts: how many words to pass over."""
CUT = 2000


class Piece(Value, kw_only=True):
    """Some text in one look."""

    text: str
    classes: str = ""


class Line(NamedTuple):
    """A line, cut where it is longer than a page shows."""

    pieces: tuple[Piece, ...]
    more: int
    """So many characters are left out."""


def shown(text: str, most: int = CUT) -> Line:
    r"""Make a line to show of what a program wrote.

    >>> shown("10 %\r50 %\rdone").pieces[0].text
    'done'
    >>> [(piece.text, piece.classes) for piece in shown("a \x1b[1;31mred\x1b[0m b").pieces]
    [('a ', ''), ('red', 'bold red'), (' b', '')]
    """
    settled = _settled(text)
    pieces: list[Piece] = []
    look: dict[str, str] = {}
    room, left_out = most, 0
    at = 0
    for found in (*_CSI.finditer(settled), None):
        part = _harmless(settled[at : found.start() if found else len(settled)])
        if part:
            left_out += max(0, len(part) - room)
            part = part[:room]
            room -= len(part)
            if part:
                pieces.append(Piece(text=part, classes=" ".join(look.values())))
        if found is not None:
            at = found.end()
            if found[2] == "m":
                _turn(look, found[1])
    return Line(tuple(pieces), left_out)


def plain(text: str) -> str:
    r"""Give a line's text alone, to search it.

    >>> plain("\x1b[32mok\x1b[0m")
    'ok'
    """
    return _harmless(_settled(text))


def _settled(text: str) -> str:
    r"""Keep what stands there last where a program wrote over its own line."""
    parts = [part for part in text.split("\r") if part]
    return parts[-1] if parts else ""


def _harmless(text: str) -> str:
    text = _ESCAPE.sub("", text)
    text = _CONTROL.sub("�", text)
    return _TURNING.sub(lambda found: f"⟨U+{ord(found[0]):04X}⟩", text)


def _turn(look: dict[str, str], codes: str) -> None:
    """Follow one SGR sequence; what is unknown changes nothing."""
    words = re.split("[;:]", codes)
    passed = 0
    for number, word in enumerate(words):
        if passed:
            passed -= 1
            continue
        code = int(word) if word.isdigit() else 0
        if code in _EXTENDED:
            passed = _EXTENDED[code].get(words[number + 1] if number + 1 < len(words) else "", 0)
        else:
            _apply(look, code)


def _apply(look: dict[str, str], code: int) -> None:
    if code == 0:
        look.clear()
    elif code in _STYLES:
        look[_STYLES[code]] = _STYLES[code]
    elif code in _ENDS:
        for style in _ENDS[code]:
            look.pop(style, None)
    elif 30 <= code <= 37 or 90 <= code <= 97:
        look["ink"] = _COLOURS[code % 10]
    elif 40 <= code <= 47 or 100 <= code <= 107:
        look["ground"] = f"on-{_COLOURS[code % 10]}"
    elif code == 39:
        look.pop("ink", None)
    elif code == 49:
        look.pop("ground", None)
