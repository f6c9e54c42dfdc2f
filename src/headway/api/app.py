"""The HTTP application: every noun under `/v1`."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.routing import BaseRoute

from headway.api import (
    apps,
    builds,
    config,
    containers,
    deployments,
    environments,
    errors,
    events,
    figures,
    jobs,
    leases,
    lives,
    logs,
    nodes,
    pools,
    queues,
    rebalance,
    runs,
    schedules,
    sessions,
    system,
    tokens,
)
from headway.api.answers import schemas
from headway.api.authentication import Authentication
from headway.api.door import Door
from headway.api.forgery import Forgery
from headway.api.limits import Limits
from headway.api.permission import Permission
from headway.control.heart import Heart
from headway.control.world import World
from headway.model.view.check import Check


def create_app(
    world: World,
    *,
    heart: Heart,
    data: Path,
    hosts: frozenset[str],
    stop: asyncio.Event,
    machine_checks: Sequence[Callable[[], Awaitable[list[Check]]]] = (),
    pages: Sequence[BaseRoute] = (),
) -> FastAPI:
    """Make the application.

    Args:
        world: What it speaks of.
        heart: Whose route table it shows.
        data: The data directory.
        hosts: Names under which it may be asked, beside those of the loopback address.
        stop: Set when streams are to end.
        machine_checks: What `doctor` looks at, beside headway itself.
        pages: What answers outside of `/v1`.
    """
    app = FastAPI(
        title="headway",
        version=world.version,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # asked at each request
    )
    app.state.world = world
    app.state.heart = heart
    app.state.data = data
    app.state.stop = stop
    app.state.machine_checks = machine_checks
    for noun in (
        apps,
        builds,
        environments,
        config,
        deployments,
        containers,
        jobs,
        logs,
        nodes,
        pools,
        rebalance,
        events,
        figures,
        system,
        runs,
        queues,
        schedules,
        leases,
        lives,
        tokens,
        sessions,
    ):
        app.include_router(noun.router, prefix="/v1")
    app.include_router(system.open_router)
    app.router.routes.extend(pages)
    errors.install(app)
    app.add_middleware(jobs.Invocations)
    app.add_middleware(Permission, world=world, dispatch=heart.dispatch)
    app.add_middleware(Forgery)
    app.add_middleware(Authentication, world=world, hosts=hosts)
    app.add_middleware(Limits, settings=world.settings)
    app.add_middleware(Door)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    return app


def _openapi(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        document = get_openapi(title="headway", version=app.version, routes=app.routes)
        components = document.setdefault("components", {})
        components.setdefault("schemas", {}).update(schemas())
        components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        document["security"] = [{"token": []}]
        app.openapi_schema = document
    return app.openapi_schema
