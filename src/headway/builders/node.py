"""How a source with a `package.json` is built: by its lock file, and its own build script."""

from collections.abc import Mapping
from typing import Any

import msgspec

from headway.builders.recipe import Layer, Recipe, Toolchain, layer_digest
from headway.model.manifest import Manifest
from headway.model.problem import Problem

_LAYER = "/layers/node"
_LOCKS = ("package-lock.json", "npm-shrinkwrap.json")
_OTHER_LOCKS = ("yarn.lock", "pnpm-lock.yaml")
_VARIABLES = {"NODE_ENV": "production", "npm_config_update_notifier": "false"}


def recipe(
    manifest: Manifest, files: Mapping[str, str], tools: Toolchain
) -> Recipe | Problem | None:
    """Plan its dependencies and its build; None where there is no `package.json`."""
    if "package.json" not in files:
        return None
    package = _package(files["package.json"])
    if isinstance(package, Problem):
        return package
    if not any(package.get(kind) for kind in ("dependencies", "devDependencies")):
        return Recipe(variables=_VARIABLES, found=("Node without dependencies",))
    lock = next((name for name in _LOCKS if name in files), None)
    if lock is None:
        return _unlocked(files)
    scripts = package.get("scripts")
    builds = isinstance(scripts, dict) and bool(scripts.get("build"))
    which = "" if builds or manifest.build.command else " --omit=dev"
    inputs = (tools.node_version, tools.machine, which, files["package.json"], files[lock])
    layer = Layer(
        digest=layer_digest(manifest.name, "node", *inputs),
        build_path=_LAYER,
        part="node_modules",
        path="/app/node_modules",
        script=(
            f"cp /app/package.json /app/{lock} {_LAYER}/ && cd {_LAYER} && "
            f"npm ci{which} --no-audit --no-fund && mkdir -p node_modules"
        ),
    )
    return Recipe(
        layers=(layer,),
        script="npm run build" if builds and not manifest.build.command else "",
        mount_points=("node_modules",),
        variables=_VARIABLES,
        found=(f"Node dependencies from {lock}",),
    )


def _package(text: str) -> dict[str, Any] | Problem:
    try:
        package = msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        return Problem(file="package.json", message=f"this is not JSON: {error}")
    if not isinstance(package, dict):
        return Problem(file="package.json", message="it must be a mapping")
    return package


def _unlocked(files: Mapping[str, str]) -> Problem:
    other = next((name for name in _OTHER_LOCKS if name in files), None)
    hint = f"{other} is not supported yet; " if other else ""
    return Problem(
        file="package.json",
        message="there is no package-lock.json, so the same source could build differently",
        hint=f"{hint}run `npm install --package-lock-only` and commit the file",
    )
