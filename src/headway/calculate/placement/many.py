"""Choosing among many nodes: all at once, or block by block of 512 where they are thousands.

The first block in which something fits decides, so that a decision costs the same at any size;
blocks in which a kind of demand did not fit are passed over until something leaves them. Where few
fit in a block, these are weighed one by one, which is quicker than by arrays (`few`). For
packing, nodes that hold something are looked at in all blocks before one is opened that holds
nothing: which of the nodes in use is taken hardly matters, taking one of them does.
"""

from bisect import bisect_right
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from headway.calculate.placement import few
from headway.calculate.placement.crowd import Crowd
from headway.calculate.placement.held import FOREVER
from headway.calculate.placement.scope import LATER, Scope
from headway.calculate.placement.table import BLOCK, BLOCK_BITS
from headway.model.pool import PlacementPolicy

WHOLE = 4096
"""Up to so many nodes all are looked at: that much is still quick, and finds a little more."""
_MORE_BLOCKS = 8
"""Looked at beyond the first that fits, for a node with fewer of the same crowd."""
SPARSE = 128
"""A crowd that is on fewer than one in so many nodes has no column that is kept for it."""

Group = frozenset[int] | None
Rows = Any
"""A list where they are few, an array where they are many."""


class Phase(NamedTuple):
    """Which nodes are looked at before others."""

    number: int
    is_special: bool | None
    is_empty: bool | None


_COUNT = 4
_PHASES: dict[tuple[bool, bool], tuple[Phase, ...]] = {
    (False, False): (Phase(0, None, None),),
    (False, True): (Phase(0, None, False), Phase(1, None, True)),
    (True, False): (Phase(0, False, None), Phase(2, True, None)),
    (True, True): tuple(
        Phase(2 * special + empty, bool(special), bool(empty))
        for special in (0, 1)
        for empty in (0, 1)
    ),
}
"""By whether some nodes have something special, and whether empty ones are spared."""


Found = tuple[int, float]
"""A row, and how many of its like speak against it."""

_NOTHING: Found = (-1, float("inf"))
_LATER, _FOREVER = np.array(LATER), np.array(FOREVER)
"""As what arrays take quickest: Python's own numbers cost them as much again."""


def choose(scope: Scope) -> int:
    """Give the row that the policy likes best in the first blocks that fit; -1 for none."""
    _prepare(scope)
    row, least = _NOTHING
    phases = _phases(scope)
    for group in scope.groups():
        for phase in phases:
            found, penalty = _search(scope, group, phase)
            if penalty < least:
                row, least = found, penalty
            if least <= 0:
                return row
        if row >= 0:
            return row
    return row


def _prepare(scope: Scope) -> None:
    """Have all that is remembered of the kind of demand from its first decision on."""
    prospect, blocks = scope.prospect, len(scope.table.versions.values)
    if prospect.failed is None or prospect.failed.shape[1] < blocks:
        prospect.failed = np.zeros((_COUNT, blocks), "int64")
        prospect.bounds = {at: np.array(float(amount)) for at, amount in scope.wanted.amounts}


def _phases(scope: Scope) -> tuple[Phase, ...]:
    specials = bool(scope.table.specials & ~scope.wanted.special)
    return _PHASES[specials, scope.prospect.policy is PlacementPolicy.PACK]


def _search(scope: Scope, group: Group, phase: Phase) -> Found:
    if scope.among is not None and len(scope.among) <= BLOCK:
        rows = _fitting_among(scope, scope.among - scope.but, phase, group)
        return _pick(scope, rows) if len(rows) else _NOTHING
    row, least = _NOTHING
    looked, is_narrow = 0, group is not None or not scope.is_whole
    for part in _parts(scope, phase):
        rows = _fitting(scope, part, phase)
        if not len(rows):
            seen = slice(part.start, part.stop)
            scope.prospect.failed[phase.number, seen] = scope.table.versions.values[seen]
            continue
        if is_narrow:
            rows = _narrow(scope, rows, group)
            if not len(rows):
                continue
        scope.prospect.start = part.start
        found, penalty = _pick(scope, rows)
        if penalty < least:
            row, least = found, penalty
        looked += 1
        if least <= 0 or looked > _MORE_BLOCKS:
            break
    return row, least


