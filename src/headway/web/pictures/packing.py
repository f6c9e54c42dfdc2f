"""The packing view: what of each node is reserved, used and free."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from headway.formats.units import counted
from headway.model.value import Value
from headway.web.pictures.parts.mark import mark
from headway.web.pictures.parts.svg import (
    Element,
    Markup,
    link,
    number,
    picture,
    rect,
    write,
)
from headway.web.pictures.parts.text import SMALL, measure
from headway.web.tone import Tone

_CARD, _GAP, _PAD, _LINE = 250.0, 10.0, 10.0, 46.0
_SWATCH, _BAR = 8.0, 7.0


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
        """Say what is left to reserve, whether what is reserved is used or not."""
        return f"{number(max(0.0, self.there - self.reserved))} free"

    @property
    def says_used(self) -> str:
        """Say what is used."""
        return "not measured" if self.used is None else f"{number(self.used)} used"

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


def packing(nodes: Sequence[Packed], width: float = 920) -> Markup:
    """Draw a card for each node."""
    shown = sorted(nodes, key=lambda node: node.name)
    inside, bottom = cards(shown, 0.0, width)
    return picture("Packing", _says(shown), width, max(bottom, 20), inside)


def says_counts(counts: Mapping[str, int]) -> str:
    """Say how many nodes there are, and in which states.

    >>> says_counts({"ready": 3, "lost": 1})
    '4 nodes: 1 lost, 3 ready'
    """
    said = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
    return f"{counted(sum(counts.values()), 'node')}: {said or 'none'}"


def _says(nodes: Sequence[Packed]) -> str:
    counts = Counter(node.word for node in nodes)
    sums: dict[str, Amount] = {}
    for amount in (amount for node in nodes for amount in node.amounts):
        known = sums.get(f"{amount.name} {amount.unit}")
        sums[f"{amount.name} {amount.unit}"] = amount if known is None else _added(known, amount)
    said = "; ".join(amount.says for amount in sums.values())
    return says_counts(counts) + (f". {said}" if said else "")


def _added(one: Amount, other: Amount) -> Amount:
    used = [amount.used for amount in (one, other) if amount.used is not None]
    return Amount(
        name=one.name,
        unit=one.unit,
        there=one.there + other.there,
        reserved=one.reserved + other.reserved,
        used=sum(used) if used else None,
    )


def cards(nodes: Sequence[Packed], top: float, width: float) -> tuple[list[Element], float]:
    """Draw nodes one by one, and give where they end."""
    across = max(1, int((width + _GAP) // (_CARD + _GAP)))
    wide = (width - 2 - _GAP * (across - 1)) / across
    drawn, y = [], top + 1
    for begin in range(0, len(nodes), across):
        row = nodes[begin : begin + across]
        high = max(_high(node) for node in row)
        for column, node in enumerate(row):
            drawn.append(_card(node, 1 + column * (wide + _GAP), y, wide, high))
        y += high + _GAP
    return drawn, y - _GAP + 1 if nodes else top


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
