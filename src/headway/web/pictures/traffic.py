"""The traffic bar: which release gets which share of the requests."""

from collections.abc import Sequence

from headway.model.value import Value
from headway.web.pictures.parts.mark import mark
from headway.web.pictures.parts.svg import Element, Markup, picture, rect, shape, write
from headway.web.pictures.parts.text import SIZE, measure
from headway.web.tone import Tone

_HIGH, _LINE, _EDGE = 20.0, 20.0, 1.0


class Share(Value, kw_only=True):
    """What one release gets."""

    name: str
    """Such as `v12`."""
    percent: float
    tone: Tone = Tone.GOOD


def traffic(shares: Sequence[Share], width: float = 420) -> Markup:
    """Draw shares in the order given; each is written below its part, in rows where need be."""
    total = sum(max(share.percent, 0) for share in shares)
    says = ", ".join(f"{share.name} gets {share.percent:g} %" for share in shares)
    inside: list[Element] = []
    x = _EDGE
    for number, share in enumerate(shares):
        wide = (width - 2 * _EDGE) * max(share.percent, 0) / total if total else 0
        text = _text(share)
        inside.append(rect(x, 1, wide, _HIGH, f"bar {share.tone.value} part-{number % 4}", text, 0))
        x += wide
    if not total:
        inside.append(rect(_EDGE, 1, width - 2 * _EDGE, _HIGH, "bar none"))
    at, foot = _EDGE, _HIGH + 18
    for share in shares:
        text = _text(share)
        wide = min(measure(text), width - 22 - 2 * _EDGE)
        if at > _EDGE and at + 18 + wide > width - _EDGE:
            at, foot = _EDGE, foot + _LINE
        inside += [
            mark(share.tone, at + 6, foot - 4),
            write(text, at + 18, foot, room=wide, size=SIZE),
        ]
        at += wide + 36
    if not shares:
        inside.append(shape("text", "no requests go anywhere", x=_EDGE, y=foot, font_size=SIZE))
    return picture("Traffic", says or "no requests go anywhere", width, foot + 6, inside)


def _text(share: Share) -> str:
    return f"{share.name} {share.percent:g} %"
