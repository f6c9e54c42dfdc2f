"""A build turns a source into an artifact."""

from datetime import datetime
from enum import StrEnum

import msgspec

from headway.model.failure import Failure
from headway.model.ids import AppName, BuildId, ContainerId, Digest, NodeId
from headway.model.job import Job
from headway.model.value import Value


class BuildState(StrEnum):
    """Where a build is. The last three are ends."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Mount(Value, kw_only=True):
    """Something of the host that a container sees."""

    source: str
    """Absolute path on the node."""
    path: str
    """Absolute path in the container."""
    writable: bool = False


class Artifact(Value, kw_only=True):
    """What a build made: a content-addressed slug and the dependency layers it needs."""

    digest: Digest
    """Of the slug's files, the layers' digests, the variables and the jobs, where there are any."""
    slug: Digest
    layers: tuple[tuple[str, Digest], ...] = ()
    """(path in the container, digest of the layer), such as ("/layers/python", "sha256:…")."""
    variables: dict[str, str] = msgspec.field(default_factory=dict)
    """Environment that the layers need, such as PATH."""
    processes: dict[str, str] = msgspec.field(default_factory=dict)
    """Commands that the builder found for process types the manifest leaves open."""
    jobs: tuple[Job, ...] = ()
    """Python functions with `@job`."""
    size_bytes: int = 0


class Build(Value, kw_only=True):
    """One build of one source."""

    id: BuildId
    app: AppName
    source: Digest
    state: BuildState = BuildState.QUEUED
    artifact: Artifact | None = None
    container: ContainerId | None = None
    node: NodeId | None = None
    """Where it runs, once it has begun."""
    failure: Failure | None = None
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    created_by: str
    version: int = 0
