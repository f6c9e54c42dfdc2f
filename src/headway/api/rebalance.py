"""Rebalancing: proposed, approved, shown, cancelled."""

from typing import Annotated

from fastapi import APIRouter, Query, Request

from headway.api.answers import Json, answers
from headway.api.requests import RebalanceBody
from headway.api.scope import Actor, Identity, TheWorld, done_once
from headway.control.pool import rebalancing
from headway.model.rebalance import Rebalance, Rebalancing

router = APIRouter(tags=["pools"])
Churn = Annotated[float, Query(ge=0, le=1, description="Share of all services that may move.")]


@router.get("/rebalance", responses=answers(Rebalance))
async def propose(world: TheWorld, churn: Churn = rebalancing.CHURN) -> Json:
    """Say which nodes could be emptied by moving services, what it saves, and whom it disturbs."""
    return Json(await rebalancing.proposed(world, churn))


@router.get("/rebalances", responses=answers(list[Rebalancing]))
async def list_rebalances(world: TheWorld) -> Json:
    """List what was approved, the newest first."""
    return Json(await rebalancing.listing(world))


@router.post("/rebalances", responses=answers(Rebalancing))
async def approve(request: Request, world: TheWorld, actor: Actor, body: RebalanceBody) -> Json:
    """Have nodes emptied as it was proposed, one after another; each is looked at again first."""
    return await done_once(
        request, lambda: rebalancing.approve(world, actor, body.nodes, body.churn)
    )


@router.get("/rebalances/{rebalancing}", responses=answers(Rebalancing))
async def get_rebalancing(world: TheWorld, rebalancing: Identity) -> Json:
    """Give what was approved, and what became of each node."""
    return Json(await _one(world, rebalancing))


@router.post("/rebalances/{rebalancing}/cancel", responses=answers(Rebalancing))
async def cancel(request: Request, world: TheWorld, actor: Actor, rebalancing: Identity) -> Json:
    """Have nothing more moved, and the node that is being emptied taken back."""
    return await done_once(request, lambda: _cancel(world, actor, rebalancing))


_one, _cancel = rebalancing.one, rebalancing.cancel
