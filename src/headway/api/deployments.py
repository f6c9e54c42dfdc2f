"""Deployments and releases."""

from typing import Annotated

from fastapi import APIRouter, Query, Request

from headway.api.answers import Json, answers
from headway.api.requests import DeployBody
from headway.api.scope import Actor, App, Environment, Identity, TheWorld, done_once
from headway.control import deploying, deployments
from headway.control.requests import DeployRequest
from headway.model.app import Commit
from headway.model.deployment import Ask, Deployment
from headway.model.ids import Digest
from headway.model.view.change import Started
from headway.model.view.page import Page
from headway.model.view.release import ReleaseView

router = APIRouter(tags=["deployments"])


@router.post("/environments/{environment}/apps/{app}/deployments", responses=answers(Started))
async def deploy(
    request: Request,
    world: TheWorld,
    actor: Actor,
    environment: Environment,
    app: App,
    body: DeployBody,
) -> Json:
    """Move an app to another release, or to another scale; `plan` only says what would be done."""
    wish = DeployRequest(
        kind=body.kind,
        source=Digest(body.source) if body.source else None,
        release=body.release,
        scale=dict(body.scale),
        strategy=body.strategy,
        canary_percent=body.canary_percent,
        replace=body.replace,
        reason=body.reason,
        commits=tuple(
            Commit(id=row.id, subject=row.subject, author=row.author) for row in body.commits
        ),
        plan=body.plan,
    )
    return await done_once(request, lambda: deploying.deploy(world, actor, environment, app, wish))


@router.get("/environments/{environment}/apps/{app}/deployments", responses=answers(Page))
async def history(
    world: TheWorld,
    environment: Environment,
    app: App,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    before: str | None = None,
) -> Json:
    """List deployments, newest first."""
    return Json(await deployments.history(world, environment, app, limit, before))


@router.get("/environments/{environment}/apps/{app}/releases", responses=answers(list[ReleaseView]))
async def releases(world: TheWorld, environment: Environment, app: App) -> Json:
    """List releases, newest first."""
    return Json(await deployments.releases(world, environment, app))


@router.get("/deployments/{deployment}", responses=answers(Deployment))
async def get_deployment(world: TheWorld, deployment: Identity) -> Json:
    """Give a deployment and its story."""
    return Json(await deployments.one(world, deployment))


@router.post("/deployments/{deployment}/promote", responses=answers(Deployment))
async def promote(request: Request, world: TheWorld, actor: Actor, deployment: Identity) -> Json:
    """Let a canary take everything."""
    return await done_once(request, lambda: deployments.ask(world, actor, deployment, Ask.PROMOTE))


@router.post("/deployments/{deployment}/abort", responses=answers(Deployment))
async def abort(request: Request, world: TheWorld, actor: Actor, deployment: Identity) -> Json:
    """Go back to the release that served."""
    return await done_once(request, lambda: deployments.ask(world, actor, deployment, Ask.ABORT))
