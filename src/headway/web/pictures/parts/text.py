"""Text in pictures: made harmless, measured without a browser, and cut where it has no room."""

import unicodedata

SIZE = 13.0
"""Pixels that text is high, where nothing else is said."""
SMALL = 12.0
_LENGTH_MAX = 400
"""Nobody reads more of a text in a picture."""

_WIDTHS = {
    0.3: "'Iijl",
    0.35: " ,./:;\\|",
    0.4: "()-[]ft",
    0.45: "!r",
    0.5: '"*J`',
    0.55: "csz",
    0.6: "?L_kvxy",
    0.65: "$0123456789FTabdeghnopqu{}",
    0.7: "ABEKPSVXYZ·–×",
    0.75: "CNRU",
    0.8: "&DGHOQ",
    0.85: "#+<=>^w~→←",
    0.9: "M",
    0.95: "%",
    1.0: "Wm…",
    1.05: "@",
}
"""How wide characters are, by their height: the wider of DejaVu Sans and Liberation Sans (Arial),
between which the widths of system fonts lie."""
_WIDTH = {character: width for width, row in _WIDTHS.items() for character in row}
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_HAIR = 0.01
"""So much is lost in sums of widths."""
_BESIDE = 1.25
"""Of what is no Latin letter; the browser is told to keep to it."""


def clean(text: str) -> str:
    r"""Show what would act on its surroundings, or is no XML, as a sign of its own.

    >>> clean("a\x1b[31mb\u202ec\x00")
    'a␛[31mb�c␀'
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(character) for character in text)


def _shown(character: str) -> str:
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    if code < 0x7F:
        return character
    if code == 0x7F:
        return "␡"
    is_odd = character in _BIDI or unicodedata.category(character) in ("Cc", "Cs", "Cn")
    return "\ufffd" if is_odd else character


def is_plain(text: str) -> bool:
    """Whether the width of a text is known, whatever the font."""
    return all(character in _WIDTH for character in text)


def measure(text: str, size: float = SIZE) -> float:
    """Give the pixels that a text is wide at most.

    >>> measure("run", 10)
    17.5
    """
    return round(sum(_WIDTH.get(character, _BESIDE) for character in text) * size, 2)


def fit(text: str, room: float, size: float = SIZE) -> str:
    """Cut a text so that it is no wider than there is room for.

    >>> fit("nightly-report", 65), fit("nightly", 60), fit("nightly", 3)
    ('nightly-…', 'nightly', '')
    """
    text = clean(text[:_LENGTH_MAX]) + ("…" if len(text) > _LENGTH_MAX else "")
    if measure(text, size) <= room + _HAIR:
        return text
    used, kept = measure("…", size), 0
    for character in text:
        used += _WIDTH.get(character, _BESIDE) * size
        if used > room + _HAIR:
            break
        kept += 1
    return text[:kept].rstrip() + "…" if kept else ""
