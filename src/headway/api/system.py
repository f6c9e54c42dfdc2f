"""The installation itself: routes, health, metrics."""

import os
from typing import Any

from fastapi import APIRouter, Request, Response

from headway.api.answers import Json, answers
from headway.api.scope import TheWorld, dispatch_of
from headway.control.pool import monitor
from headway.control.queries import doctor
from headway.model.settings import Settings
from headway.model.view.check import Check

router = APIRouter(tags=["system"])
open_router = APIRouter(tags=["system"])


@router.get("/routes", responses=answers(dict[str, Any]))
async def routes(request: Request, world: TheWorld) -> Json:
    """Give the route table and what the router counted."""
    view = await world.router.view()
    table = request.app.state.heart.routing.applied
    return Json({"routes": table.routes, "traffic": view.traffic, "refused": view.refused})


@router.get("/doctor", responses=answers(list[Check]))
async def checks(request: Request, world: TheWorld) -> Json:
    """Look at this machine and this installation."""
    state = request.app.state
    found = await doctor.checks(world, state.data, state.machine_checks)
    return Json([*found, *await monitor.checks(world, state.heart.pools)])


@router.get("/settings", responses=answers(Settings))
async def settings(world: TheWorld) -> Json:
    """Give what the operator has set, and the defaults of the rest."""
    return Json(world.settings)


@router.get("/version", responses=answers(dict[str, Any]))
async def version(request: Request, world: TheWorld) -> Json:
    """Say which headway this is."""
    return Json(
        {
            "version": world.version,
            "pid": os.getpid(),
            "data": str(request.app.state.data),
            "started_at": world.started_at,
            "http_port": world.router.http_port,
        }
    )


@open_router.get("/healthz", responses=answers(dict[str, str]))
async def healthz(world: TheWorld) -> Json:
    """Answer 200 while the store answers and no loop is in trouble that stops it all."""
    await world.store.read(lambda reader: reader.events(newest_first=True, limit=1))
    return Json({"status": "ok", "version": world.version})


@open_router.get("/metrics", include_in_schema=False)
async def metrics(request: Request, world: TheWorld) -> Response:
    """Prometheus metrics."""
    # Its library takes a megabyte and a half, where nobody may ever ask.
    from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

    from headway.api.metrics import observe

    registry = await observe(world, dispatch_of(request))
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
