"""Nodes."""

from typing import Annotated

from fastapi import APIRouter, Query, Request

from headway.api.answers import Json, answers
from headway.api.requests import DrainBody, ReasonBody
from headway.api.scope import Actor, Identity, TheWorld, done_once
from headway.control import nodes
from headway.control.rollout import drain_plans
from headway.model.view.change import PlannedChange
from headway.model.view.node import NodeView
from headway.model.view.page import Page

router = APIRouter(tags=["nodes"])


@router.get("/nodes", responses=answers(Page))
async def list_nodes(
    world: TheWorld,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    after: str | None = None,
) -> Json:
    """List nodes and what is reserved of them, by id."""
    return Json(await nodes.listing(world, limit, after))


@router.get("/nodes/{node}", responses=answers(NodeView))
async def show_node(world: TheWorld, node: Identity) -> Json:
    """Give a node."""
    return Json(await nodes.one(world, node))


@router.get("/nodes/{node}/plan", responses=answers(list[PlannedChange]))
async def plan_drain(
    world: TheWorld,
    node: Identity,
    within_s: Annotated[float | None, Query(ge=0, le=10**8, allow_inf_nan=False)] = None,
) -> Json:
    """Say what draining a node would do: what moves where, and what is stopped when."""
    return Json(await drain_plans.plan(world, node, within_s))


@router.post("/nodes/{node}/cordon", responses=answers(NodeView))
async def cordon_node(
    request: Request, world: TheWorld, actor: Actor, node: Identity, body: ReasonBody
) -> Json:
    """Have a node take nothing new. What runs there stays."""
    return await done_once(request, lambda: nodes.cordon(world, actor, node, body.reason))


@router.post("/nodes/{node}/uncordon", responses=answers(NodeView))
async def uncordon_node(request: Request, world: TheWorld, actor: Actor, node: Identity) -> Json:
    """Have a node take containers again, also one that drains."""
    return await done_once(request, lambda: nodes.uncordon(world, actor, node))


@router.post("/nodes/{node}/drain", responses=answers(NodeView))
async def drain_node(
    request: Request, world: TheWorld, actor: Actor, node: Identity, body: DrainBody
) -> Json:
    """Have a node take nothing new and what runs there leave."""
    return await done_once(
        request, lambda: nodes.drain(world, actor, node, body.within_s, body.reason)
    )
