"""Config of an app in an environment."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request

from headway.api.answers import Json, answers
from headway.api.requests import ConfigBody
from headway.api.scope import Actor, App, Environment, TheWorld, done_once
from headway.control.config import config, config_history
from headway.control.requests import ConfigRequest, NewValue
from headway.model.config import ConfigChange
from headway.model.view.config import ConfigVersion, ConfigView
from headway.model.view.difference import ConfigDifference

router = APIRouter(tags=["config"], prefix="/environments/{environment}/apps/{app}/config")


@router.get("", responses=answers(ConfigView))
async def show(world: TheWorld, environment: Environment, app: App, reveal: bool = False) -> Json:
    """Show the config; `reveal` shows values, and never secrets."""
    return Json(await config.show(world, environment, app, reveal))


@router.patch("", responses=answers(ConfigView))
async def change(
    request: Request,
    world: TheWorld,
    actor: Actor,
    environment: Environment,
    app: App,
    body: ConfigBody,
) -> Json:
    """Set and unset keys, all or none; an app that runs gets a new release."""
    wish = ConfigRequest(
        set={key: NewValue(value=row.value, secret=row.secret) for key, row in body.set.items()},
        unset=tuple(body.unset),
        deploy=body.deploy,
        reason=body.reason,
        plan=body.plan,
    )
    return await done_once(request, lambda: config.change(world, actor, environment, app, wish))


@router.get("/diff", responses=answers(list[ConfigDifference]))
async def diff(
    world: TheWorld,
    environment: Environment,
    app: App,
    from_: Annotated[int, Query(alias="from", ge=1, le=10**9)],
    to: Annotated[int, Query(ge=1, le=10**9)],
) -> Json:
    """Compare the config of two releases."""
    return Json(await config_history.diff(world, environment, app, from_, to))


@router.get("/history", responses=answers(list[ConfigChange]))
async def history(world: TheWorld, environment: Environment, app: App) -> Json:
    """List who changed which keys, newest first."""
    return Json(await config_history.history(world, environment, app))


@router.get("/history/{number}", responses=answers(ConfigVersion))
async def version(
    world: TheWorld,
    environment: Environment,
    app: App,
    number: Annotated[int, Path(ge=1, le=10**9)],
) -> Json:
    """Give the config as one change left it, as far as that is kept; secrets never show."""
    return Json(await config_history.version(world, environment, app, number))
