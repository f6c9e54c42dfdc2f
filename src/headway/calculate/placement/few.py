"""Choosing among few nodes: each is looked at, by plain arithmetic.

`many` says the same preferences once more, in the same order and by the same arithmetic; the tests
hold both to the same answers.
"""

from collections.abc import Callable, Sequence

from headway.calculate.placement.scope import LATER, Scope
from headway.model.pool import PlacementPolicy

Rank = tuple[float, ...]


def choose(scope: Scope) -> int:
    """Give the row that the policy likes best among those that may and can; -1 for none."""
    rows = fitting(scope)
    if len(rows) < 2:
        return rows[0] if rows else -1
    rank = _RANKS[scope.prospect.policy]
    before = _spreading(scope)
    return min(rows, key=lambda row: (*before(row), *rank(scope, row), row))


def fitting(scope: Scope) -> list[int]:
    """List the rows that may and can take it."""
    table, wanted = scope.table, scope.wanted
    codes = scope.prospect.willing.codes.values
    rows: Sequence[int] = range(table.rows) if scope.among is None else sorted(scope.among)
    found = [row for row in rows if not codes[row] and row not in scope.but]
    for number, amount in wanted.amounts:
        free = table.free[number].values
        found = [row for row in found if free[row] >= amount]
    if wanted.avoided or wanted.crowd:
        for _, crowd in scope.crowds.forbidden(wanted):
            found = [row for row in found if row not in crowd.counts]
    return found


def _spreading(scope: Scope) -> Callable[[int], Rank]:
    crowd = scope.crowd
    if crowd is None or not scope.wanted.spread:
        return lambda _row: ()
    places: dict[int, int] = {}
    for place, group in enumerate(scope.groups()):
        places |= dict.fromkeys(group or (), place)
    first = scope.table.tags.get(scope.wanted.spread[0])

    def rank(row: int) -> Rank:
        place = places[first.values[row]] if first is not None and places else 0
        return (place, _penalty(scope, row))

    return rank


def _penalty(scope: Scope, row: int) -> float:
    crowd, penalty = scope.crowd, 0.0
    assert crowd is not None
    for tag, weight in scope.penalties:
        if tag == "node":
            count = crowd.counts.get(row, 0)
        else:
            count = crowd.values.get(tag, {}).get(scope.table.tags[tag].values[row], 0)
        penalty += weight * count
    return penalty


def _pack(scope: Scope, row: int) -> Rank:
    table = scope.table
    is_empty = table.counts.values[row] == 0
    cost, asked = 0.0, dict(scope.wanted.amounts)
    for number, (free, size) in enumerate(zip(table.free, table.sizes, strict=True)):
        left = (free.values[row] - asked.get(number, 0)) / max(size.values[row], 1)
        cost += left * left if scope.is_for_ever else left
    later = scope.ends - max(table.ends.values[row], scope.now)
    later /= max(scope.ends - scope.now, 1.0)
    cost += min(max(later, 0.0), 1.0) * LATER
    return (_is_special(scope, row), is_empty, cost)


def _spread(scope: Scope, row: int) -> Rank:
    crowd = scope.crowd
    count = crowd.counts.get(row, 0) if crowd is not None else 0
    return (_is_special(scope, row), count, -min(_shares(scope, row)))


def _balanced(scope: Scope, row: int) -> Rank:
    shares = _shares(scope, row)
    return (_is_special(scope, row), max(shares) - min(shares), -min(shares))


def _is_special(scope: Scope, row: int) -> bool:
    """Whether the node has something that few have and that is not asked for."""
    return bool(scope.table.special.values[row] & ~scope.wanted.special)


def _shares(scope: Scope, row: int) -> tuple[float, float]:
    """Give the shares of cores and of memory that are free once it is there."""
    table, asked = scope.table, dict(scope.wanted.amounts)
    one, two = (
        (table.free[number].values[row] - asked.get(number, 0))
        / max(table.sizes[number].values[row], 1)
        for number in (0, 1)
    )
    return one, two


_RANKS: dict[PlacementPolicy, Callable[[Scope, int], Rank]] = {
    PlacementPolicy.PACK: _pack,
    PlacementPolicy.SPREAD: _spread,
    PlacementPolicy.BALANCED: _balanced,
}
