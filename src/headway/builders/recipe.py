"""How an artifact is made, as a value; what is equal of it gives equal artifacts."""

import hashlib

import msgspec

from headway.model.ids import AppName, Digest
from headway.model.value import Value

VERSION = 1
"""Of the recipes: a higher one builds everything anew."""


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


def layer_digest(app: AppName, *inputs: str) -> Digest:
    """Name a layer of an app by all that decides what comes of it."""
    whole = hashlib.sha256()
    for part in (str(VERSION), app, *inputs):
        whole.update(len(part.encode()).to_bytes(8, "big") + part.encode())
    return Digest(f"sha256-{whole.hexdigest()}")


def recipe_digest(recipe: Recipe, source: Digest) -> Digest:
    """Name a recipe carried out on a source: equal names give equal artifacts."""
    meaning = msgspec.json.encode((recipe, source, VERSION), order="deterministic")
    return Digest(f"sha256-{hashlib.sha256(meaning).hexdigest()}")
