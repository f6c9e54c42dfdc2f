"""Words that every room says alike."""

from collections.abc import Sequence


def and_more(shown: Sequence[str], count: int) -> str:
    """Name the first few of so many.

    >>> and_more(["a", "b"], 2), and_more(["a", "b"], 5)
    ('a, b', 'a, b and 3 more')
    """
    more = count - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")
