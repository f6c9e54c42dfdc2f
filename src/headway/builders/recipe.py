"""What is to be done with a source, told from its files: a pure plan."""

import hashlib
from collections.abc import Mapping

import msgspec

from headway.formats.start_command import find_start_command
from headway.model.ids import AppName, Digest
from headway.model.manifest import BuildSpec, Manifest
from headway.model.problem import Problem
from headway.model.value import Value

VERSION = 1
"""Of the recipes: a higher one builds everything anew."""
READ_FILES = (
    "requirements.txt",
    "pyproject.toml",
    "uv.lock",
    "package.json",
    "package-lock.json",
    "npm-shrinkwrap.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    ".python-version",
)
"""Files at the top of a source whose content decides what is built."""

_PYTHON_LAYER = "/layers/python"
_NODE_LAYER = "/layers/node"
_PIP = "/layers/python/bin/pip --disable-pip-version-check --no-input"


class Layer(Value, kw_only=True):
    """Dependencies, made once for equal inputs."""

    digest: Digest
    """Of the inputs: what is asked for, by which app, on which interpreter."""
    build_path: str
    """Where it is made, in the build's container."""
    part: str = ""
    """The directory below that is kept; empty: all of it."""
    path: str
    """Where a container of the app sees it."""
    script: str


class Recipe(Value, kw_only=True):
    """How an artifact is made."""

    layers: tuple[Layer, ...] = ()
    script: str = ""
    """Run in a writable copy of the source; empty: the source is deployed as it is."""
    output: str = "."
    mount_points: tuple[str, ...] = ()
    """Directories that must be in the slug for layers to be seen there."""
    variables: dict[str, str] = msgspec.field(default_factory=dict)
    processes: dict[str, str] = msgspec.field(default_factory=dict)
    found: tuple[str, ...] = ()
    """What was recognised, in words."""


class Toolchain(Value, kw_only=True):
    """What of the machine decides what comes of the same inputs."""

    python: str
    """The interpreter that environments are made of."""
    python_version: str
    node_version: str
    machine: str


def plan(
    manifest: Manifest,
    files: Mapping[str, str],
    source: Digest,
    tools: Toolchain,
    *,
    python: bool = False,
) -> Recipe | Problem:
    """Plan a build.

    Args:
        manifest: The app's.
        files: Names at the top of the source, with the content of those in `READ_FILES` and of
            scripts that may show how to start it.
        source: Digest of all of it.
        tools: The machine's.
        python: It needs Python, whether or not the names at its top tell.
    """
    recipe = Recipe()
    node = _node(manifest, files, tools)
    for part in (_python(manifest.name, files, source, tools, needed=python), node):
        if isinstance(part, Problem):
            return part
        if part is not None:
            recipe = _joined(recipe, part)
    spec: BuildSpec = manifest.build
    if spec.command:
        recipe = msgspec.structs.replace(recipe, script=spec.command)
    recipe = msgspec.structs.replace(recipe, output=spec.output)
    started = find_start_command(files)
    if started is not None:
        command, told_from = started
        recipe = msgspec.structs.replace(
            recipe,
            processes={"web": command},
            found=(*recipe.found, f"start command from {told_from}"),
        )
    return recipe


def _joined(left: Recipe, right: Recipe) -> Recipe:
    path = ":".join(part.variables["PATH"] for part in (left, right) if "PATH" in part.variables)
    variables = {**left.variables, **right.variables}
    if path:
        variables["PATH"] = path
    return Recipe(
        layers=(*left.layers, *right.layers),
        script="\n".join(part for part in (left.script, right.script) if part),
        mount_points=(*left.mount_points, *right.mount_points),
        variables=variables,
        found=(*left.found, *right.found),
    )


