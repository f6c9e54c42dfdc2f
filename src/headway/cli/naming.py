"""Which containers of an environment a word means."""

from collections.abc import Iterable

from headway.model.container import Container


def named(rows: Iterable[Container], thing: str) -> list[Container]:
    """Give the containers that are meant.

    By an id, an app, `app.1`, `app/web` or `app/web.1`; else, as each app calls its own, by `web`
    or `web.1`.
    """
    rows = list(rows)
    found = [row for row in rows if thing in row.full_names]
    return found or [row for row in rows if thing in row.own_names]


def exact(row: Container, thing: str) -> bool:
    """Say whether a word means this container and no other of its app."""
    return thing in (row.id, row.label, f"{row.app}/{row.label}")
