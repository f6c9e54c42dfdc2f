"""Many nodes at once: of how many how much is reserved and used, and those that are wrong."""

from collections.abc import Sequence

from headway.formats.units import counted
from headway.model.value import Value
from headway.model.view.amount import Amount
from headway.web.pictures.packing import Packed, cards, says_nodes
from headway.web.pictures.parts.svg import Element, Markup, group, picture, rect, shape, write
from headway.web.pictures.parts.text import SMALL

NODES_MAX = 24
"""Up to so many are drawn one by one, and of more only so many that are wrong."""
_TOP, _HIGH = 20.0, 64.0


class Crowd(Value, kw_only=True):
    """Nodes of which there are too many to be drawn one by one."""

    counts: dict[str, int]
    """By state."""
    amounts: tuple[Amount, ...]
    """What those have together that take containers."""
    reserved: tuple[int, ...]
    """Of how many up to a tenth is reserved, up to two tenths, and so on."""
    used: tuple[int, ...]
    """The same of what is used."""
    odd: tuple[Packed, ...] = ()
    """Those that are not ready, or the first of them."""
    odd_count: int = 0


def crowd(what: Crowd, width: float = 920) -> Markup:
    """Draw how many are how full, and those in trouble."""
    bars, top = _histogram(what.reserved, what.used, width)
    drawn, bottom = cards(what.odd[:NODES_MAX], top, width)
    inside = [*bars, *drawn]
    more = what.odd_count - len(what.odd[:NODES_MAX])
    if more > 0:
        text = f"and {more} more that are not ready"
        inside.append(write(text, 1, bottom + 14, room=width - 2, size=SMALL, class_="quiet"))
        bottom += 20
    return picture("Packing", says_nodes(what.counts, what.amounts), width, bottom, inside)


def _histogram(
    reserved: Sequence[int], used: Sequence[int], width: float
) -> tuple[list[Element], float]:
    """Draw of how many nodes how much is reserved, and used, in equal steps."""
    most, steps = max(1, *reserved, *used), len(reserved)
    wide, floor, percent = (width - 2) / steps, _TOP + _HIGH, 100 // steps
    inside: list[Element] = []
    for step in range(steps):
        x, above = 1 + wide * step, step * percent
        for counts, left, word in ((reserved, x, "reserved"), (used, x + wide / 2, "used")):
            count = counts[step]
            tall = _HIGH * count / most
            says = f"{counted(count, 'node')}: {above} to {above + percent} % {word}"
            inside.append(
                rect(left + 1, floor - tall, wide / 2 - 2, tall, f"bar {word}", says, rx=1)
            )
            inside.append(_label(str(count), left + wide / 4, floor - tall - 4, wide / 2))
        label = f"{above}" if width < 500 else f"{above}–{above + percent} %"
        inside.append(_label(label, x + wide / 2, floor + 14, wide))
    inside.append(shape("path", d=f"M1 {floor}H{width - 1:.1f}", class_="line"))
    foot = "nodes by how much of them is reserved (left) and used (right), in percent"
    inside.append(write(foot, 1, floor + 30, room=width - 2, size=SMALL, class_="quiet"))
    return [group(inside)], floor + 44


def _label(text: str, x: float, y: float, room: float) -> Element:
    return write(text, x, y, room=room, size=SMALL, class_="quiet", anchor="middle")
