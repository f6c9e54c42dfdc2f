"""Jobs, and making runs of them."""

from fastapi import APIRouter, Request, Response
from starlette.routing import compile_path
from starlette.types import ASGIApp, Receive, Scope, Send

from headway.api.answers import Json, answers, described
from headway.api.errors import FORESEEN, decoded, explained
from headway.api.scope import TheWorld, actor_of, dispatch_of, permitted, world_of
from headway.control.requests import Invocation
from headway.control.runs import jobs
from headway.control.runs.invoking import invoke, named
from headway.model.view.job import JobView
from headway.model.view.run import Invoked

router = APIRouter(tags=["jobs"])
_RUNS = "/jobs/{job:path}/runs"
_INVOKED = compile_path(f"/v1{_RUNS}")[0]


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
    body = decoded(await request.body(), InvokeBody)
    world = world_of(request)
    now = world.clock.now()
    wishes = [named(world, wish, now) for wish in ([body] if body.runs is None else body.runs)]
    rows = await invoke(
        world,
        dispatch_of(request),
        actor_of(request),
        permitted(request, body.environment),
        job,
        wishes,
        app=body.app,
    )
    return Json(
        Invoked(
            ids=tuple(row.id for row in rows),
            states=tuple(row.state for row in rows),
            made=tuple(row.id == wish.id for row, wish in zip(rows, wishes, strict=True)),
        )
    )


class Invocations:
    """The innermost layer: the endpoint for runs, without FastAPI's way to it.

    That way costs a tenth of all that a run costs; what it does at the end is the same.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer what asks for runs, and pass on everything else."""
        found = _INVOKED.match(scope["path"]) if scope.get("method") == "POST" else None
        if found is None:
            await self._app(scope, receive, send)
            return
        answer: Response
        try:
            answer = await invoke_job(Request(scope, receive), found["job"])
        except FORESEEN as error:
            answer = explained(error, scope["path"])
        await answer(scope, receive, send)
