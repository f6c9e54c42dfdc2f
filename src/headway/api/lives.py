"""Environments that have ended, and what is kept of them."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from headway.api.answers import Json, answers
from headway.api.scope import TheWorld
from headway.control.environments import past
from headway.model.past import Life, PastView

router = APIRouter(tags=["lives"], prefix="/lives")


@router.get("", responses=answers(list[Life]))
async def list_ended(world: TheWorld, limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> Json:
    """List environments that have ended, those that began last first."""
    return Json(await past.listing(world, limit))


@router.get("/{life}", responses=answers(PastView))
async def get_life(
    world: TheWorld,
    life: Annotated[str, Path(min_length=1, max_length=60, description="An id, or a name.")],
) -> Json:
    """Give one life of an environment, by its id, or the last one of a name."""
    return Json(await past.life(world, life))
