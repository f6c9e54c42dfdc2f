"""A release: what runs, exactly. Immutable."""

from datetime import datetime

import msgspec

from headway.model.app import Commit
from headway.model.build import Artifact
from headway.model.config import Setting
from headway.model.ids import AppName, Digest, EnvironmentId
from headway.model.manifest import Manifest
from headway.model.value import Value


class Release(Value, kw_only=True):
    """Artifact, config and manifest of an app in an environment, numbered v1, v2 …."""

    environment: EnvironmentId
    app: AppName
    number: int
    fingerprint: str
    """Content hash of what the release means; equal fingerprints behave equally."""
    artifact: Artifact
    manifest: Manifest
    config: dict[str, Setting] = msgspec.field(default_factory=dict)
    config_number: int = 0
    source: Digest
    commit: Commit | None = None
    branch: str | None = None
    dirty: bool = False
    created_at: datetime
    created_by: str

    @property
    def label(self) -> str:
        """The number as people say it, such as `v12`."""
        return f"v{self.number}"
