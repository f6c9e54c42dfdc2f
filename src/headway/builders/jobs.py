"""What builds do about jobs written in Python: what the jobs import, and reading what was found."""

import hashlib
import os
import shlex
import stat
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import msgspec

import headway
from headway.builders.recipe import Layer, Recipe
from headway.formats.gang_troubles import gang_faults
from headway.formats.lock_names import LOCKS_MAX, lock_problem
from headway.formats.parameters import schema_problem
from headway.machine import trees
from headway.model.build import Build, Mount
from headway.model.failure import Failure
from headway.model.gang import GANG_MAX
from headway.model.ids import Digest, is_name
from headway.model.job import Job
from headway.model.length import LENGTH_MAX_S
from headway.model.manifest import Manifest
from headway.model.problem import Problem, render_problem

PLACE = "/opt/headway"
"""Where a container sees what jobs import of headway."""
FOUND = "jobs"
"""Directory of a build's work for what was found."""
FILE = "found.json"
_FOUND_PLACE = "/jobs"
_PATH_MAX = 300
_JOBS_MAX = 1000
_PROBLEMS_MAX = 20
_FOUND_BYTES_MAX = 4 * 1024 * 1024
_PACKAGE = Path(headway.__file__).parent
_FILES = (
    "__init__.py",
    "formats/__init__.py",
    "formats/lock_names.py",
    "formats/units.py",
    "machine/__init__.py",
    "machine/candidates.py",
    "machine/run_ids.py",
    "model/__init__.py",
    "model/ids.py",
    "model/length.py",
    "sdk/__init__.py",
    "sdk/ask.py",
    "sdk/discover.py",
    "sdk/invoke.py",
    "sdk/job.py",
    "sdk/lock.py",
    "sdk/once.py",
    "sdk/options.py",
    "sdk/parameters.py",
    "sdk/results.py",
    "sdk/shapes.py",
)
"""What jobs import of headway, and what that imports: nothing beside the standard library."""

_BESIDE = """

def _installed():
    import os
    import sys

    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    places = [os.path.join(place, "headway") for place in sys.path if place != here]
    return [place for place in places if os.path.isfile(os.path.join(place, "sdk", "client.py"))]


__path__[:0] = _installed()
"""
"""Where an app has all of headway among its dependencies, it is that which the app gets."""


class _Stands(msgspec.Struct):
    file: str = ""
    line: int = 0


class _Listing(msgspec.Struct):
    jobs: tuple[Job, ...] = ()
    places: dict[str, _Stands] = {}
    problems: tuple[Problem, ...] = ()


class JobsLayer:
    """What jobs import of headway, kept as a layer: a release goes on with the one it was made of.

    Nothing of headway's dependencies is in it.
    """

    def __init__(self, layers: Path) -> None:
        self._layers = layers
        self._contents = {name: (_PACKAGE / name).read_bytes() for name in _FILES}
        self._contents["__init__.py"] += _BESIDE.encode()
        whole = hashlib.sha256()
        for part in (item for pair in self._contents.items() for item in pair):
            data = part.encode() if isinstance(part, str) else part
            whole.update(len(data).to_bytes(8, "big") + data)
        self.digest = Digest(f"sha256-{whole.hexdigest()}")

    @property
    def path(self) -> Path:
        """The layer's directory, which is there after `publish`."""
        return self._layers / self.digest

    def publish(self) -> None:
        """Make the layer, unless it is there."""
        if self.path.exists():
            return
        new = self._layers / f".new-{self.digest}"
        trees.remove(new)
        new.mkdir(mode=0o755)
        for name, content in self._contents.items():
            file = new / "headway" / name
            file.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            file.write_bytes(content)
        for path, status in trees.entries(new):
            (new / path).chmod(0o755 if stat.S_ISDIR(status.st_mode) else 0o644)
        new.chmod(0o755)
        new.rename(self.path)


def with_jobs(recipe: Recipe, layer: Digest, *, src: bool) -> Recipe:
    """Have containers of a recipe see what its jobs import.

    Args:
        recipe: The source's, which has Python.
        layer: Of what jobs import of headway.
        src: The source's packages are below `src`.
    """
    path = f"/app/src:{PLACE}" if src else PLACE
    return msgspec.structs.replace(
        recipe,
        layers=(*recipe.layers, Layer(digest=layer, build_path=PLACE, path=PLACE, script="")),
        variables={**recipe.variables, "PYTHONPATH": path},
        found=(*recipe.found, "jobs written in Python"),
    )


def has_jobs(recipe: Recipe) -> bool:
    """Say whether jobs are to be looked for."""
    return any(layer.path == PLACE for layer in recipe.layers)


def step(recipe: Recipe) -> str:
    """Give the shell command that looks for jobs. It says by its file alone whether it could."""
    folder = shlex.quote(f"/app/{recipe.output}")
    return (
        f"( cd {folder} && python -m headway.sdk.discover . --out {_FOUND_PLACE}/{FILE} "
        ") || echo 'the search for jobs ended early' >&2"
    )


def mount(work: Path) -> Mount:
    """Give the place where what is found is written to."""
    return Mount(source=str(work / FOUND), path=_FOUND_PLACE, writable=True)


