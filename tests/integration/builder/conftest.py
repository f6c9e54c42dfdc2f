"""A real builder on a real engine, and sources written by a test."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from headway.builders.builder import EngineBuilder
from headway.builders.sources import DirectorySources
from headway.engines.process.engine import ProcessEngine
from headway.model.build import Artifact, Build
from headway.model.failure import Failure
from headway.model.ids import AppName, BuildId, ContainerId
from headway.model.settings import Settings
from headway.sdk.source import pack
from tests.contract.engine.conftest import data, engine

__all__ = ["data", "engine"]

MANIFEST = "name: shop\nrun: {command: sleep 1}\n"
Building = Callable[..., Awaitable[Artifact | Failure]]


@pytest.fixture
def builder(data: Path, engine: ProcessEngine) -> tuple[EngineBuilder, DirectorySources]:
    sources = DirectorySources(data, Settings())
    return EngineBuilder(data, engine, sources), sources  # type: ignore[arg-type]


@pytest.fixture
def build(builder: tuple[EngineBuilder, DirectorySources], tmp_path: Path) -> Building:
    made, sources = builder
    numbers = iter(range(100))

    async def run(manifest: str = MANIFEST, **files: str) -> Artifact | Failure:
        number = next(numbers)
        source = tmp_path / f"source-{number}"
        for path, text in {"headway.yaml": manifest, **files}.items():
            place = source / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)

        async def parts() -> AsyncIterator[bytes]:
            for part in pack(source).parts():
                yield part

        received = await sources.receive(parts(), "shop")
        assert received.manifest.value is not None, received.manifest.problems
        own = os.urandom(5).hex()  # control groups of this machine are named by it
        row = Build(
            id=BuildId(f"bld-{own}"),
            app=AppName("shop"),
            source=received.digest,
            container=ContainerId(f"build-{own}"),
            created_at=datetime.now(UTC),
            created_by="ana",
        )
        return await made.build(row, received.manifest.value)

    return run
