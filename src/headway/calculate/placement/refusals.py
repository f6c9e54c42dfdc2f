"""Why nothing takes a demand: each node counted once, by the first reason that excludes it.

Looked at only where nothing was found. The order of reasons is that in which they would have to be
removed: what the node is, what is on it, what it has, what is free of it.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from headway.calculate.placement.placed import NOT_ASKED, Placed, Refusal
from headway.calculate.placement.scope import Scope
from headway.calculate.placement.table import Table
from headway.calculate.placement.wanted import asked, crowd_words, in_words

_SHOWN = 8


class Tally(NamedTuple):
    """Rows that one reason excludes: how many, and one of them."""

    rows: int
    example: int


def refused(scope: Scope) -> Placed:
    """Say of every node why it does not take a demand."""
    if not scope.table.index:
        return Placed(node=None, because="no node is known: the engine has not answered yet")
    refusals = tuple(
        sorted(_refusals(scope), key=lambda row: (-row.nodes, row.reason, row.example))
    )
    placed = Placed(node=None, because="", refusals=refusals)
    sentences = list(placed.sentences)
    if len(sentences) > _SHOWN:
        sentences[_SHOWN:] = [f"and {len(sentences) - _SHOWN} more reasons"]
    because = "; ".join(sentences) or "no other node is known"
    return Placed(node=None, because=because, refusals=refusals)


def _refusals(scope: Scope) -> Iterable[Refusal]:
    counting = _counting(scope)
    for tally, reason, change in (
        *_passed_over(scope, counting),
        *_unwilling(scope, counting),
        *_crowded(scope, counting),
        *_short(scope, counting),
    ):
        example = scope.table.ids[tally.example]
        yield Refusal(reason=reason, nodes=tally.rows, example=example, change=change)


Finding = tuple[Tally, str, str]


def _unwilling(scope: Scope, left: "Counting") -> Iterable[Finding]:
    codes = scope.prospect.willing.codes
    for objection, code in scope.prospect.willing.objections.items():
        if code and (tally := left.take(codes.values, code)):
            yield tally, objection.reason, objection.change_of(scope.table.ids[tally.example])


def _crowded(scope: Scope, left: "Counting") -> Iterable[Finding]:
    wanted = scope.wanted
    for name, crowd in scope.crowds.forbidden(wanted):
        tally = left.take_rows(crowd.counts)
        if tally is None:
            continue
        if name.isdecimal():
            holder = _holder(scope, tally.example, int(name))
            what = f"port {name} is taken by {holder}"
            yield tally, what, f"{holder} ends, or a machine without it"
        elif name == wanted.crowd:
            what = crowd_words(name)
            yield tally, f"has one of {what}, which is at most once on a node", "another node"
        elif name:
            what = crowd_words(name)
            yield tally, f"has {what}, which it must be apart from", f"{what} moves away"
        else:
            yield tally, "has something that must be apart from it", "that moves away"


def _holder(scope: Scope, row: int, port: int) -> str:
    """Say what has a port of a node's machine, and where."""
    table = scope.table
    for other in table.machines.rows(row):
        for held in table.held[other].values():
            if port in held.wanted.ports:
                where = f" on {table.ids[other]}" if other != row else ""
                return f"{crowd_words(held.demand.crowd) or held.what}{where}"
    return "another"


def _short(scope: Scope, left: "Counting") -> Iterable[Finding]:
    table = scope.table
    for number, amount in scope.wanted.amounts:
        name = table.names[number]
        needed = f"{asked(name, amount)} needed"
        tally = left.take_below(table.sizes[number].values, amount)
        if tally is not None:
            most = in_words(name, table.sizes[number].cells[tally.example])
            what = f"{needed}, a node has {'at most ' if tally.rows > 1 else ''}{most}"
            yield tally, what, f"a larger node, or {asked(name, amount)} made less"
    for number, amount in scope.wanted.amounts:
        name = table.names[number]
        tally = left.take_below(table.free[number].values, amount)
        if tally is not None:
            free = table.free[number].cells[tally.example]
            size = in_words(name, table.sizes[number].cells[tally.example])
            most = "at most " if tally.rows > 1 else ""
            what = f"{asked(name, amount)} needed, {most}{in_words(name, free)} of {size}"
            lacks = asked(name, amount - max(free, 0))
            yield tally, f"{what} free", f"{lacks} more are free"


def _passed_over(scope: Scope, left: "Counting") -> Iterable[Finding]:
    if scope.is_whole:
        return
    rows = scope.table.index.values()
    among = scope.among
    tally = left.take_rows(
        [row for row in rows if row in scope.but or (among is not None and row not in among)]
    )
    if tally is not None:
        yield tally, NOT_ASKED, "it is asked"


class Counting:
    """The rows that no reason excludes yet."""

    def __init__(self, table: Table) -> None:
        self._rows = set(table.index.values())

    def take(self, codes: Any, code: int) -> Tally | None:
        """Exclude the rows with a code."""
        return self._exclude([row for row in self._rows if codes[row] == code])

    def take_rows(self, rows: Iterable[int]) -> Tally | None:
        """Exclude these rows."""
        return self._exclude([row for row in rows if row in self._rows])

    def take_below(self, values: Any, amount: float) -> Tally | None:
        """Exclude the rows with less; the example is the one with most."""
        found = [row for row in self._rows if values[row] < amount]
        tally = self._exclude(found)
        if tally is None:
            return None
        return Tally(tally.rows, max(found, key=lambda row: (values[row], -row)))

    def _exclude(self, rows: list[int]) -> Tally | None:
        self._rows.difference_update(rows)
        return Tally(len(rows), min(rows)) if rows else None


class CountingMany(Counting):
    """The same by arrays."""

    def __init__(self, table: Table) -> None:
        import numpy as np

        self._np = np
        self._left = np.ones(table.rows, bool)
        self._left[table.vacant] = False

    def take(self, codes: Any, code: int) -> Tally | None:
        """Exclude the rows with a code."""
        return self._drop(self._left & (codes[: len(self._left)] == code))

    def take_rows(self, rows: Iterable[int]) -> Tally | None:
        """Exclude these rows."""
        listed = self._np.zeros(len(self._left), bool)
        listed[list(rows)] = True
        return self._drop(self._left & listed)

    def take_below(self, values: Any, amount: float) -> Tally | None:
        """Exclude the rows with less; the example is the one with most."""
        values = values[: len(self._left)]
        below = self._left & (values < amount)
        tally = self._drop(below)
        if tally is None:
            return None
        most = self._np.where(below, values, -self._np.inf).argmax()
        return Tally(tally.rows, int(most))

    def _drop(self, rows: Any) -> Tally | None:
        count = int(rows.sum())
        self._left &= ~rows
        return Tally(count, int(rows.argmax())) if count else None


def _counting(scope: Scope) -> Counting:
    return CountingMany(scope.table) if scope.table.is_many else Counting(scope.table)