def read(build: Build, manifest: Manifest, work: Path) -> tuple[Job, ...] | Failure:
    """Read what was found. The file is of the build's making: it is trusted in nothing."""
    try:
        listing = msgspec.json.decode(untrusted(work / FOUND / FILE), type=_Listing)
    except (OSError, msgspec.DecodeError, RecursionError) as error:
        return Failure(
            code="jobs-not-found",
            because=f"the search for jobs in {build.app} ended before it could say what is there",
            container=build.container,
            hints=(
                (
                    "a module with jobs ends the process when it is imported: keep what is to run "
                    "below `if __name__ == '__main__':`"
                ),
                str(error),
            ),
            next=(f"headway logs --build {build.id}",),
        )
    if len(listing.jobs) > _JOBS_MAX:
        many = f"there are {len(listing.jobs)} jobs, and an app has {_JOBS_MAX} at most"
        return _failure(build, (Problem(message=many),))
    problems = listing.problems or tuple(
        Problem(message=f"job {job.name[:80]!r}: {wrong}")
        for job in listing.jobs
        if (wrong := _wrong(job))
    )
    problems = problems or tuple(islice(_gang_problems(listing, manifest), _PROBLEMS_MAX + 1))
    return _failure(build, problems) if problems else listing.jobs


def _gang_problems(listing: _Listing, manifest: Manifest) -> Iterator[Problem]:
    """Say what is wrong with gangs, which a job's own module cannot know."""
    known = {job.name: job for job in (*manifest.jobs, *listing.jobs)}
    for job in listing.jobs:
        for trouble in gang_faults(job, known):
            place = listing.places.get(job.name, _Stands())
            message = f"job {job.name}: gang.{trouble.member}: {trouble.message}"
            yield Problem(
                message=message, hint=trouble.hint, file=place.file[:_PATH_MAX], line=place.line
            )


def _failure(build: Build, problems: tuple[Problem, ...]) -> Failure:
    said = "; ".join(_render(problem) for problem in problems[:_PROBLEMS_MAX])
    if len(problems) > _PROBLEMS_MAX:
        said += "; and more"
    return Failure(
        code="jobs-invalid",
        because=f"the jobs of {build.app} cannot be used: {said}",
        container=build.container,
        next=(f"headway logs --build {build.id}",),
    )


def _render(problem: Problem) -> str:
    if problem.line and not problem.column:  # Python tells the line only
        hint = f" ({problem.hint})" if problem.hint else ""
        return f"{problem.file}:{problem.line}: {problem.message}{hint}"
    return render_problem(problem)


def _wrong(job: Job) -> str:
    """Say what of a job cannot be, whoever wrote it; the decorator said it better before."""
    bounds = (
        (is_name(job.name), "its name"),
        (is_name(job.queue), "its queue"),
        (0 < job.resources.cpu <= 1024, "its cpu"),
        (0 < job.resources.memory_mib <= 1024 * 1024, "its memory"),
        (0 <= job.resources.gpus <= 64, "its gpus"),
        (job.expected_s is None or 0 < job.expected_s <= LENGTH_MAX_S, "its expected"),
        (0 < job.timeout_s <= LENGTH_MAX_S, "its timeout"),
        (job.cpu_time_s is None or 0 < job.cpu_time_s <= LENGTH_MAX_S, "its cpu_time"),
        (0 < job.output_mib <= 1024 * 1024, "its output"),
        (0 < job.resources.disk_mib <= 1024 * 1024, "its disk"),
        (0 <= job.resources.disk_reserved_mib <= job.resources.disk_mib, "its reserved disk"),
        (0 < job.resources.log_mib <= 1024 * 1024, "its log"),
        (0 < job.resources.processes <= 1_000_000, "its processes"),
        (0 < job.resources.open_files <= 1_000_000, "its open files"),
        (0 < job.grace_s <= LENGTH_MAX_S, "its grace"),
        (0 <= job.retries.most <= 1000, "its retries"),
        (0 < job.retries.delay_s <= LENGTH_MAX_S, "its delay"),
        (0 < job.retries.delay_max_s <= LENGTH_MAX_S, "its longest delay"),
        (-100 <= job.priority <= 100, "its priority"),
        (job.reuse >= 1, "its reuse"),
        (job.concurrency is None or job.concurrency >= 1, "its concurrency"),
        (job.key_concurrency is None or job.key_concurrency >= 1, "its concurrency by key"),
        (job.gang_size <= GANG_MAX and all(job.gang.values()), "its gang"),
        (len(job.locks) <= LOCKS_MAX and not any(map(lock_problem, job.locks)), "its lock"),
        (bool(job.function) and not job.command, "its function"),
    )
    wrong = [what for fine, what in bounds if not fine]
    if not wrong and job.parameters is not None and (said := schema_problem(job.parameters)):
        return said
    return f"out of bounds: {', '.join(wrong)}" if wrong else ""


def untrusted(path: Path) -> bytes:
    """Read a file that somebody untrusted wrote: no link, nothing that blocks, nothing large.

    Raises:
        OSError: It is not there, or is none of these.
    """
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        how = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(path.name, how, dir_fd=folder)
    finally:
        os.close(folder)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > _FOUND_BYTES_MAX:
            raise OSError(f"{path.name} is no file, or larger than {_FOUND_BYTES_MAX >> 20} MiB")
        return os.read(descriptor, _FOUND_BYTES_MAX)
    finally:
        os.close(descriptor)
