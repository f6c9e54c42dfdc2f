"""The graph of what needs what: from left to right, each box with its state in a word."""

from collections import Counter
from collections.abc import Iterable, Sequence

from headway.calculate.focus import in_focus
from headway.calculate.layers import Layers, Line, Place, layered
from headway.formats.units import counted
from headway.model.value import Value
from headway.model.words import and_more
from headway.web.pictures.parts.mark import mark
from headway.web.pictures.parts.svg import (
    Element,
    Markup,
    group,
    hint,
    link,
    picture,
    rect,
    shape,
    write,
)
from headway.web.pictures.parts.text import SIZE, SMALL, measure
from headway.web.tone import Tone

BOXES_MAX = 60
_WORST = (Tone.BAD, Tone.CARE, Tone.MOVING)
_HIGH, _ABOVE, _BETWEEN, _EDGE = 46.0, 14.0, 54.0, 2.0
_NARROW, _WIDE = 96.0, 190.0
_SAYS_MAX = 12
"""Boxes whose trouble is put into words."""


class Box(Value, kw_only=True):
    """One thing that needs others, or is needed."""

    name: str
    word: str
    """Its state."""
    tone: Tone = Tone.QUIET
    detail: str = ""
    """Such as its version."""
    to: str = ""
    """Its page."""

    @property
    def line(self) -> str:
        """What is below its name."""
        return f"{self.word} · {self.detail}" if self.detail else self.word


def graph(boxes: Sequence[Box], needs: Iterable[tuple[str, str]]) -> Markup:
    """Draw boxes, known by their names, and who needs whom.

    Of more than `BOXES_MAX` only those that are wrong or moving are drawn, and what is next to
    them; how many others there are is written below.
    """
    known = {box.name: box for box in boxes}
    edges = sorted(set(needs))
    wrong = sorted(
        (box for box in known.values() if box.tone in _WORST),
        key=lambda box: (_WORST.index(box.tone), box.name),
    )
    chosen = in_focus(sorted(known), edges, [box.name for box in wrong], BOXES_MAX)
    found = layered(chosen, edges)
    columns = _Columns(found, known)
    others = Counter(box.word for name, box in known.items() if name not in chosen)
    left_out = "not drawn: " + ", ".join(
        f"{count} {word}" for word, count in sorted(others.items())
    )
    below = 22.0 if others else 0.0
    width = max(columns.width, 2 * _EDGE + measure(left_out, SMALL) if others else 0)
    inside: list[Element] = [columns.line(line) for line in found.lines]
    inside += [columns.box(place) for place in found.places]
    if others:
        inside.append(
            write(left_out, _EDGE, columns.height + 14, room=width, size=SMALL, class_="quiet")
        )
    says = _says(list(known.values()), wrong)
    return picture("What needs what", says, width, columns.height + below, inside)


def _says(boxes: Sequence[Box], wrong: Sequence[Box]) -> str:
    words = Counter(box.word for box in boxes)
    counts = ", ".join(f"{count} {word}" for word, count in sorted(words.items()))
    first = [f"{box.name} is {box.line}" for box in wrong[:_SAYS_MAX]]
    named = and_more(first, len(wrong), "; ")
    total = counted(len(boxes), "app")
    return f"{total}: {counts}. {named}" if named else f"{total}: {counts or 'none'}"


class _Columns:
    """Where the layers of a graph are."""

    def __init__(self, found: Layers, boxes: dict[str, Box]) -> None:
        self.boxes = boxes
        self.widths = [_NARROW] * len(found.heights)
        for place in found.places:
            wide = self._wide(boxes[place.node])
            self.widths[place.layer] = max(self.widths[place.layer], min(wide, _WIDE))
        self.lefts = [
            _EDGE + sum(self.widths[:layer]) + _BETWEEN * layer for layer in range(len(self.widths))
        ]
        self.heights = [high * (_HIGH + _ABOVE) - _ABOVE for high in found.heights]
        self.height = max(self.heights, default=_HIGH) + 2 * _EDGE
        self.width = (self.lefts[-1] + self.widths[-1] if self.lefts else _NARROW) + _EDGE

    @staticmethod
    def _wide(box: Box) -> float:
        return max(measure(box.name) + 20, measure(box.line, SMALL) + 36)

    def top(self, place: Place) -> float:
        """Give the upper edge of a place; each layer is in the middle."""
        free = (self.height - self.heights[place.layer]) / 2
        return free + place.rank * (_HIGH + _ABOVE)

    def box(self, place: Place) -> Element:
        """Draw a box with its name, its state's mark and word."""
        box = self.boxes[place.node]
        x, y, wide = self.lefts[place.layer], self.top(place), self.widths[place.layer]
        return link(
            box.to,
            f"{box.name}: {box.line}",
            rect(x, y, wide, _HIGH, f"box {box.tone.value}", rx=5),
            write(box.name, x + 10, y + 19, room=wide - 16, size=SIZE),
            mark(box.tone, x + 15, y + 33),
            write(box.line, x + 26, y + 37, room=wide - 32, size=SMALL, class_="quiet"),
        )

    def line(self, line: Line) -> Element:
        """Draw a line by its places, with its head at what is needed."""
        first, last = line.places[0], line.places[-1]
        forward = first.node == line.begin
        x, y = self.lefts[first.layer] + self.widths[first.layer], self._middle(first)
        way = [f"M{x:.1f} {y:.1f}"]
        for place in line.places[1:]:
            to_x, to_y = self.lefts[place.layer], self._middle(place)
            bend = (x + to_x) / 2
            way.append(f"C{bend:.1f} {y:.1f} {bend:.1f} {to_y:.1f} {to_x:.1f} {to_y:.1f}")
            x, y = to_x, to_y
            if place is not last:
                x += self.widths[place.layer]
                way.append(f"H{x:.1f}")
        begin = self.lefts[first.layer] + self.widths[first.layer]
        head = (
            f"M{x:.1f} {y:.1f}l-7-4v8z"
            if forward
            else f"M{begin:.1f} {self._middle(first):.1f}l7-4v8z"
        )
        return group(
            [
                hint(f"{line.begin} needs {line.end}"),
                shape("path", d="".join(way), class_="line"),
                shape("path", d=head, class_="tip"),
            ]
        )

    def _middle(self, place: Place) -> float:
        return self.top(place) + _HIGH / 2
