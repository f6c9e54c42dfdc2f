"""Marks: the sign of each tone, drawn, so that it is told apart without its colour."""

from functools import cache
from xml.etree.ElementTree import tostring

from headway.web.pictures.parts.svg import Element, Markup, number, shape
from headway.web.tone import Tone

_MARKS = {
    Tone.GOOD: "M-4 0L-1.5 3L4-3",
    Tone.BAD: "M-3.5-3.5L3.5 3.5M3.5-3.5L-3.5 3.5",
    Tone.CARE: "M0-4L4.5 4H-4.5Z",
    Tone.MOVING: "M-3-4L3 0L-3 4Z",
    Tone.QUIET: "M-3 0H3",
}
"""Tick, cross, triangle, arrow, dash: each within five pixels of its middle."""


def mark(tone: Tone, x: float, y: float) -> Element:
    """Draw the mark of a tone around a point."""
    return shape(
        "path",
        d=_MARKS[tone],
        transform=f"translate({number(x)} {number(y)})",
        class_=f"mark {tone.value}",
    )


@cache
def marks() -> Markup:
    """Draw all marks once, unseen, so that what stands before a word only names one."""
    symbols = [
        shape(
            "symbol", shape("path", d=way, class_="mark"), id=f"mark-{tone}", viewBox="-6 -6 12 12"
        )
        for tone, way in _MARKS.items()
    ]
    root = shape("svg", *symbols, class_="marks", aria_hidden="true")
    return Markup(tostring(root, encoding="unicode"))


@cache
def sign(tone: Tone) -> Markup:
    """Put the mark of a tone before a word; nobody is read it."""
    use = f'<svg class="sign" aria-hidden="true"><use href="#mark-{tone}"/></svg>'
    return Markup(use)
