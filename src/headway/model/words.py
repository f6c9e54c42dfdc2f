"""Words that every room says alike."""

from collections.abc import Sequence


def and_more(shown: Sequence[str], count: int, between: str = ", ") -> str:
    """Name the first few of so many; sentences have a semicolon between them.

    >>> and_more(["a", "b"], 2), and_more(["a", "b"], 5)
    ('a, b', 'a, b and 3 more')
    >>> and_more(["a is full", "b is lost"], 5, "; ")
    'a is full; b is lost; and 3 more'
    """
    more = count - len(shown)
    stop = between.rstrip(", ")
    return between.join(shown) + (f"{stop} and {more} more" if more > 0 else "")
