"""Rebalancing."""

from typing import Annotated

from fastapi import APIRouter, Query, Request

from headway.api.answers import Json, answers
from headway.api.scope import Actor, Identity, TheWorld, done_once
from headway.control import rebalancing
from headway.model.rebalance import Rebalance
from headway.model.view import NodeView

router = APIRouter(tags=["pools"])
Churn = Annotated[float, Query(ge=0, le=1, description="Share of all services that may move.")]


@router.get("/rebalance", responses=answers(Rebalance))
async def propose(world: TheWorld, churn: Churn = rebalancing.CHURN) -> Json:
    """Say which nodes could be emptied by moving services, what it saves, and whom it disturbs."""
    return Json(await rebalancing.proposed(world, churn))


@router.post("/rebalance/{node}", responses=answers(NodeView))
async def begin(
    request: Request,
    world: TheWorld,
    actor: Actor,
    node: Identity,
    churn: Churn = rebalancing.CHURN,
) -> Json:
    """Empty a node as it was proposed. Uncordoning it stops that."""
    return await done_once(request, lambda: rebalancing.begin(world, actor, node, churn))
