"""What is to be done with a source, told from its files: a pure plan."""

from collections.abc import Mapping

import msgspec

from headway.builders import node, python
from headway.builders.recipe import Recipe, Toolchain
from headway.formats.start_command import find_start_command
from headway.model.ids import Digest
from headway.model.manifest import BuildSpec, Manifest
from headway.model.problem import Problem

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


def plan(
    manifest: Manifest,
    files: Mapping[str, str],
    source: Digest,
    tools: Toolchain,
    *,
    needs_python: bool = False,
) -> Recipe | Problem:
    """Plan a build.

    Args:
        manifest: The app's.
        files: Names at the top of the source, with the content of those in `READ_FILES` and of
            scripts that may show how to start it.
        source: Digest of all of it.
        tools: The machine's.
        needs_python: Whether or not the names at its top tell.
    """
    recipe = Recipe()
    for part in (
        python.recipe(manifest.name, files, source, tools, needed=needs_python),
        node.recipe(manifest, files, tools),
    ):
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
