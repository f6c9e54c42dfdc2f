"""The only way in which pictures become text: elements that escape all that is put into them."""

from collections.abc import Iterable
from xml.etree.ElementTree import Element, tostring

from markupsafe import Markup

from headway.web.pictures.parts.text import SIZE, clean, fit, is_plain, measure

__all__ = [
    "Element",
    "Markup",
    "group",
    "hint",
    "link",
    "number",
    "picture",
    "rect",
    "shape",
    "write",
]

_ALT_MAX = 2000
"""Characters that a picture is put into words with."""


def shape(tag: str, *inside: "Element | str | None", **attributes: str | float | None) -> Element:
    """Make an element. `class_` is `class`, `stroke_width` is `stroke-width`; None is left out.

    Styles and scripts have no place in a picture: the pages' security policy allows neither.
    """
    element = Element(tag)
    for name, value in attributes.items():
        if value is None or value == "":
            continue
        written = name.rstrip("_").replace("_", "-")
        if written == "style" or written.startswith("on"):
            raise AssertionError(f"a picture has no {written}")
        element.set(written, clean(value) if isinstance(value, str) else number(value))
    for child in inside:
        if isinstance(child, str):
            element.text = clean(child)
        elif child is not None:
            element.append(child)
    return element


def number(value: float) -> str:
    """Write a coordinate, to a hundredth of a pixel.

    >>> number(12.0), number(1 / 3), number(-0.001)
    ('12', '0.33', '0')
    """
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def group(inside: Iterable[Element | None], **attributes: str | float | None) -> Element:
    """Put elements together."""
    return shape("g", *inside, **attributes)


def hint(says: str) -> Element | None:
    """Give what pointing at an element says, as its first child."""
    return shape("title", says[:_ALT_MAX]) if says else None


def rect(
    x: float, y: float, width: float, height: float, class_: str, says: str = "", rx: float = 2
) -> Element:
    """Draw a rectangle that says something when it is pointed at."""
    return shape(
        "rect",
        hint(says),
        x=x,
        y=y,
        width=max(width, 0),
        height=max(height, 0),
        rx=rx or None,
        class_=class_,
    )


def write(
    text: str,
    x: float,
    y: float,
    *,
    room: float,
    size: float = SIZE,
    class_: str = "",
    anchor: str = "start",
) -> Element:
    """Write a line of text, its foot at `y`, cut to its room; pointing at it gives all of it."""
    shown = fit(text, room, size)
    return shape(
        "text",
        shown,
        hint(text) if shown != clean(text) else None,
        x=x,
        y=y,
        font_size=size,
        text_anchor=None if anchor == "start" else anchor,
        textLength=None if is_plain(shown) else measure(shown, size),
        lengthAdjust=None if is_plain(shown) else "spacingAndGlyphs",
        class_=class_,
    )


def link(to: str, says: str, *inside: Element | None) -> Element:
    """Lead to another page of headway; where `to` is no such, only group what is inside."""
    if not to.startswith("/") or to[1:2] in ("/", "\\"):
        return shape("g", hint(says), *inside)
    return shape("a", hint(says), *inside, href=to, aria_label=says[:_ALT_MAX])


def picture(
    name: str,
    says: str,
    width: float,
    height: float,
    inside: Iterable[Element | None],
    *,
    stretched: bool = False,
) -> Markup:
    """Give a picture as text, with its name and what it says for those who do not see it.

    One with links in it is a group: what is inside an image is not reached by keyboard.

    Args:
        name: What it is called.
        says: What it shows, in words.
        width: In pixels.
        height: In pixels.
        inside: Its elements.
        stretched: Whether it takes the room that there is, whatever its shape: it has no words.
    """
    says = says[:_ALT_MAX]
    root = shape(
        "svg",
        shape("title", name),
        shape("desc", says),
        *inside,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {number(width)} {number(height)}",
        width=width,
        height=height,
        preserveAspectRatio="none" if stretched else None,
        class_=f"picture {name.lower().replace(' ', '-')}{' stretched' if stretched else ''}",
        aria_label=f"{name}: {says}",
    )
    root.set("role", "group" if root.find(".//a") is not None else "img")
    return Markup(tostring(root, encoding="unicode"))  # noqa: S704 (ElementTree escaped it)
