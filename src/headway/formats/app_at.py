"""An app, and which of its sources: `web`, `web@main`, `web@4f1c2e0`."""

from collections.abc import Iterable
from typing import NamedTuple


class Wanted(NamedTuple):
    """Apps by name, and a branch, a commit or a digest of those of which one was said."""

    apps: tuple[str, ...]
    of: dict[str, str]


def parse_wanted(words: Iterable[str]) -> Wanted:
    """Read what is to be started.

    >>> parse_wanted(["web@main", "orders"])
    Wanted(apps=('web', 'orders'), of={'web': 'main'})
    """
    parts = [word.partition("@") for word in words]
    return Wanted(
        apps=tuple(dict.fromkeys(app for app, _, _ in parts)),
        of={app: source for app, _, source in parts if source},
    )
