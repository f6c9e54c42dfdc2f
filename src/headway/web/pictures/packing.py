"""The packing view: what of each node is reserved, used and free."""

from collections import Counter
from collections.abc import Iterator, Sequence

from headway.formats.units import counted
from headway.model.value import Value
from headway.web.pictures.parts.mark import mark
from headway.web.pictures.parts.svg import (
    Element,
    Markup,
    group,
    link,
    number,
    picture,
    rect,
    shape,
    write,
)
from headway.web.pictures.parts.text import SMALL, measure
from headway.web.tone import Tone

NODES_MAX = 24
"""More are drawn as a histogram, and only those that are wrong one by one."""
_CARD, _GAP, _PAD, _LINE = 280.0, 10.0, 10.0, 30.0
_STEPS = 10


class Amount(Value, kw_only=True):
    """One resource of a node."""

    name: str
    """Such as `cpu`."""
    unit: str
    """Such as `cores`."""
    there: float
    reserved: float
    used: float | None = None
    """None: nobody measured it."""

    @property
    def share(self) -> float:
        """Give what is reserved of what is there; more than is there is all of it."""
        return min(1.0, max(0.0, self.reserved / self.there)) if self.there > 0 else 0.0

    @property
    def says(self) -> str:
        """Say what is reserved, used and free."""
        used = "" if self.used is None else f", {number(self.used)} used"
        free = number(max(0.0, self.there - self.reserved))
        there = f"{self.name} {number(self.reserved)} of {number(self.there)} {self.unit}"
        return f"{there}{used}, {free} free"


class Packed(Value, kw_only=True):
    """One node."""

    name: str
    word: str
    """Its state."""
    tone: Tone
    amounts: tuple[Amount, ...]
    note: str = ""
    """Such as what would fit."""
    to: str = ""

    @property
    def share(self) -> float:
        """Give how full it is: by what it has least of."""
        return max((amount.share for amount in self.amounts), default=0.0)


def packing(nodes: Sequence[Packed], width: float = 920) -> Markup:
    """Draw a card for each node; of a large fleet how many are how full, and those in trouble."""
    shown = sorted(nodes, key=lambda node: node.name)
    says = _says(shown)
    if len(shown) <= NODES_MAX:
        cards, bottom = _cards(shown, 0.0, width)
        return picture("Packing", says, width, max(bottom, 20), cards)
    odd = [node for node in shown if node.tone is not Tone.GOOD]
    bars, top = _histogram(shown, width)
    cards, bottom = _cards(odd[:NODES_MAX], top, width)
    inside = [*bars, *cards]
    if len(odd) > NODES_MAX:
        text = f"and {len(odd) - NODES_MAX} more that are not ready"
        inside.append(write(text, 1, bottom + 14, room=width - 2, size=SMALL, class_="quiet"))
        bottom += 20
    return picture("Packing", says, width, bottom, inside)


def _says(nodes: Sequence[Packed]) -> str:
    words = Counter(node.word for node in nodes)
    counts = ", ".join(f"{count} {name}" for name, count in sorted(words.items()))
    there, reserved = Counter[str](), Counter[str]()
    for amount in (amount for node in nodes for amount in node.amounts):
        there[f"{amount.name} in {amount.unit}"] += amount.there  # type: ignore[assignment]
        reserved[f"{amount.name} in {amount.unit}"] += amount.reserved  # type: ignore[assignment]
    sums = "; ".join(f"{name}: {number(reserved[name])} of {number(there[name])}" for name in there)
    return f"{counted(len(nodes), 'node')}: {counts or 'none'}" + (f". {sums}" if sums else "")


def _cards(nodes: Sequence[Packed], top: float, width: float) -> tuple[list[Element], float]:
    across = max(1, int((width + _GAP) // (_CARD + _GAP)))
    wide = (width - 2 - _GAP * (across - 1)) / across
    cards, y = [], top + 1
    for begin in range(0, len(nodes), across):
        row = nodes[begin : begin + across]
        high = max(_high(node) for node in row)
        for column, node in enumerate(row):
            cards.append(_card(node, 1 + column * (wide + _GAP), y, wide, high))
        y += high + _GAP
    return cards, y - _GAP + 1 if nodes else top


def _high(node: Packed) -> float:
    return 34 + _LINE * len(node.amounts) + (16 if node.note else 0)


def _card(node: Packed, x: float, y: float, wide: float, high: float) -> Element:
    word = min(measure(node.word, SMALL), wide * 0.4)
    right = x + wide - _PAD
    inside = [
        rect(x, y, wide, high, f"box {node.tone.value}", rx=5),
        write(node.name, x + _PAD, y + 20, room=wide - word - 3 * _PAD - 14),
        mark(node.tone, right - word - 10, y + 16),
        write(node.word, right, y + 20, room=word, size=SMALL, class_="quiet", anchor="end"),
    ]
    for place, amount in enumerate(node.amounts):
        inside += _amount(amount, x + _PAD, y + 30 + _LINE * place, wide - 2 * _PAD)
    if node.note:
        inside.append(
            write(
                node.note,
                x + _PAD,
                y + high - 8,
                room=wide - 2 * _PAD,
                size=SMALL,
                class_="quiet",
            )
        )
    said = "; ".join(amount.says for amount in node.amounts)
    return link(node.to, f"{node.name}, {node.word}: {said}", *inside)


def _amount(amount: Amount, x: float, y: float, wide: float) -> Iterator[Element]:
    yield write(amount.says, x, y + 9, room=wide, size=SMALL, class_="quiet")
    yield rect(x, y + 13, wide, 8, "place", amount.says, rx=1)
    yield rect(x, y + 13, wide * amount.share, 8, "bar reserved", amount.says, rx=1)
    if amount.used is not None and amount.there > 0:
        used = wide * min(1.0, max(0.0, amount.used / amount.there))
        yield rect(x, y + 15.5, used, 3, "used", amount.says, rx=1)


def _histogram(nodes: Sequence[Packed], width: float) -> tuple[list[Element], float]:
    """Draw how many nodes are how full, in tenths."""
    counts = Counter(min(_STEPS - 1, int(node.share * _STEPS)) for node in nodes)
    most = max(counts.values())
    wide, high, floor = (width - 2) / _STEPS, 64.0, 84.0
    inside: list[Element] = []
    for step in range(_STEPS):
        count = counts[step]
        x, tall = 1 + wide * step, high * count / most
        says = f"{counted(count, 'node')}: {step * 10} to {step * 10 + 10} % reserved"
        inside.append(rect(x + 1, floor - tall, wide - 2, tall, "bar reserved", says, rx=1))
        middle = x + wide / 2
        label = f"{step * 10}" if width < 500 else f"{step * 10}–{step * 10 + 10} %"
        for text, y in ((str(count), floor - tall - 4), (label, floor + 14)):
            inside.append(
                write(text, middle, y, room=wide, size=SMALL, class_="quiet", anchor="middle")
            )
    inside.append(shape("path", d=f"M1 {floor}H{width - 1:.1f}", class_="line"))
    foot = "nodes by what is reserved of them, in percent"
    inside.append(write(foot, 1, floor + 30, room=width - 2, size=SMALL, class_="quiet"))
    return [group(inside)], floor + 44
