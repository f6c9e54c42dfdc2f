"""Reads pictures back: what they say, and where what they draw is."""

import re
from collections.abc import Iterator
from typing import NamedTuple
from xml.etree.ElementTree import Element, fromstring

from headway.web.pictures.parts.text import measure

_SVG = "{http://www.w3.org/2000/svg}"
_WORD = re.compile(r"([MLHVClhvz])|(-?[0-9.]+)")
_OURS = {"a", "circle", "desc", "g", "path", "rect", "svg", "text", "title"}


class Extent(NamedTuple):
    """What something takes of the picture."""

    what: str
    left: float
    top: float
    right: float
    bottom: float

    def touches(self, other: "Extent", by: float = 0.5) -> bool:
        return (
            self.left < other.right - by
            and other.left < self.right - by
            and self.top < other.bottom - by
            and other.top < self.bottom - by
        )


class Seen:
    """A picture as a browser would take it."""

    def __init__(self, svg: str) -> None:
        self.root = fromstring(svg)
        for element in self.root.iter():
            assert element.tag.removeprefix(_SVG) in _OURS, element.tag
            for name, value in element.attrib.items():
                assert name != "style"
                assert not name.startswith("on")
                assert name != "href" or re.match(r"/[^/\\]|/$", value), value
        _, _, self.width, self.height = (float(n) for n in self.root.attrib["viewBox"].split())
        assert self.root.attrib["role"] == ("group" if self.links else "img")
        assert self.root[0].tag == f"{_SVG}title"
        assert self.root[0].text
        assert self.root[1].tag == f"{_SVG}desc"
        assert self.root[1].text

    @property
    def says(self) -> str:
        """What is read out."""
        return self.root.attrib["aria-label"]

    @property
    def links(self) -> list[str]:
        return [one.attrib["href"] for one in self.root.iter(f"{_SVG}a")]

    @property
    def texts(self) -> list[str]:
        return [one.text or "" for one in self.root.iter(f"{_SVG}text")]

    @property
    def titles(self) -> list[str]:
        """What pointing at something says."""
        return [one.text or "" for one in self.root.iter(f"{_SVG}title")][1:]

    def with_class(self, *names: str) -> list[Element]:
        return [one for one in self.root.iter() if {*names} <= {*one.get("class", "").split()}]

    def extents(self, tag: str = "", class_: str = "") -> list[Extent]:
        found = (one for one in self.root.iter() if not tag or one.tag == f"{_SVG}{tag}")
        return [
            extent
            for one in found
            if not class_ or class_ in one.get("class", "").split()
            for extent in _extent(one)
        ]

    def assert_whole(self) -> None:
        """Nothing is cut at an edge, and no text lies on another."""
        for extent in self.extents():
            assert extent.left >= -0.1, extent
            assert extent.top >= -0.1, extent
            assert extent.right <= self.width + 0.1, (extent, self.width)
            assert extent.bottom <= self.height + 0.1, (extent, self.height)
        texts = [extent for extent in self.extents("text") if extent.right > extent.left]
        for number, one in enumerate(texts):
            for other in texts[number + 1 :]:
                assert not one.touches(other), (one, other)


def _extent(one: Element) -> Iterator[Extent]:
    kind, said = one.tag.removeprefix(_SVG), one.attrib
    match kind:
        case "rect":
            x, y, wide, high = (float(said[name]) for name in ("x", "y", "width", "height"))
            yield Extent(kind, x, y, x + wide, y + high)
        case "circle":
            x, y, r = (float(said[name]) for name in ("cx", "cy", "r"))
            yield Extent(kind, x - r, y - r, x + r, y + r)
        case "text":
            x, y, size = float(said["x"]), float(said["y"]), float(said["font-size"])
            text = one.text or ""
            wide = float(said.get("textLength", measure(text, size)))
            left = (
                x - {"start": 0, "middle": wide / 2, "end": wide}[said.get("text-anchor", "start")]
            )
            yield Extent(text, left, y - size * 0.8, left + wide, y + size * 0.25)
        case "path":
            yield _path(said["d"], said.get("transform", "translate(0 0)"))


def _path(way: str, transform: str) -> Extent:
    moved_x, moved_y = (float(n) for n in re.findall(r"-?\d[\d.]*", transform))
    points: list[tuple[float, float]] = []
    command, numbers = "", []
    x = y = 0.0
    for letter, figure in _WORD.findall(way):
        if letter:
            command, numbers = letter, []
            continue
        numbers.append(float(figure))
        if command in "Hh":
            x = numbers.pop() + (x if command == "h" else 0)
        elif command in "Vv":
            y = numbers.pop() + (y if command == "v" else 0)
        elif len(numbers) == 2:
            x, y = (x + numbers[0], y + numbers[1]) if command == "l" else (numbers[0], numbers[1])
            numbers = []
        else:
            continue
        points.append((moved_x + x, moved_y + y))
    xs, ys = zip(*points, strict=True)
    return Extent("path", min(xs), min(ys), max(xs), max(ys))
