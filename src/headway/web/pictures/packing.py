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
_CARD, _GAP, _PAD, _LINE = 280.0, 10.0, 10.0, 46.0
_SWATCH, _BAR = 8.0, 7.0
_STEPS = 10
_TOP, _HIGH = 20.0, 64.0


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
    def used_share(self) -> float:
        """Give what is used of what is there."""
        used = self.used or 0.0
        return min(1.0, max(0.0, used / self.there)) if self.there > 0 else 0.0

    @property
    def says_reserved(self) -> str:
        """Say what is reserved."""
        there = f"{self.name} {number(self.reserved)} of {number(self.there)} {self.unit}"
        return f"{there.strip()} reserved"

    @property
    def says_free(self) -> str:
        """Say what is left, whether what is reserved is used or not."""
        return f"{number(max(0.0, self.there - self.reserved))} free to reserve"

    @property
    def says_used(self) -> str:
        """Say what is used."""
        return "use not measured" if self.used is None else f"{number(self.used)} used"

    @property
    def says(self) -> str:
        """Say what is reserved, used and free."""
        return f"{self.says_reserved}, {self.says_used}, {self.says_free}"


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

    @property
    def used_share(self) -> float | None:
        """Give how much of it is used, by what is used most of; None where nobody measured."""
        known = [amount.used_share for amount in self.amounts if amount.used is not None]
        return max(known, default=None)


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
    sums: dict[str, Amount] = {}
    for amount in (amount for node in nodes for amount in node.amounts):
        known = sums.get(f"{amount.name} {amount.unit}")
        sums[f"{amount.name} {amount.unit}"] = amount if known is None else _added(known, amount)
    said = "; ".join(amount.says for amount in sums.values())
    return f"{counted(len(nodes), 'node')}: {counts or 'none'}" + (f". {said}" if said else "")


def _added(one: Amount, other: Amount) -> Amount:
    used = [amount.used for amount in (one, other) if amount.used is not None]
    return Amount(
        name=one.name,
        unit=one.unit,
        there=one.there + other.there,
        reserved=one.reserved + other.reserved,
        used=sum(used) if used else None,
    )


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
    """Draw what is reserved and below it what is used, each of all that is there."""
    used, left = y + _LINE / 2, x + _SWATCH + 5
    free = min(measure(amount.says_free, SMALL), wide * 0.55)
    room = wide - _SWATCH - 5
    yield write(amount.says_reserved, left, y + 9, room=room, size=SMALL, class_="quiet")
    yield write(amount.says_used, left, used + 9, room=room - free - 6, size=SMALL, class_="quiet")
    yield write(
        amount.says_free, x + wide, used + 9, room=free, size=SMALL, class_="quiet", anchor="end"
    )
    for top, share, class_ in (
        (y, amount.share, "bar reserved"),
        (used, amount.used_share, "bar used"),
    ):
        yield rect(x, top + 1, _SWATCH, _SWATCH, class_, rx=1)
        yield rect(x, top + 12, wide, _BAR, "place", amount.says, rx=1)
        yield rect(x, top + 12, wide * share, _BAR, class_, amount.says, rx=1)


def _histogram(nodes: Sequence[Packed], width: float) -> tuple[list[Element], float]:
    """Draw of how many nodes how much is reserved, and used, in tenths."""
    reserved = Counter(_tenth(node.share) for node in nodes)
    used = Counter(_tenth(node.used_share) for node in nodes if node.used_share is not None)
    most = max([*reserved.values(), *used.values()])
    wide, floor = (width - 2) / _STEPS, _TOP + _HIGH
    inside: list[Element] = []
    for step in range(_STEPS):
        x = 1 + wide * step
        for counts, left, word in ((reserved, x, "reserved"), (used, x + wide / 2, "used")):
            count = counts[step]
            tall = _HIGH * count / most
            says = f"{counted(count, 'node')}: {step * 10} to {step * 10 + 10} % {word}"
            inside.append(
                rect(left + 1, floor - tall, wide / 2 - 2, tall, f"bar {word}", says, rx=1)
            )
            inside.append(_label(str(count), left + wide / 4, floor - tall - 4, wide / 2))
        label = f"{step * 10}" if width < 500 else f"{step * 10}–{step * 10 + 10} %"
        inside.append(_label(label, x + wide / 2, floor + 14, wide))
    inside.append(shape("path", d=f"M1 {floor}H{width - 1:.1f}", class_="line"))
    foot = "nodes by how much of them is reserved (left) and used (right), in percent"
    inside.append(write(foot, 1, floor + 30, room=width - 2, size=SMALL, class_="quiet"))
    return [group(inside)], floor + 44


def _tenth(share: float) -> int:
    return min(_STEPS - 1, int(share * _STEPS))


def _label(text: str, x: float, y: float, room: float) -> Element:
    return write(text, x, y, room=room, size=SMALL, class_="quiet", anchor="middle")