def _parts(scope: Scope, phase: Phase) -> Iterator[range]:
    """Give blocks in which it may fit, in the order in which they are looked at.

    Most decisions are made in the first: the others are listed where that was not enough.
    """
    versions, prospect = scope.table.versions.values, scope.prospect
    failed = prospect.failed[phase.number]
    if scope.table.rows <= WHOLE:
        if (failed != versions).any():
            yield range((scope.table.rows + BLOCK - 1) >> BLOCK_BITS)
        return
    start = prospect.start
    is_packing = prospect.policy is PlacementPolicy.PACK
    if is_packing and failed.item(start) != versions.item(start):
        yield range(start, start + 1)
    blocks: list[int] = (failed != versions).nonzero()[0].tolist()
    turn = scope.table.turn % max(len(blocks), 1)
    first = bisect_right(blocks, start) if is_packing else turn
    for block in blocks[first:] + blocks[:first]:
        if block != start or not is_packing:
            yield range(block, block + 1)


def _fitting(scope: Scope, part: range, phase: Phase) -> Rows:
    """List the rows of some blocks that may and can take it."""
    table, wanted = scope.table, scope.wanted
    low = part.start << BLOCK_BITS
    high = min(part.stop << BLOCK_BITS, table.rows)
    able, busy = scope.prospect.willing.able.values[low:high], table.busy.values[low:high]
    fits = able.copy() if phase.is_empty is None else able > busy if phase.is_empty else able & busy
    for number, amount in scope.prospect.bounds.items():
        fits &= table.free[number].values[low:high] >= amount
    if phase.is_special is not None:
        fits &= ((table.special.values[low:high] & ~wanted.special) != 0) == phase.is_special
    rows = fits.nonzero()[0]
    rows += low
    if rows.size <= few.QUICK:
        listed: list[int] = rows.tolist()
        return few.apart(scope, listed) if wanted.is_picky else listed
    return _apart(scope, rows) if wanted.is_picky else rows


def _apart(scope: Scope, rows: Any) -> Any:
    """Leave of some rows those on which nothing is that must not be where it goes."""
    for _, crowd in scope.crowds.forbidden(scope.wanted):
        if rows.size:
            rows = rows[np.logical_not(_counts(scope, crowd, rows))]
    return rows


def _fitting_among(scope: Scope, among: frozenset[int], phase: Phase, group: Group) -> Rows:
    """List which of some rows can take it, without looking at any other: as `_fitting` does."""
    table, wanted = scope.table, scope.wanted
    rows = np.array(sorted(among), "int64")
    fits = scope.prospect.willing.able.values[rows]
    for number, amount in scope.prospect.bounds.items():
        fits &= table.free[number].values[rows] >= amount
    if phase.is_empty is not None:
        fits &= table.busy.values[rows] != phase.is_empty
    if phase.is_special is not None:
        fits &= ((table.special.values[rows] & ~wanted.special) != 0) == phase.is_special
    rows = rows[fits]
    if wanted.is_picky:
        rows = _apart(scope, rows)
    return rows if group is None else rows[_is_in(group, scope, rows)]


def _narrow(scope: Scope, rows: Rows, group: Group) -> Rows:
    """Leave of some rows those that this decision wants."""
    among, but = scope.among, scope.but
    if isinstance(rows, list):
        if group is not None:
            cells = scope.table.tags[scope.wanted.spread[0]].cells
            rows = [row for row in rows if cells[row] in group]
        if among is not None:
            rows = [row for row in rows if row in among]
        return [row for row in rows if row not in but] if but else rows
    if group is not None:
        rows = rows[_is_in(group, scope, rows)]
    if among is not None:
        rows = rows[np.isin(rows, list(among))]
    if but:
        rows = rows[np.isin(rows, list(but), invert=True)]
    return rows


def _is_in(group: frozenset[int], scope: Scope, rows: Any) -> Any:
    """Say of each of some rows whether its value of the first tag of `spread` is one of these."""
    tag = scope.wanted.spread[0]
    values = scope.table.tags[tag].values[rows]
    if len(group) == 1:
        return values == next(iter(group))
    wanted = np.zeros(len(scope.table.values[tag]), bool)
    wanted[list(group)] = True
    return wanted[values]


