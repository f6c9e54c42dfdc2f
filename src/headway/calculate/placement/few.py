"""Choosing among few nodes: each is looked at, by plain arithmetic.

`many` says the same preferences once more, in the same order and by the same arithmetic, for as
long as what is left is not few; the tests hold both to the same answers.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from headway.calculate.placement.held import FOREVER
from headway.calculate.placement.scope import LATER, Scope
from headway.model.pool import PlacementPolicy

QUICK = 32
"""So few nodes are looked at one by one faster than all at once, however many there are."""

Rows = Sequence[int]


def choose(scope: Scope) -> int:
    """Give the row that the policy likes best among those that may and can; -1 for none."""
    rows = fitting(scope)
    if len(rows) < 2:
        return rows[0] if rows else -1
    policy = scope.prospect.policy
    ranks: list[Iterable[Any]] = []
    if scope.wanted.spread and scope.crowd is not None:
        ranks += (_places(scope, rows), penalties(scope, rows))
    if scope.table.specials:  # what has something that few have and that is not asked for
        special, ordinary = scope.table.special.cells, ~scope.wanted.special
        ranks.append([special[row] & ordinary != 0 for row in rows])
    if policy is PlacementPolicy.PACK:
        busy = scope.table.busy.cells
        ranks.append([not busy[row] for row in rows])
    best: int = min(zip(*ranks, RANKINGS[policy](scope, rows), rows, strict=True))[-1]
    return best


def fitting(scope: Scope) -> list[int]:
    """List the rows that may and can take it, in order."""
    table, wanted = scope.table, scope.wanted
    able = scope.prospect.willing.able.cells
    rows: Rows = range(table.rows) if scope.among is None else sorted(scope.among)
    found = [row for row in rows if able[row] and row not in scope.but]
    for number, amount in wanted.amounts:
        free = table.free[number].cells
        found = [row for row in found if free[row] >= amount]
    return apart(scope, found) if wanted.is_picky else found


def apart(scope: Scope, rows: list[int]) -> list[int]:
    """List those of some rows on which nothing is that must not be where it goes."""
    for _, crowd in scope.crowds.forbidden(scope.wanted):
        counts = crowd.counts
        rows = [row for row in rows if row not in counts]
    return rows


def penalties(scope: Scope, rows: Rows) -> list[float]:
    """Say of each row how many of its like speak against it; there must be some."""
    crowd = scope.crowd
    assert crowd is not None
    found = [0.0] * len(rows)
    for tag, weight in scope.wanted.penalties:
        if tag == "node":
            here = crowd.counts
            found = [old + weight * here.get(row, 0) for old, row in zip(found, rows, strict=True)]
        else:
            tags = scope.table.tags
            cells, there = tags[tag].cells, crowd.by_value(tag, tags)
            counts = [there.get(cells[row], 0) for row in rows]
            found = [old + weight * new for old, new in zip(found, counts, strict=True)]
    return found


def _places(scope: Scope, rows: Rows) -> list[int]:
    """Say of each row after how many groups its own is looked at."""
    column = scope.table.tags.get(scope.wanted.spread[0])
    places: dict[int, int] = {}
    for place, group in enumerate(scope.groups()):
        places |= dict.fromkeys(group or (), place)
    return [places[column.cells[row]] if column is not None and places else 0 for row in rows]


def _packing(scope: Scope, rows: Rows) -> list[float]:
    """Say what is left unused on each, and whether it has to be there longer for it."""
    table, is_for_ever = scope.table, scope.is_for_ever
    asked = dict(scope.wanted.amounts)
    columns = [
        (free.cells, unit.cells, asked.get(number, 0))
        for number, (free, unit) in enumerate(zip(table.free, table.units, strict=True))
    ]
    node_ends, now, end = table.ends.cells, scope.now, scope.ends
    length = max(end - now, 1.0)
    costs = []
    for row in rows:
        cost = 0.0
        for free, unit, less in columns:
            share = (free[row] - less) / unit[row]
            cost += share * share if is_for_ever else share
        if not is_for_ever:
            later = end - max(node_ends[row], now)
            if later > 0:
                cost += later / length * LATER
        elif node_ends[row] < FOREVER:
            cost += LATER
        costs.append(cost)
    return costs


def _spreading_out(scope: Scope, rows: Rows) -> list[tuple[int, float]]:
    counts = scope.crowd.counts if scope.crowd is not None else {}
    return [(counts.get(row, 0), -min(_shares(scope, row))) for row in rows]


def _balancing(scope: Scope, rows: Rows) -> list[tuple[float, float]]:
    both = [_shares(scope, row) for row in rows]
    return [(max(shares) - min(shares), -min(shares)) for shares in both]


def _shares(scope: Scope, row: int) -> tuple[float, float]:
    """Give the shares of cores and of memory that are free once it is there."""
    table, asked = scope.table, dict(scope.wanted.amounts)
    one, two = (
        (table.free[number].cells[row] - asked.get(number, 0)) / table.units[number].cells[row]
        for number in (0, 1)
    )
    return one, two


RANKINGS: dict[PlacementPolicy, Callable[[Scope, Rows], Sequence[Any]]] = {
    PlacementPolicy.PACK: _packing,
    PlacementPolicy.SPREAD: _spreading_out,
    PlacementPolicy.BALANCED: _balancing,
}
"""By policy: how well each of some rows does. The lowest is taken, of equals the first."""