def _python(
    app: AppName, files: Mapping[str, str], source: Digest, tools: Toolchain, *, needed: bool
) -> Recipe | None:
    make = f"{tools.python} -m venv {_PYTHON_LAYER}"
    key: tuple[str, ...]
    if "uv.lock" in files:
        key = (files["uv.lock"], files.get("pyproject.toml", ""))
        script = (
            f"{make} && {_PIP} install --quiet uv && "
            "mkdir /tmp/project && cp /app/pyproject.toml /app/uv.lock /tmp/project/ && "
            "cd /tmp/project && "
            f"UV_PROJECT_ENVIRONMENT={_PYTHON_LAYER} {_PYTHON_LAYER}/bin/uv sync --frozen "
            "--no-dev --no-install-project --inexact"
        )
        found = "uv.lock"
    elif "requirements.txt" in files:
        included = "\n".join(
            line for line in files["requirements.txt"].splitlines() if line.strip()[:1] == "-"
        )
        key = (files["requirements.txt"], source if included else "")
        script = f"{make} && {_PIP} install -r /app/requirements.txt"
        found = "requirements.txt"
    elif "pyproject.toml" in files:
        key = (files["pyproject.toml"], source)
        script = f"{make} && cp -r /app /tmp/project && {_PIP} install /tmp/project"
        found = "pyproject.toml"
    elif needed or any(name.endswith(".py") for name in files):
        # No dependencies, but `python` must be there, and be the one that headway runs on.
        key = ()
        script = f"{make} --without-pip"
        found = "nothing: no requirements.txt"
    else:
        return None
    layer = Layer(
        digest=_digest(app, "python", tools.python_version, tools.python, tools.machine, *key),
        build_path=_PYTHON_LAYER,
        path=_PYTHON_LAYER,
        script=script,
    )
    return Recipe(
        layers=(layer,),
        variables={
            "PATH": f"{_PYTHON_LAYER}/bin",
            "VIRTUAL_ENV": _PYTHON_LAYER,
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        found=(f"Python dependencies from {found}",),
    )


def _node(
    manifest: Manifest, files: Mapping[str, str], tools: Toolchain
) -> Recipe | Problem | None:
    if "package.json" not in files:
        return None
    try:
        package = msgspec.json.decode(files["package.json"])
    except msgspec.DecodeError as error:
        return Problem(file="package.json", message=f"this is not JSON: {error}")
    if not isinstance(package, dict):
        return Problem(file="package.json", message="it must be a mapping")
    lock = next(
        (name for name in ("package-lock.json", "npm-shrinkwrap.json") if name in files), None
    )
    wants = any(package.get(kind) for kind in ("dependencies", "devDependencies"))
    variables = {"NODE_ENV": "production", "npm_config_update_notifier": "false"}
    if not wants:
        return Recipe(variables=variables, found=("Node without dependencies",))
    if lock is None:
        other = next((name for name in ("yarn.lock", "pnpm-lock.yaml") if name in files), None)
        hint = f"{other} is not supported yet; " if other else ""
        return Problem(
            file="package.json",
            message="there is no package-lock.json, so the same source could build differently",
            hint=f"{hint}run `npm install --package-lock-only` and commit the file",
        )
    scripts = package.get("scripts")
    builds = isinstance(scripts, dict) and bool(scripts.get("build"))
    which = "" if builds or manifest.build.command else " --omit=dev"
    layer = Layer(
        digest=_digest(
            manifest.name,
            "node",
            tools.node_version,
            tools.machine,
            which,
            files["package.json"],
            files[lock],
        ),
        build_path=_NODE_LAYER,
        part="node_modules",
        path="/app/node_modules",
        script=(
            f"cp /app/package.json /app/{lock} {_NODE_LAYER}/ && cd {_NODE_LAYER} && "
            f"npm ci{which} --no-audit --no-fund && mkdir -p node_modules"
        ),
    )
    script = "npm run build" if builds and not manifest.build.command else ""
    return Recipe(
        layers=(layer,),
        script=script,
        mount_points=("node_modules",),
        variables=variables,
        found=(f"Node dependencies from {lock}",),
    )


def _digest(app: AppName, *inputs: str) -> Digest:
    whole = hashlib.sha256()
    for part in (str(VERSION), app, *inputs):
        whole.update(len(part.encode()).to_bytes(8, "big") + part.encode())
    return Digest(f"sha256-{whole.hexdigest()}")


def recipe_digest(recipe: Recipe, source: Digest) -> Digest:
    """Name a recipe carried out on a source: equal names give equal artifacts."""
    meaning = msgspec.json.encode((recipe, source, VERSION), order="deterministic")
    return Digest(f"sha256-{hashlib.sha256(meaning).hexdigest()}")
