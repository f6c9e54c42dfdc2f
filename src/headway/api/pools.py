"""Pools."""

from fastapi import APIRouter, Request

from headway.api.answers import Json, answers
from headway.api.requests import PoolBody, PoolScaleBody
from headway.api.scope import Actor, Identity, TheWorld, done_once
from headway.control.pool import pools
from headway.control.pool.pooling import Pools
from headway.model.view.pool import PoolView

router = APIRouter(tags=["pools"])


def _loop(request: Request) -> Pools:
    found: Pools = request.app.state.heart.pools
    return found


@router.get("/pools", responses=answers(list[PoolView]))
async def list_pools(request: Request, world: TheWorld) -> Json:
    """List pools: what they have, what waits for them, and what becomes of them next."""
    return Json(await pools.listing(world, _loop(request)))


@router.get("/pools/{pool}", responses=answers(PoolView))
async def show_pool(request: Request, world: TheWorld, pool: Identity) -> Json:
    """Give a pool."""
    return Json(await pools.one(world, _loop(request), pool))


@router.post("/pools", responses=answers(PoolView))
async def apply_pool(request: Request, world: TheWorld, actor: Actor, body: PoolBody) -> Json:
    """Declare a pool by its YAML document, new or anew."""
    return await done_once(
        request,
        lambda: pools.apply(
            world,
            _loop(request),
            actor,
            body.document,
            plan=body.plan,
            because=body.reason,
        ),
    )


@router.post("/pools/{pool}/scale", responses=answers(PoolView))
async def scale_pool(
    request: Request, world: TheWorld, actor: Actor, pool: Identity, body: PoolScaleBody
) -> Json:
    """Change the bounds of a pool."""
    return await done_once(
        request,
        lambda: pools.scale(
            world,
            _loop(request),
            actor,
            pool,
            nodes_min=body.nodes_min,
            nodes_max=body.nodes_max,
            because=body.reason,
        ),
    )


@router.delete("/pools/{pool}", responses=answers(None))
async def remove_pool(request: Request, world: TheWorld, actor: Actor, pool: Identity) -> Json:
    """Take a pool's declaration away. It must have no nodes."""
    return await done_once(request, lambda: pools.remove(world, _loop(request), actor, pool))