def _pick(scope: Scope, rows: Rows) -> Found:
    """Give the row that the policy likes best, of those against which least speaks."""
    penalty, policy = 0.0, scope.prospect.policy
    is_spread = bool(scope.wanted.penalties) and scope.crowd is not None
    if isinstance(rows, list):
        if is_spread:
            each = few.penalties(scope, rows)
            penalty = min(each)
            rows = [row for row, its in zip(rows, each, strict=True) if its == penalty]
        if len(rows) == 1:
            return rows[0], penalty
        ranks = few.RANKINGS[policy](scope, rows)
        return rows[ranks.index(min(ranks))], penalty
    if is_spread:
        penalties = _penalties(scope, rows)
        penalty = penalties.item(penalties.argmin())
        rows = rows[penalties == penalty]
    return _PICKS[policy](scope, rows), penalty


def _penalties(scope: Scope, rows: Any) -> Any:
    crowd, table = scope.crowd, scope.table
    assert crowd is not None
    penalties = np.zeros(rows.size)
    for tag, weight in scope.wanted.penalties:
        if tag == "node":
            penalties += weight * _counts(scope, crowd, rows)
        else:
            by_value = np.zeros(len(table.values[tag]))
            for value, count in crowd.by_value(tag, table.tags).items():
                by_value[value] = count
            penalties += weight * by_value[table.tags[tag].values[rows]]
    return penalties


def _counts(scope: Scope, crowd: Crowd, rows: Any) -> Any:
    """Count a crowd on each of some rows, which are in order."""
    there = crowd.counts
    if crowd.column is None and len(there) * SPARSE >= scope.table.rows:
        crowd.column = scope.table.column("int32")
        for row, count in there.items():
            crowd.column.cells[row] = count
    if crowd.column is not None:
        crowd.column.fit(scope.table.rows, many=True)
        return crowd.column.values[rows]
    low, high = rows.item(0), rows.item(-1)
    counts = np.zeros(high - low + 1, "int32")
    for row, count in there.items():
        if low <= row <= high:
            counts[row - low] = count
    return counts[rows - low]


def _pack(scope: Scope, rows: Any) -> int:
    table, bounds, is_for_ever = scope.table, scope.prospect.bounds, scope.is_for_ever
    cost: Any = None
    for number, (free, unit) in enumerate(zip(table.free, table.units, strict=True)):
        left = free.values[rows]
        if number in bounds:
            left -= bounds[number]
        left /= unit.values[rows]
        if is_for_ever:
            left *= left
        cost = left if cost is None else left + cost
    ends = table.ends.values[rows]
    if is_for_ever:
        cost += (ends < _FOREVER) * _LATER
    else:
        later = scope.ends - np.maximum(ends, scope.now)
        later /= max(scope.ends - scope.now, 1.0)
        np.minimum(np.maximum(later, 0.0, out=later), 1.0, out=later)
        later *= LATER
        cost += later
    best: int = rows.item(cost.argmin())
    return best


def _spread(scope: Scope, rows: Any) -> int:
    crowd = scope.crowd
    if crowd is not None:
        counts = _counts(scope, crowd, rows)
        rows = rows[counts == counts.min()]
    best: int = rows.item(np.minimum(*_shares(scope, rows)).argmax())
    return best


def _balanced(scope: Scope, rows: Any) -> int:
    one, two = _shares(scope, rows)
    least = np.minimum(one, two)
    uneven = np.maximum(one, two) - least
    even = uneven == uneven.min()
    best: int = rows[even].item(least[even].argmax())
    return best


def _shares(scope: Scope, rows: Any) -> tuple[Any, Any]:
    table, asked = scope.table, dict(scope.wanted.amounts)
    one, two = (
        (table.free[number].values[rows] - asked.get(number, 0)) / table.units[number].values[rows]
        for number in (0, 1)
    )
    return one, two


_PICKS = {
    PlacementPolicy.PACK: _pack,
    PlacementPolicy.SPREAD: _spread,
    PlacementPolicy.BALANCED: _balanced,
}
