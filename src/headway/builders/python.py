"""How a source in Python is built: one environment, of what its files ask for."""

from collections.abc import Mapping
from typing import NamedTuple

from headway.builders.recipe import Layer, Recipe, Toolchain, layer_digest
from headway.model.ids import AppName, Digest

_LAYER = "/layers/python"
_PIP = f"{_LAYER}/bin/pip --disable-pip-version-check --no-input"


class _Way(NamedTuple):
    """How the environment is made."""

    script: str
    key: tuple[str, ...]
    """What of the source decides what comes of it."""
    asked_by: str


def recipe(
    app: AppName, files: Mapping[str, str], source: Digest, tools: Toolchain, *, needed: bool
) -> Recipe | None:
    """Plan the environment; None where there is no Python, and none is needed."""
    way = _way(files, source, f"{tools.python} -m venv {_LAYER}", needed=needed)
    if way is None:
        return None
    layer = Layer(
        digest=layer_digest(
            app, "python", tools.python_version, tools.python, tools.machine, *way.key
        ),
        build_path=_LAYER,
        path=_LAYER,
        script=way.script,
    )
    return Recipe(
        layers=(layer,),
        variables={
            "PATH": f"{_LAYER}/bin",
            "VIRTUAL_ENV": _LAYER,
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        found=(f"Python dependencies from {way.asked_by}",),
    )


def _way(files: Mapping[str, str], source: Digest, make: str, *, needed: bool) -> _Way | None:
    if "uv.lock" in files:
        script = (
            f"{make} && {_PIP} install --quiet uv && "
            "mkdir /tmp/project && cp /app/pyproject.toml /app/uv.lock /tmp/project/ && "
            "cd /tmp/project && "
            f"UV_PROJECT_ENVIRONMENT={_LAYER} {_LAYER}/bin/uv sync --frozen "
            "--no-dev --no-install-project --inexact"
        )
        return _Way(script, (files["uv.lock"], files.get("pyproject.toml", "")), "uv.lock")
    if "requirements.txt" in files:
        asked = files["requirements.txt"]
        includes = any(line.strip()[:1] == "-" for line in asked.splitlines())
        script = f"{make} && {_PIP} install -r /app/requirements.txt"
        return _Way(script, (asked, source if includes else ""), "requirements.txt")
    if "pyproject.toml" in files:
        script = f"{make} && cp -r /app /tmp/project && {_PIP} install /tmp/project"
        return _Way(script, (files["pyproject.toml"], source), "pyproject.toml")
    if needed or any(name.endswith(".py") for name in files):
        # No dependencies, but `python` must be there, and be the one that headway runs on.
        return _Way(f"{make} --without-pip", (), "nothing: no requirements.txt")
    return None
