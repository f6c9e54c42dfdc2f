"""The container in which a recipe is carried out."""

import os

from headway.builders import jobs
from headway.builders.recipe import Layer, Recipe
from headway.machine.processes import SYSTEM_PATH
from headway.model.build import Build, Mount
from headway.model.container import ContainerKind
from headway.model.manifest import Manifest
from headway.model.order import Order

PASSED = (
    "PIP_",
    "UV_",
    "NPM_CONFIG_",
    "npm_config_",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "all_proxy",
    "SSL_CERT_",
    "REQUESTS_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
)
"""Beginnings of variables of the operator's that builds see: where packages come from."""

STOP_S = 5.0


def order_of(
    build: Build,
    manifest: Manifest,
    recipe: Recipe,
    missing: list[Layer],
    mounts: tuple[Mount, ...],
) -> Order:
    """Give the container that makes what is missing, and then the app."""
    assert build.container is not None
    steps = [f"( {layer.script} )" for layer in missing]
    if recipe.script:
        steps.append(f"cd /app\n{recipe.script}")
    if jobs.has_jobs(recipe):
        steps.append(jobs.step(recipe))
    path = recipe.variables.get("PATH", "")
    variables = {
        **{key: value for key, value in os.environ.items() if key.startswith(PASSED)},
        **recipe.variables,
        "PATH": f"{path}:{SYSTEM_PATH}" if path else SYSTEM_PATH,
        "PIP_CACHE_DIR": "/cache/pip",
        "UV_CACHE_DIR": "/cache/uv",
        "npm_config_cache": "/cache/npm",
        "CI": "true",
        "HEADWAY_APP": build.app,
        "HEADWAY_BUILD": build.id,
    }
    if recipe.script:
        variables.pop("NODE_ENV", None)
    return Order(
        id=build.container,
        kind=ContainerKind.BUILD,
        app=build.app,
        name=f"build/{build.app}",
        argv=("/bin/sh", "-c", "set -e\n" + "\n".join(steps)),
        variables=variables,
        mounts=mounts,
        resources=manifest.build.resources,
        timeout_s=manifest.build.timeout_s,
        stop_grace_s=STOP_S,
    )
