"""The packing view: what of each node is reserved, used and free."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from headway.formats.units import counted
from headway.model.value import Value
from headway.model.view.amount import Amount
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


def says_nodes(counts: Mapping[str, int], amounts: Iterable[Amount]) -> str:
    """Say how many nodes there are in which states, and what they have together.

    >>> says_nodes({"ready": 3, "lost": 1}, [Amount(name="cpu", unit="cores", there=8, reserved=2)])
    '4 nodes: 1 lost, 3 ready. cpu 2 of 8 cores reserved, not measured, 6 free'
    """
    states = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
    said = f"{counted(sum(counts.values()), 'node')}: {states or 'none'}"
    return ". ".join(filter(None, (said, _says_amounts(amounts))))


def _says(nodes: Sequence[Packed]) -> str:
    counts = Counter(node.word for node in nodes)
    sums: dict[str, Amount] = {}
    for amount in (amount for node in nodes for amount in node.amounts):
        known = sums.get(f"{amount.name} {amount.unit}")
        sums[f"{amount.name} {amount.unit}"] = amount if known is None else _added(known, amount)
    return says_nodes(counts, sums.values())


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
    return link(node.to, f"{node.name}, {node.word}: {_says_amounts(node.amounts)}", *inside)


def _amount(amount: Amount, x: float, y: float, wide: float) -> Iterator[Element]:
    """Draw what is reserved and below it what is used, each of all that is there."""
    used, left = y + _LINE / 2, x + _SWATCH + 5
    says, says_free = _says_amount(amount), _says_free(amount)
    free = min(measure(says_free, SMALL), wide * 0.55)
    room = wide - _SWATCH - 5
    yield write(_says_reserved(amount), left, y + 9, room=room, size=SMALL, class_="quiet")
    yield write(
        _says_used(amount), left, used + 9, room=room - free - 6, size=SMALL, class_="quiet"
    )
    yield write(says_free, x + wide, used + 9, room=free, size=SMALL, class_="quiet", anchor="end")
    for top, part, class_ in (
        (y, amount.reserved, "bar reserved"),
        (used, amount.used or 0.0, "bar used"),
    ):
        yield rect(x, top + 1, _SWATCH, _SWATCH, class_, rx=1)
        yield rect(x, top + 12, wide, _BAR, "place", says, rx=1)
        yield rect(x, top + 12, wide * _share(part, amount.there), _BAR, class_, says, rx=1)


def _share(part: float, there: float) -> float:
    """Give how much of all that is; more than is there is all of it."""
    return min(1.0, max(0.0, part / there)) if there > 0 else 0.0


def _says_reserved(amount: Amount) -> str:
    there = f"{amount.name} {number(amount.reserved)} of {number(amount.there)} {amount.unit}"
    return f"{there.strip()} reserved"


def _says_free(amount: Amount) -> str:
    return f"{number(amount.free)} free"


def _says_used(amount: Amount) -> str:
    return "not measured" if amount.used is None else f"{number(amount.used)} used"


def _says_amounts(amounts: Iterable[Amount]) -> str:
    return "; ".join(map(_says_amount, amounts))


def _says_amount(amount: Amount) -> str:
    return f"{_says_reserved(amount)}, {_says_used(amount)}, {_says_free(amount)}"
