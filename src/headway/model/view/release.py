"""Releases, without what must not be shown."""

from datetime import datetime

from headway.model.app import Commit
from headway.model.ids import AppName
from headway.model.value import Value


class ReleaseView(Value, kw_only=True):
    """A release, without what must not be shown."""

    app: AppName
    number: int
    fingerprint: str
    commit: Commit | None = None
    branch: str | None = None
    dirty: bool = False
    config_number: int = 0
    live: bool = False
    created_at: datetime
    created_by: str
