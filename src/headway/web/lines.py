"""Log lines as a page shows them: colours as classes, progress settled, nothing that does harm."""

import re
from typing import NamedTuple

from headway.formats.terminal_text import harmless, settled
from headway.model.value import Value

_CSI = re.compile(r"\x1b\[([0-9;:]*)([A-Za-z@`])")
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
    whole = settled(text)
    pieces: list[Piece] = []
    look: dict[str, str] = {}
    room, left_out = most, 0
    at = 0
    for found in (*_CSI.finditer(whole), None):
        part = harmless(whole[at : found.start() if found else len(whole)])
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
