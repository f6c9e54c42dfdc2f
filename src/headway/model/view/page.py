"""Parts of long lists."""

from typing import Any

from headway.model.value import Value


class Page(Value, kw_only=True):
    """A part of a long list."""

    items: tuple[Any, ...]
    next: str | None = None
    """Cursor for the following part; None at the end."""
