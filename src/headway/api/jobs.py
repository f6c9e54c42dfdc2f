"""Jobs, and making runs of them."""

import msgspec
from fastapi import APIRouter, Request
from starlette.routing import Route

from headway.api.answers import Json, answers, described
from headway.api.errors import no_body
from headway.api.scope import TheWorld, actor_of, dispatch_of, permitted, world_of
from headway.control import jobs
from headway.control.invoking import invoke
from headway.control.requests import Invocation
from headway.model.view import (
    Invoked,
    JobView,
)

router = APIRouter(tags=["jobs"])
_RUNS = "/jobs/{job:path}/runs"


class InvokeBody(Invocation, kw_only=True):
    """Make a run, or with `runs` many."""

    environment: str = ""
    """A container may leave it out: it is its own."""
    app: str | None = None
    runs: list[Invocation] | None = None


@router.get("/jobs", responses=answers(list[JobView]))
async def list_jobs(
    request: Request, world: TheWorld, environment: str | None = None, app: str | None = None
) -> Json:
    """List jobs, of one environment or of all."""
    return Json(await jobs.listing(world, dispatch_of(request), environment, app))


@router.get("/jobs/{job:path}", responses=answers(JobView))
async def get_job(
    request: Request, world: TheWorld, job: str, environment: str, app: str | None = None
) -> Json:
    """Give a job, by its name or by `app/name`."""
    return Json(await jobs.one(world, dispatch_of(request), environment, job, app))


@router.post(_RUNS, responses=answers(Invoked), openapi_extra=described(InvokeBody))
async def invoke_job(request: Request, job: str) -> Json:
    """Make runs of a job. With an `id` of the sender's own, asking again makes no second run."""
    try:
        body = msgspec.json.decode(await request.body(), type=InvokeBody)
    except msgspec.DecodeError as error:
        raise no_body(error) from error
    rows = await invoke(
        world_of(request),
        dispatch_of(request),
        actor_of(request),
        permitted(request, body.environment),
        job,
        [body] if body.runs is None else body.runs,
        app=body.app,
    )
    return Json(Invoked(ids=tuple(row.id for row in rows), states=tuple(row.state for row in rows)))


async def _invoke_directly(request: Request) -> Json:
    return await invoke_job(request, request.path_params["job"])


direct = Route(f"/v1{_RUNS}", _invoke_directly, methods=["POST"], include_in_schema=False)
"""The same endpoint, found first: FastAPI's way to it costs as much as all that it does."""
