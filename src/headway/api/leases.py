"""Leases: asked for, renewed, released, shown."""

from typing import Annotated

from fastapi import APIRouter, Query, Request

from headway.api.answers import Json, answers
from headway.api.requests import ClaimBody, ReleaseBody, RenewBody
from headway.api.scope import Actor, Identity, TheWorld, done_once
from headway.control.errors import NotAllowed
from headway.control.leases import claiming, leases
from headway.control.requests import LeaseRequest
from headway.control.world import World
from headway.model.ids import LeaseId
from headway.model.lease import ClaimKind
from headway.model.view.lease import LeaseView

router = APIRouter(tags=["leases"], prefix="/leases")


@router.get("", responses=answers(list[LeaseView]))
async def list_leases(
    world: TheWorld,
    name: Annotated[str | None, Query(max_length=100)] = None,
    everything: bool = False,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> Json:
    """List leases, also environments', in the order of the line; `name` is what they are on."""
    return Json(await leases.listing(world, name, everything=everything, limit=limit))


@router.post("", responses=answers(LeaseView))
async def acquire(request: Request, world: TheWorld, actor: Actor, body: ClaimBody) -> Json:
    """Claim a lock, a node or capacity; with `wait`, in line where others hold it.

    Who waits is to renew the lease every few seconds until it is held, or leaves the line.
    """
    if request.state.environment is not None and body.kind is not ClaimKind.LOCK:
        raise NotAllowed("not-allowed", "the token of an environment claims locks only")
    wish = LeaseRequest(
        id=LeaseId(body.id) if body.id is not None else None,
        kind=body.kind,
        name=body.name,
        length_s=body.length_s,
        places=body.places,
        cpu=body.cpu,
        memory_mib=body.memory_mib,
        from_at=body.from_at,
        wait=body.wait,
        reason=body.reason,
    )
    return await done_once(request, lambda: claiming.acquire(world, actor, wish))


@router.get("/{lease}", responses=answers(LeaseView))
async def get_lease(request: Request, world: TheWorld, actor: Actor, lease: Identity) -> Json:
    """Give a lease: who holds it, how many wait, and what ends with it."""
    await _own(request, world, actor, lease)
    return Json(await leases.one(world, lease))


@router.post("/{lease}/renew", responses=answers(LeaseView))
async def renew(
    request: Request, world: TheWorld, actor: Actor, lease: Identity, body: RenewBody
) -> Json:
    """Keep a lease, or a place in the line, from now on. Harmless to repeat.

    With `wait_s` it answers when a lease that waits is granted, at the latest after so long.
    """
    await _own(request, world, actor, lease)
    view = await claiming.renew(world, actor, lease, body.length_s, wait_s=body.wait_s)
    return Json(view)


@router.post("/{lease}/release", responses=answers(LeaseView))
async def release(
    request: Request, world: TheWorld, actor: Actor, lease: Identity, body: ReleaseBody
) -> Json:
    """Give a lease up, or leave the line. What it holds ends. Harmless to repeat."""
    await _own(request, world, actor, lease)
    return Json(await claiming.release(world, actor, lease, body.reason))


async def _own(request: Request, world: World, actor: str, lease: str) -> None:
    """Let containers see and touch their own environment's leases only.

    Raises:
        NotAllowed: It is another's.
    """
    if request.state.environment is None:
        return
    if (await leases.one(world, lease)).lease.holder != actor:
        raise NotAllowed("not-allowed", f"{lease} is not held by {actor}")
