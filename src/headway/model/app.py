"""An app that headway knows, and the sources it was given."""

from datetime import datetime

from headway.model.ids import AppName, Digest
from headway.model.manifest import Manifest
from headway.model.value import Value


class Commit(Value, kw_only=True):
    """One commit of a source's history."""

    id: str
    subject: str
    author: str = ""


class Source(Value, kw_only=True):
    """An app's files as somebody sent them, kept by content."""

    digest: Digest
    """Of the files: paths, modes and contents, in path order. Not of the archive."""
    app: AppName
    manifest: Manifest
    size_bytes: int
    commit: Commit | None = None
    branch: str | None = None
    dirty: bool = False
    """The working directory differed from the commit."""
    created_at: datetime
    created_by: str


class App(Value, kw_only=True):
    """An app by name, with the source that `start` uses."""

    name: AppName
    source: Digest
    team: str | None = None
    updated_at: datetime
