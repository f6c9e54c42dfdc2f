"""The traffic bar: which release gets which share of the requests; its words stand beside it."""

from collections.abc import Sequence

from headway.model.value import Value
from headway.web.pictures.parts.svg import Markup, picture, rect
from headway.web.tone import Tone

_WIDE, _HIGH, _APART = 400.0, 20.0, 2.0


class Share(Value, kw_only=True):
    """What one release gets."""

    name: str
    """Such as `v12`."""
    percent: float
    tone: Tone = Tone.GOOD

    @property
    def says(self) -> str:
        """Say how much that is."""
        return f"{self.name} gets {self.percent:g} %"


def traffic(shares: Sequence[Share]) -> Markup:
    """Draw shares in the order given; it is stretched to the room that there is."""
    total = sum(max(share.percent, 0) for share in shares)
    drawn = []
    x = 0.0
    for number, share in enumerate(shares):
        wide = _WIDE * max(share.percent, 0) / total if total else 0
        look = f"bar {share.tone.value} part-{number % 4}"
        drawn.append(rect(x, 0, max(wide - _APART, wide / 2), _HIGH, look, share.says, 0))
        x += wide
    if not total:
        drawn.append(rect(0, 0, _WIDE, _HIGH, "bar none", rx=0))
    says = ", ".join(share.says for share in shares) or "no requests go anywhere"
    return picture("Traffic", says, _WIDE, _HIGH, drawn, stretched=True)
