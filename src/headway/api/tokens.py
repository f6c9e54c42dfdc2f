"""Tokens: made, listed, revoked."""

from fastapi import APIRouter

from headway.api.answers import Json, answers
from headway.api.requests import TokenBody
from headway.api.scope import Actor, Identity, TheWorld
from headway.control import tokens
from headway.control.requests import TokenRequest
from headway.model.view.token import TokenMade, TokenView

router = APIRouter(tags=["tokens"], prefix="/tokens")


@router.get("", responses=answers(list[TokenView]))
async def list_tokens(world: TheWorld) -> Json:
    """List tokens, oldest first. Secrets are not shown."""
    return Json(await tokens.listing(world))


@router.post("", responses=answers(TokenMade))
async def create_token(world: TheWorld, actor: Actor, body: TokenBody) -> Json:
    """Make a token. Its secret is in this answer only, which is not kept for an Idempotency-Key."""
    wish = TokenRequest(
        name=body.name, role=body.role, teams=tuple(body.teams), length_s=body.length_s
    )
    return Json(await tokens.create(world, actor, wish))


@router.delete("/{token}", responses=answers(TokenView))
async def revoke_token(world: TheWorld, actor: Actor, token: Identity) -> Json:
    """End a token, by its id or its name. It counts at once."""
    return Json(await tokens.revoke(world, actor, token))
