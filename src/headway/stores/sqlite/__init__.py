"""The embedded store: one SQLite file."""

from headway.stores.sqlite.store import SqliteStore

__all__ = ["SqliteStore"]
