"""Environments: begun, shown, extended, stopped, copied, compared, ended."""

from typing import Annotated

from fastapi import APIRouter, Query, Request

from headway.api.answers import Json, answers
from headway.api.requests import CopyBody, LeaseBody, StartBody, StopBody
from headway.api.scope import Actor, App, Environment, TheWorld, done_once
from headway.control import containers
from headway.control.environments import copying, destroying, environments, starting, stopping
from headway.control.permission import check
from headway.control.requests import StartRequest
from headway.model.container import Container
from headway.model.ids import AppName, Digest, LeaseId
from headway.model.role import Deed
from headway.model.view.change import Started
from headway.model.view.difference import Difference
from headway.model.view.environment import EnvironmentView, MemberView
from headway.model.view.page import Page

router = APIRouter(tags=["environments"], prefix="/environments")


@router.get("", responses=answers(Page))
async def list_environments(
    world: TheWorld,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    after: str | None = None,
) -> Json:
    """List the environments that have not ended, by name."""
    return Json(await environments.listing(world, limit, after))


@router.get("/{environment}", responses=answers(EnvironmentView))
async def get_environment(world: TheWorld, environment: Environment) -> Json:
    """Give an environment with its apps and containers."""
    return Json(await environments.one(world, environment))


@router.post("/{environment}/start", responses=answers(Started))
async def start(
    request: Request, world: TheWorld, actor: Actor, environment: Environment, body: StartBody
) -> Json:
    """Bring apps up with everything they need; `plan` only says what would be done.

    `of` names, of an app, the source that is to be used rather than the newest: a branch, or the
    beginning of a commit.
    """
    wish = StartRequest(
        apps=tuple(AppName(app) for app in body.apps),
        sources=tuple(Digest(source) for source in body.sources),
        of={AppName(app): source for app, source in body.of.items()},
        lease_s=body.lease_s,
        under=LeaseId(body.under) if body.under else None,
        reason=body.reason,
        plan=body.plan,
    )

    def allow(deed: Deed) -> None:
        check(actor, request.state.grant, deed)

    return await done_once(request, lambda: starting.start(world, actor, environment, wish, allow))


@router.post("/{environment}/stop", responses=answers(Started))
async def stop(
    request: Request, world: TheWorld, actor: Actor, environment: Environment, body: StopBody
) -> Json:
    """Stop apps and keep their place; none named: all of them."""
    apps = tuple(AppName(app) for app in body.apps)
    return await done_once(
        request,
        lambda: stopping.stop(world, actor, environment, apps, body.reason, body.plan),
    )


@router.delete("/{environment}", responses=answers(Started))
async def destroy(
    request: Request,
    world: TheWorld,
    actor: Actor,
    environment: Environment,
    reason: Annotated[str, Query(max_length=2000)] = "",
    plan: bool = False,
) -> Json:
    """End an environment: containers, volumes, config and routes. Its history stays."""
    return await done_once(
        request, lambda: destroying.destroy(world, actor, environment, reason, plan)
    )


@router.post("/{environment}/lease", responses=answers(EnvironmentView))
async def extend(
    request: Request, world: TheWorld, actor: Actor, environment: Environment, body: LeaseBody
) -> Json:
    """Renew a lease, from now."""
    return await done_once(
        request,
        lambda: environments.extend(world, actor, environment, body.length_s, shorten=body.shorten),
    )


@router.post("/{environment}/copy", responses=answers(Started))
async def copy(
    request: Request, world: TheWorld, actor: Actor, environment: Environment, body: CopyBody
) -> Json:
    """Start the same apps, with the same config and scale, in a new environment.

    `of` names, of an app, another source than that which serves: a branch, or the beginning of a
    commit.
    """
    of = {AppName(app): source for app, source in body.of.items()}
    return await done_once(
        request,
        lambda: copying.copy(world, actor, environment, body.to, body.lease_s, body.plan, of),
    )


@router.get("/{environment}/diff", responses=answers(list[Difference]))
async def diff(world: TheWorld, environment: Environment, other: str) -> Json:
    """Compare two environments."""
    return Json(await environments.diff(world, environment, other))


@router.get("/{environment}/apps/{app}", responses=answers(MemberView))
async def get_member(world: TheWorld, environment: Environment, app: App) -> Json:
    """Give an app in an environment."""
    return Json(await environments.member(world, environment, app))


@router.get("/{environment}/containers", responses=answers(list[Container]))
async def list_containers(world: TheWorld, environment: Environment) -> Json:
    """List the containers of an environment."""
    return Json(await containers.listing(world, environment))
