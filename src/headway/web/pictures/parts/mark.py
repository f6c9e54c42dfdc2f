"""Marks: the sign of each tone, drawn, so that it is told apart without its colour."""

from headway.web.pictures.parts.svg import Element, number, shape
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
