"""Choosing among few nodes: each is looked at, by plain arithmetic.

`many` says the same preferences once more, in the same order and by the same arithmetic; the tests
hold both to the same answers.
"""

from collections.abc import Callable, Sequence

from headway.calculate.placement.held import FOREVER
from headway.calculate.placement.scope import LATER, Scope
from headway.model.pool import PlacementPolicy

QUICK = 32
"""So few nodes are looked at one by one faster than all at once, however many there are."""

Rank = tuple[float, ...]
Ranking = Callable[[int], Rank]
"""Says how well a row does; the lowest is taken, of those that are equal the first."""


def choose(scope: Scope) -> int:
    """Give the row that the policy likes best among those that may and can; -1 for none."""
    rows = fitting(scope)
    if len(rows) < 2:
        return rows[0] if rows else -1
    rank = _RANKINGS[scope.prospect.policy](scope)
    if scope.crowd is None or not scope.wanted.spread:
        return min(rows, key=rank)
    before = _spreading(scope)
    return min(rows, key=lambda row: (*before(row), *rank(row)))


def fitting(scope: Scope) -> list[int]:
    """List the rows that may and can take it, in order."""
    table, wanted = scope.table, scope.wanted
    codes = scope.prospect.willing.codes.cells
    rows: Sequence[int] = range(table.rows) if scope.among is None else sorted(scope.among)
    found = [row for row in rows if not codes[row] and row not in scope.but]
    for number, amount in wanted.amounts:
        free = table.free[number].cells
        found = [row for row in found if free[row] >= amount]
    if wanted.is_picky:
        for _, crowd in scope.crowds.forbidden(wanted):
            found = [row for row in found if row not in crowd.counts]
    return found


def _spreading(scope: Scope) -> Ranking:
    places: dict[int, int] = {}
    for place, group in enumerate(scope.groups()):
        places |= dict.fromkeys(group or (), place)
    first = scope.table.tags.get(scope.wanted.spread[0])

    def rank(row: int) -> Rank:
        place = places[first.cells[row]] if first is not None and places else 0
        return (place, _penalty(scope, row))

    return rank


def _penalty(scope: Scope, row: int) -> float:
    crowd, penalty = scope.crowd, 0.0
    assert crowd is not None
    for tag, weight in scope.penalties:
        if tag == "node":
            count = crowd.counts.get(row, 0)
        else:
            count = crowd.values.get(tag, {}).get(scope.table.tags[tag].cells[row], 0)
        penalty += weight * count
    return penalty


def _packing(scope: Scope) -> Ranking:
    table, is_for_ever = scope.table, scope.is_for_ever
    asked = dict(scope.wanted.amounts)
    columns = [
        (free.cells, unit.cells, asked.get(number, 0))
        for number, (free, unit) in enumerate(zip(table.free, table.units, strict=True))
    ]
    special, ordinary = table.special.cells, ~scope.wanted.special
    counts, node_ends = table.counts.cells, table.ends.cells
    now, ends = scope.now, scope.ends
    length = max(ends - now, 1.0)

    def rank(row: int) -> Rank:
        cost = 0.0
        for free, unit, less in columns:
            left = (free[row] - less) / unit[row]
            cost += left * left if is_for_ever else left
        if is_for_ever:
            cost += LATER if node_ends[row] < FOREVER else 0.0
        else:
            later = (ends - max(node_ends[row], now)) / length
            cost += min(max(later, 0.0), 1.0) * LATER
        return (special[row] & ordinary != 0, counts[row] == 0, cost)

    return rank


def _spreading_out(scope: Scope) -> Ranking:
    counts = scope.crowd.counts if scope.crowd is not None else {}
    return lambda row: (_is_special(scope, row), counts.get(row, 0), -min(_shares(scope, row)))


def _balancing(scope: Scope) -> Ranking:
    def rank(row: int) -> Rank:
        shares = _shares(scope, row)
        return (_is_special(scope, row), max(shares) - min(shares), -min(shares))

    return rank


def _is_special(scope: Scope, row: int) -> bool:
    """Whether the node has something that few have and that is not asked for."""
    return bool(scope.table.special.cells[row] & ~scope.wanted.special)


def _shares(scope: Scope, row: int) -> tuple[float, float]:
    """Give the shares of cores and of memory that are free once it is there."""
    table, asked = scope.table, dict(scope.wanted.amounts)
    one, two = (
        (table.free[number].cells[row] - asked.get(number, 0)) / table.units[number].cells[row]
        for number in (0, 1)
    )
    return one, two


_RANKINGS: dict[PlacementPolicy, Callable[[Scope], Ranking]] = {
    PlacementPolicy.PACK: _packing,
    PlacementPolicy.SPREAD: _spreading_out,
    PlacementPolicy.BALANCED: _balancing,
}
