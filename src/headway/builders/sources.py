"""Fills the Sources port: directories named by the hash of what is in them."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from pathlib import Path

from headway.builders.archive import unpack
from headway.formats.headway_yaml import parse_manifest
from headway.machine import trees
from headway.model.ids import Digest
from headway.model.manifest import FILE, Manifest
from headway.model.problem import Parsed, Problem
from headway.model.settings import Settings
from headway.ports.builder import Received, SourceRefused

_MANIFEST_BYTES_MAX = 1024 * 1024
_UNCLAIMED_S = 3600.0
"""A source that just arrived is kept this long, whoever names it."""


class DirectorySources:
    """Keeps sources below `DATA/sources`."""

    def __init__(self, data: Path, limits: Settings) -> None:
        self._limits = limits
        self._folder = data / "sources"
        self._folder.mkdir(mode=0o711, parents=True, exist_ok=True)
        for left in self._folder.glob(".new-*"):  # of an upload that a crash broke off
            trees.remove(left)

    async def receive(self, archive: AsyncIterator[bytes], name: str) -> Received:
        """Take a gzipped tar archive of a source's files."""
        new = self._folder / f".new-{secrets.token_hex(8)}"
        try:
            new.mkdir(mode=0o711)
            await self._store(archive, new / "packed")
            return await asyncio.to_thread(self._settle, new, name)
        except OSError as error:
            why = f"it could not be kept: {error.strerror or error}; next: headway doctor"
            raise SourceRefused(why) from error
        finally:
            # Not awaited: a sender who hangs up cancels every further await of this request.
            trees.remove(new)

    async def _store(self, archive: AsyncIterator[bytes], path: Path) -> None:
        size = 0
        with path.open("xb") as file:
            async for part in archive:
                size += len(part)
                if size > self._limits.source_bytes_max:
                    limit = self._limits.source_bytes_max >> 20
                    raise SourceRefused(f"it is larger than {limit} MiB, packed")
                file.write(part)

    def _settle(self, new: Path, name: str) -> Received:
        unpacked = new / "unpacked"
        unpack(new / "packed", unpacked, self._limits)
        manifest = _manifest(unpacked, name)
        digest, size = trees.digest(unpacked)
        place = self._folder / digest
        if not place.exists():
            unpacked.rename(place)
        place.touch()
        return Received(digest=digest, size_bytes=size, manifest=manifest)

    def path(self, digest: Digest) -> Path:
        """Give the directory that holds a received source's files."""
        return self._folder / digest

    async def collect(self, keep: frozenset[Digest]) -> int:
        """Delete every source that is not to be kept, and give the bytes freed."""
        return await asyncio.to_thread(self._collect, keep)

    def _collect(self, keep: frozenset[Digest]) -> int:
        freed = 0
        for place in self._folder.glob("sha256-*"):
            if place.name not in keep and time.time() - place.stat().st_mtime > _UNCLAIMED_S:
                freed += trees.remove(place)
        return freed


def _manifest(source: Path, name: str) -> Parsed[Manifest]:
    path = source / FILE
    if not path.is_file() or path.is_symlink():
        problem = Problem(file=FILE, message="there is no such file", hint="headway init")
        return Parsed(None, (problem,))
    if path.stat().st_size > _MANIFEST_BYTES_MAX:
        return Parsed(None, (Problem(file=FILE, message="it is larger than 1 MiB"),))
    return parse_manifest(
        path.read_text(errors="replace"), default_name=name, procfile=_procfile(source)
    )


def _procfile(source: Path) -> str | None:
    path = source / "Procfile"
    if not path.is_file() or path.is_symlink() or path.stat().st_size > _MANIFEST_BYTES_MAX:
        return None
    return path.read_text(errors="replace")
