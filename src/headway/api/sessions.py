"""Browsers that are signed in, and links that sign one in."""

from fastapi import APIRouter, Request

from headway.api.answers import Json, answers
from headway.api.scope import Actor, Identity, TheWorld
from headway.control import sessions
from headway.model.role import Role
from headway.model.view.session import LinkMade, SessionView

router = APIRouter(tags=["tokens"])


def _only(request: Request) -> str | None:
    """Give the token whose sessions are one's own; an operator's are all."""
    state = request.state
    return None if state.grant.role is Role.OPERATOR else str(state.credential.token)


@router.post("/links", responses=answers(LinkMade))
async def make_link(request: Request, world: TheWorld) -> Json:
    """Make an address that signs a browser in, once, as who asks for it."""
    return Json(await sessions.link(world, request.state.credential.token))


@router.get("/sessions", responses=answers(list[SessionView]))
async def list_sessions(request: Request, world: TheWorld) -> Json:
    """List one's own sessions, oldest first; an operator sees all."""
    return Json(await sessions.listing(world, _only(request)))


@router.delete("/sessions/{session}", responses=answers(SessionView))
async def end_session(request: Request, world: TheWorld, actor: Actor, session: Identity) -> Json:
    """End a session of one's own; an operator ends any. It counts at once."""
    return Json(await sessions.revoke(world, actor, session, _only(request)))
