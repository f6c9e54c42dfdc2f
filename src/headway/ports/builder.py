"""The doors to sources and artifacts."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol

from headway.model.build import Artifact, Build, Mount
from headway.model.failure import Failure
from headway.model.ids import Digest
from headway.model.manifest import Manifest
from headway.model.problem import Parsed
from headway.model.value import Value


class Received(Value, kw_only=True):
    """A source that arrived: its identity, its size, and what its manifest says."""

    digest: Digest
    size_bytes: int
    manifest: Parsed[Manifest]


class SourceRefused(Exception):
    """What was sent is no usable source; the text says why."""


class Sources(Protocol):
    """Keeps the files of apps as they were sent, by content."""

    async def receive(self, archive: AsyncIterator[bytes], name: str) -> Received:
        """Take a gzipped tar archive of a source's files.

        `name` is the app's where its manifest gives none.

        Only regular files, directories and relative links inside the archive are accepted.
        The limit on its size, packed and unpacked, is enforced while it arrives; nothing is
        left of a refused or broken-off archive.

        Raises:
            SourceRefused: Too large, not an archive, or an entry that leads outside.
        """
        ...

    def path(self, digest: Digest) -> Path:
        """Give the directory that holds a received source's files; nobody writes there."""
        ...

    async def collect(self, keep: frozenset[Digest]) -> int:
        """Delete every source that is not to be kept, and give the bytes freed."""
        ...


class Builder(Protocol):
    """Turns sources into artifacts, in containers."""

    async def build(self, build: Build, manifest: Manifest) -> Artifact | Failure:
        """Build a source. The same inputs give the same digest without being built again.

        The build runs as a container whose id is `build.container`, so its log is read like any
        other. Cancelling the call ends that container. Called again after a crash, it continues
        or starts over; either way one artifact comes of it.
        """
        ...

    def mounts(self, artifact: Artifact) -> tuple[Mount, ...]:
        """Give what a container needs to see of an artifact: the slug at `/app`, its layers."""
        ...

    async def collect(self, keep: tuple[Artifact, ...]) -> int:
        """Delete every slug and layer that none of these needs, and give the bytes freed."""
        ...
