"""Queues."""

from fastapi import APIRouter, Request

from headway.api.answers import Json, answers
from headway.api.requests import HoldBody
from headway.api.scope import Actor, App, Environment, Identity, TheWorld, dispatch_of, done_once
from headway.control.requests import HoldRequest
from headway.control.runs import queues
from headway.model.queue import QueueHold
from headway.model.view.queue import QueueView

router = APIRouter(tags=["jobs"])


@router.get("/queues", responses=answers(list[QueueView]))
async def list_queues(request: Request, world: TheWorld, environment: str | None = None) -> Json:
    """List queues: how many wait and run, and what people said of them."""
    return Json(await queues.listing(world, dispatch_of(request), environment))


@router.put(
    "/environments/{environment}/apps/{app}/queues/{queue}/hold", responses=answers(QueueHold)
)
async def hold_queue(
    request: Request,
    world: TheWorld,
    actor: Actor,
    environment: Environment,
    app: App,
    queue: Identity,
    body: HoldBody,
) -> Json:
    """Pause a queue, drain it, or with neither let it go on."""
    dispatch = dispatch_of(request)
    wish = HoldRequest(
        environment=environment,
        app=app,
        queue=queue,
        paused=body.paused,
        draining=body.draining,
        reason=body.reason,
    )
    return await done_once(request, lambda: queues.hold(world, dispatch, actor, wish))
