"""Fills the Builder port: carries recipes out in containers, and keeps what comes of them."""

import asyncio
import hashlib
import os
from contextlib import suppress
from pathlib import Path

import msgspec

from headway.builders import jobs
from headway.builders.explain import failed
from headway.builders.order import STOP_S, order_of
from headway.builders.plan import READ_FILES, plan
from headway.builders.recipe import Layer, Recipe, recipe_digest
from headway.builders.toolchain import toolchain
from headway.formats.start_command import find_start_command
from headway.machine import trees
from headway.machine.candidates import is_src_layout, uses_sdk
from headway.machine.files import write_whole
from headway.machine.processes import SYSTEM_PATH
from headway.model.build import Artifact, Build, Mount
from headway.model.container import Exit
from headway.model.failure import Failure
from headway.model.ids import Digest, NodeId
from headway.model.job import Job
from headway.model.manifest import Manifest
from headway.model.node import NodeState
from headway.model.order import Order
from headway.model.problem import Problem, render_problem
from headway.model.resources import MIB
from headway.ports.builder import Sources
from headway.ports.engine import Engine, EngineError, EngineUnavailable

_TEXT_BYTES = 1024 * 1024
_WATCH_S = 2.0


class EngineBuilder:
    """Builds in containers of an engine; artifacts are directories below `DATA`."""

    def __init__(self, data: Path, engine: Engine, sources: Sources) -> None:
        self._engine = engine
        self._sources = sources
        self._slugs = data / "slugs"
        self._layers = data / "layers"
        self._work = data / "work"
        self._caches = data / "caches"
        self._memo = data / "artifacts"
        for folder in (self._slugs, self._layers, self._work, self._caches, self._memo):
            folder.mkdir(mode=0o711, parents=True, exist_ok=True)
        self._tools = toolchain()
        self._jobs_layer = jobs.JobsLayer(self._layers)
        self._making: dict[Digest, asyncio.Lock] = {}

    async def build(self, build: Build, manifest: Manifest) -> Artifact | Failure:
        """Build a source. The same inputs give the same digest without being built again."""
        source = self._sources.path(build.source)
        recipe = await asyncio.to_thread(self._plan, source, manifest, build.source)
        if isinstance(recipe, Problem):
            return Failure(
                code="build-not-understood",
                because=render_problem(recipe),
                next=("headway docs build",),
            )
        name = recipe_digest(recipe, build.source)
        known = await asyncio.to_thread(self._known, name)
        if known is not None:
            return known
        locks = [self._lock(layer.digest) for layer in recipe.layers]
        locks.append(self._lock(name))
        for lock in locks:  # always in the same order: layers as planned, then the whole
            await lock.acquire()
        try:
            return await self._make(build, manifest, recipe, name)
        finally:
            for lock in reversed(locks):
                lock.release()
            await asyncio.to_thread(trees.remove, self._work / build.id)

    def mounts(self, artifact: Artifact) -> tuple[Mount, ...]:
        """Give what a container needs to see of an artifact: the slug at `/app`, its layers."""
        return (
            Mount(source=str(self._slug(artifact.slug)), path="/app"),
            *(
                Mount(source=str(self._layers / digest), path=path)
                for path, digest in artifact.layers
            ),
        )

    async def collect(self, keep: tuple[Artifact, ...]) -> int:
        """Delete every slug and layer that none of these needs, and give the bytes freed."""
        return await asyncio.to_thread(self._collect, keep)

    # --- making ----------------------------------------------------------------------------------

    def _plan(self, source: Path, manifest: Manifest, digest: Digest) -> Recipe | Problem:
        found = uses_sdk(source)
        recipe = plan(manifest, _read_files(source), digest, self._tools, needs_python=found)
        if isinstance(recipe, Problem) or not found:
            return recipe
        return jobs.with_jobs(recipe, self._jobs_layer.digest, src=is_src_layout(source))

    async def _make(
        self, build: Build, manifest: Manifest, recipe: Recipe, name: Digest
    ) -> Artifact | Failure:
        if jobs.has_jobs(recipe):
            await asyncio.to_thread(self._jobs_layer.publish)
        missing = [layer for layer in recipe.layers if not (self._layers / layer.digest).exists()]
        if missing or recipe.script or jobs.has_jobs(recipe):
            failure = await self._run(build, manifest, recipe, missing)
            if failure is not None:
                return failure
        try:
            for number, layer in enumerate(missing):
                made = self._work / build.id / f"layer-{number}"
                await asyncio.to_thread(self._publish_layer, made, layer)
            slug, size = await asyncio.to_thread(self._publish_slug, build, recipe)
        except (ValueError, FileNotFoundError) as error:
            return Failure(code="build-failed", because=f"its result cannot be used: {error}")
        found: tuple[Job, ...] | Failure = ()
        if jobs.has_jobs(recipe):
            found = await asyncio.to_thread(jobs.read, build, manifest, self._work / build.id)
        if isinstance(found, Failure):
            return found
        artifact = self._artifact(recipe, slug, size, found)
        await asyncio.to_thread(write_whole, self._memo / name, msgspec.json.encode(artifact))
        return artifact

    async def _run(
        self, build: Build, manifest: Manifest, recipe: Recipe, missing: list[Layer]
    ) -> Failure | None:
        """Run everything that is to be run in one container; gives why it failed."""
        owner = f"build/{build.app}"
        work = self._work / build.id
        mounts = await asyncio.to_thread(self._prepare, build, recipe, missing)
        await self._engine.hand_over(work, owner)
        cache = self._caches / build.app
        if not cache.exists():
            cache.mkdir(mode=0o711)
            await self._engine.hand_over(cache, owner)
        order = order_of(build, manifest, recipe, missing, mounts)
        try:
            nodes = await self._engine.nodes()
            node = build.node or next(
                (node.id for node in nodes if node.state is not NodeState.LOST), nodes[0].id
            )
            over = await self._to_the_end(order, node, work)
        except EngineError as error:
            return Failure(code="build-failed", because=f"it could not be started: {error}")
        if isinstance(over, Failure):
            return over
        if over.status == 0 and not over.reason:
            return None
        lines = [line.text async for line in self._engine.logs(order.id, tail=30)]
        return failed(build, over, tuple(lines))

    def _prepare(self, build: Build, recipe: Recipe, missing: list[Layer]) -> tuple[Mount, ...]:
        """Make the directories that the build writes to; what a crash left is thrown away."""
        work = self._work / build.id
        source = self._sources.path(build.source)
        ready = work / "ready"
        if not ready.exists():
            trees.remove(work)
            work.mkdir(mode=0o711, parents=True)
            for number in range(len(missing)):
                (work / f"layer-{number}").mkdir()
            (work / jobs.FOUND).mkdir()
            if recipe.script:
                trees.copy(source, work / "app", link=False)
                for point in recipe.mount_points:
                    (work / "app" / point).mkdir(exist_ok=True)
            ready.touch()
        app = Mount(source=str(work / "app"), path="/app", writable=True)
        mounts = [app if recipe.script else Mount(source=str(source), path="/app")]
        for number, layer in enumerate(missing):
            place = str(work / f"layer-{number}")
            mounts.append(Mount(source=place, path=layer.build_path, writable=True))
            if recipe.script and layer.part:
                # What is being made must be seen where the build expects it.
                (work / f"layer-{number}" / layer.part).mkdir(exist_ok=True)
                part = str(work / f"layer-{number}" / layer.part)
                mounts.append(Mount(source=part, path=layer.path, writable=True))
        mounts += [
            Mount(source=str(self._layers / layer.digest), path=layer.path)
            for layer in recipe.layers
            if layer not in missing
        ]
        mounts.append(Mount(source=str(self._caches / build.app), path="/cache", writable=True))
        if jobs.has_jobs(recipe):
            mounts.append(jobs.mount(work))
        return tuple(mounts)

    async def _to_the_end(self, order: Order, node: NodeId, work: Path) -> Exit | Failure:
        """Start the container and wait for its end; a cancelled build's container is ended."""
        limit = order.resources.disk_mib * MIB
        watching = asyncio.create_task(_outgrown(work, limit), name=f"disk of {order.id}")
        ending = asyncio.create_task(self._end_of(order, node), name=f"end of {order.id}")
        try:
            await asyncio.wait({watching, ending}, return_when=asyncio.FIRST_COMPLETED)
            if ending.done():
                return ending.result()
            await self._engine.stop(order.id, 0.0)
            await ending
            return Failure(
                code="build-disk-full",
                because=f"the build wrote more than {limit // MIB} MiB",
                container=order.id,
                hints=("raise build.resources.disk in headway.yaml, or write less",),
            )
        except asyncio.CancelledError:
            with suppress(EngineError):
                await asyncio.shield(self._engine.stop(order.id, STOP_S))
            raise
        finally:
            watching.cancel()
            ending.cancel()

    async def _end_of(self, order: Order, node: NodeId) -> Exit:
        while True:
            try:
                started = await self._engine.start(order, node)
                if started.exit is not None:
                    return started.exit
                async for heard in self._engine.observe():
                    for fact in heard.facts:
                        if fact.id == order.id and fact.exit is not None:
                            return fact.exit
            except EngineUnavailable:
                await asyncio.sleep(0.5)

    # --- keeping ---------------------------------------------------------------------------------

    def _publish_layer(self, made: Path, layer: Layer) -> None:
        part = made / layer.part if layer.part else made
        if part.is_symlink() or not part.is_dir():
            raise FileNotFoundError(f"{layer.path} was not made")
        part.chmod(0o755)
        target = self._layers / layer.digest
        if not target.exists():
            part.rename(target)

    def _publish_slug(self, build: Build, recipe: Recipe) -> tuple[Digest, int]:
        """Give the slug: the source itself where nothing changes it, else a copy of the result."""
        source = self._sources.path(build.source)
        if not recipe.script and not recipe.mount_points and recipe.output == ".":
            return build.source, 0
        made = _below(self._work / build.id / "app" if recipe.script else source, recipe.output)
        new = self._work / build.id / "slug"
        new.parent.mkdir(mode=0o711, exist_ok=True)
        trees.remove(new)
        trees.copy(made, new, link=not recipe.script)
        for point in recipe.mount_points:
            trees.remove(new / point)
            (new / point).mkdir()
        digest, size = trees.digest(new)
        target = self._slugs / digest
        if not target.exists():
            new.rename(target)
        return digest, size

    def _artifact(
        self, recipe: Recipe, slug: Digest, size: int, found_jobs: tuple[Job, ...]
    ) -> Artifact:
        layers = tuple((layer.path, layer.digest) for layer in recipe.layers)
        path = recipe.variables.get("PATH")
        variables = dict(recipe.variables)
        if path:
            variables["PATH"] = f"{path}:{SYSTEM_PATH}"
        parts = (slug, layers, sorted(variables.items()))
        meaning = msgspec.json.encode((*parts, found_jobs) if found_jobs else parts)
        processes = recipe.processes
        if not processes and (self._slugs / slug).exists():
            found = find_start_command(_read_files(self._slugs / slug))
            processes = {"web": found[0]} if found else {}
        return Artifact(
            digest=Digest(f"sha256-{hashlib.sha256(meaning).hexdigest()}"),
            slug=slug,
            layers=layers,
            variables=variables,
            processes=processes,
            jobs=found_jobs,
            size_bytes=size,
        )

    def _known(self, name: Digest) -> Artifact | None:
        """Give the artifact that was made before, if all of it is still there."""
        try:
            artifact = msgspec.json.decode((self._memo / name).read_bytes(), type=Artifact)
        except (FileNotFoundError, msgspec.DecodeError):
            return None
        whole = self._slug(artifact.slug).exists() and all(
            (self._layers / digest).exists() for _, digest in artifact.layers
        )
        return artifact if whole else None

    def _slug(self, digest: Digest) -> Path:
        place = self._slugs / digest
        return place if place.exists() else self._sources.path(digest)

    def _lock(self, digest: Digest) -> asyncio.Lock:
        return self._making.setdefault(digest, asyncio.Lock())

    def _collect(self, keep: tuple[Artifact, ...]) -> int:
        slugs = {artifact.slug for artifact in keep}
        layers = {digest for artifact in keep for _, digest in artifact.layers}
        held = {digest for digest, lock in self._making.items() if lock.locked()}
        freed = 0
        for folder, wanted in ((self._slugs, slugs), (self._layers, layers)):
            for place in folder.glob("sha256-*"):
                if place.name not in wanted and place.name not in held and not held:
                    freed += trees.remove(place)
        return freed


async def _outgrown(work: Path, limit: int) -> None:
    """Return when a build has written more than it may."""
    while await asyncio.to_thread(trees.measure, work) <= limit:  # noqa: ASYNC110 (nothing tells)
        await asyncio.sleep(_WATCH_S)


def _below(root: Path, output: str) -> Path:
    """Give a directory below another, no part of the way a link."""
    place = root
    for part in output.split("/"):
        if part in ("", "."):
            continue
        place = place / part
        if place.is_symlink() or not place.is_dir():
            raise FileNotFoundError(f"build.output {output} is no directory after the build")
    return place


def _read_files(source: Path) -> dict[str, str]:
    """Give the names at the top of a source, with the contents that matter."""
    found: dict[str, str] = {}
    with os.scandir(source) as listing:
        for entry in listing:
            found[entry.name] = ""
            wanted = entry.name in READ_FILES or entry.name.endswith((".py", ".js", ".mjs"))
            if wanted and entry.is_file(follow_symlinks=False):
                size = entry.stat(follow_symlinks=False).st_size
                limit = 16 * _TEXT_BYTES if entry.name in READ_FILES else _TEXT_BYTES
                if size <= limit:
                    found[entry.name] = Path(entry.path).read_text(errors="replace")
    return found
