"""Long lists by page: some rows, and the key behind which the others are."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from headway.model.view.page import Page

Row = TypeVar("Row")


def page_of(
    rows: Sequence[Row],
    limit: int,
    key: Callable[[Row], str],
    after: str | None = None,
    show: Callable[[Row], Any] = lambda row: row,
) -> Page:
    """Show the first so many rows, and say behind which the others are.

    Args:
        rows: All of them; in the order of their keys where some are left out.
        limit: So many at most.
        key: Tells rows apart.
        after: Leave out what comes up to this key.
        show: Makes of a row what is shown of it: only of those that are.

    >>> page_of(["a", "b", "c"], 2, key=str, show=str.upper)
    Page(items=('A', 'B'), next='b')
    >>> page_of(["a", "b", "c"], 2, key=str, after="b")
    Page(items=('c',), next=None)
    """
    begin = 0 if after is None else bisect_right(rows, after, key=key)
    shown = rows[begin : begin + limit]
    more = len(rows) > begin + limit
    return Page(items=tuple(map(show, shown)), next=key(shown[-1]) if more else None)
