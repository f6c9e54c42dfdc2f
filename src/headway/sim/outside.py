"""What surrounds a simulated installation: its router, vault, sources and builder, in memory."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec

from headway.model.build import Artifact, Build, Mount
from headway.model.failure import Failure
from headway.model.ids import ContainerId, Digest
from headway.model.manifest import Manifest
from headway.model.problem import Parsed
from headway.model.route import RouterView, RouteTable
from headway.ports.builder import Received, SourceRefused
from headway.ports.vault import VaultError


class SimulatedRouter:
    """Follows the last table; nobody sends it requests."""

    http_port = 7080

    def __init__(self) -> None:
        self.table = RouteTable()
        self._leads_to: frozenset[ContainerId] = frozenset()

    def leads_to(self, container: ContainerId) -> bool:
        """Say whether a container may get new requests."""
        return container in self._leads_to

    async def start(self) -> None:
        """Go on as before."""

    async def apply(self, table: RouteTable) -> None:
        """Make the table true."""
        self.table = table
        self._leads_to = frozenset(
            target.container for route in table.routes for target in route.targets if target.weight
        )

    async def view(self) -> RouterView:
        """Give who may get requests."""
        return RouterView(targets=self._leads_to)

    async def close(self, *, stop: bool) -> None:
        """Go on without whoever held it."""


class SimulatedVault:
    """Seals in form only: nothing here is secret."""

    def seal(self, text: str, place: str) -> str:
        """Say for which place a text is."""
        return f"{place}\n{text}"

    def open(self, sealed: str, place: str) -> str:
        """Give a text back where it belongs.

        Raises:
            VaultError: It is of another place.
        """
        there, _, text = sealed.partition("\n")
        if there != place:
            raise VaultError(f"sealed for {there}, not for {place}")
        return text

    def mark(self, text: str) -> str:
        """Give a hash."""
        return hashlib.sha256(text.encode()).hexdigest()


class SimulatedSources:
    """Takes manifests for sources: what is sent is one, as JSON."""

    async def receive(self, archive: AsyncIterator[bytes], name: str) -> Received:  # noqa: ARG002
        """Take a manifest.

        Raises:
            SourceRefused: It is none.
        """
        sent = b"".join([part async for part in archive])
        try:
            manifest = msgspec.json.decode(sent, type=Manifest)
        except msgspec.DecodeError as error:
            raise SourceRefused(str(error)) from error
        digest = Digest(f"sha256:{hashlib.sha256(sent).hexdigest()}")
        return Received(digest=digest, size_bytes=len(sent), manifest=Parsed(manifest))

    def path(self, digest: Digest) -> Path:
        """Give a name; nothing is there."""
        return Path("/simulated") / digest

    async def collect(self, keep: frozenset[Digest]) -> int:  # noqa: ARG002
        """Free nothing."""
        return 0


class SimulatedBuilder:
    """Builds by letting time pass."""

    def __init__(self, length_s: Callable[[], float]) -> None:
        self._length_s = length_s

    async def build(self, build: Build, manifest: Manifest) -> Artifact | Failure:  # noqa: ARG002
        """Give an artifact that is the source."""
        await asyncio.sleep(self._length_s())
        return Artifact(digest=build.source, slug=build.source)

    def mounts(self, artifact: Artifact) -> tuple[Mount, ...]:  # noqa: ARG002
        """Mount nothing."""
        return ()

    async def collect(self, keep: tuple[Artifact, ...]) -> int:  # noqa: ARG002
        """Free nothing."""
        return 0
