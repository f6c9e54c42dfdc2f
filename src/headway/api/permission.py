"""Whether who asks may do it: asked here, in front of every endpoint.

What changes something is not a GET, and has a line in the table below. What has none is an
operator's only, so that nothing can be forgotten.
"""

import json
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, TypeVar

import msgspec
from fastapi import Request
from pydantic import BaseModel, ValidationError
from starlette.routing import compile_path
from starlette.types import ASGIApp, Receive, Scope, Send

from headway.api.errors import decoded, deny, invalid
from headway.api.forgery import SAFE, replayed
from headway.api.limits import is_for_runs
from headway.api.requests import ClaimBody, DeadBody, DeployBody, StopBody
from headway.control import permission
from headway.control.errors import HeadwayError, Invalid
from headway.control.permission import INSTALLATION, OWN
from headway.control.permits import Permit, permitted
from headway.control.refusals import refused
from headway.control.requests import DeadQuestion
from headway.control.runs.dispatch import Dispatch
from headway.control.world import World
from headway.model.role import Deed, Grant, Role

_API = "/v1/"
B = TypeVar("B", bound=BaseModel)


class _Pinned(msgspec.Struct):
    """Of a run that is asked for: which release is to run it."""

    release: int | None = None


class _Where(_Pinned):
    """Of a request for runs: whose job it is."""

    environment: str = ""
    app: str | None = None
    runs: list[_Pinned] | None = None


class _Asked(NamedTuple):
    """One request."""

    world: World
    dispatch: Dispatch
    actor: str
    names: dict[str, Any]
    body: bytes

    def read(self, kind: type[B]) -> B:
        try:
            return kind.model_validate(json.loads(self.body))
        except ValidationError as error:
            raise invalid(error.errors()) from error
        except (ValueError, RecursionError) as error:
            raise Invalid("request-invalid", f"the request is no JSON: {error}") from error


Resolve = Callable[[_Asked], Awaitable[Deed]]


async def _app(asked: _Asked) -> Deed:
    return await permission.on_apps(asked.world, asked.names["app"])


async def _environment(asked: _Asked) -> Deed:
    return await permission.on_environment(asked.world, asked.names["environment"], asked.actor)


async def _copied(asked: _Asked) -> Deed:
    # Its apps come to where they are copied to, which may be anybody's.
    return await permission.on_environment(asked.world, asked.names["environment"])


async def _stop(asked: _Asked) -> Deed:
    apps = asked.read(StopBody).apps
    return await (permission.on_apps(asked.world, *apps) if apps else _environment(asked))


async def _deploy(asked: _Asked) -> Deed:
    source = asked.read(DeployBody).source
    return await permission.on_deploy(asked.world, asked.names["app"], source)


async def _deployment(asked: _Asked) -> Deed:
    return await permission.on_deployment(asked.world, asked.names["deployment"])


async def _container(asked: _Asked) -> Deed:
    return await permission.on_container(asked.world, asked.names["container"])


async def _run(asked: _Asked) -> Deed:
    return await permission.on_run(asked.world, asked.names["run"])


async def _dead(asked: _Asked) -> Deed:
    wish = msgspec.convert(asked.read(DeadBody).model_dump(), DeadQuestion)
    return await permission.on_dead(asked.world, wish)


async def _invoke(asked: _Asked) -> Deed:
    where = decoded(asked.body, _Where)
    return await permission.on_job(
        asked.world,
        asked.dispatch,
        where.environment,
        asked.names["job"],
        where.app,
        [row.release for row in ([where] if where.runs is None else where.runs)],
    )


async def _schedule(asked: _Asked) -> Deed:
    return await permission.on_schedule(
        asked.world, asked.names["environment"], asked.names["schedule"]
    )


async def _claim(asked: _Asked) -> Deed:
    return permission.on_claim(asked.read(ClaimBody).kind)


async def _lease(asked: _Asked) -> Deed:
    return await permission.on_lease(asked.world, asked.actor, asked.names["lease"])


async def _own(_asked: _Asked) -> Deed:
    return OWN


async def _operator(_asked: _Asked) -> Deed:
    return INSTALLATION


_OF_APP = "/v1/environments/{environment}/apps/{app}"
_OF_ENVIRONMENT = "/v1/environments/{environment}"
_IN_COMMAND: Resolve | None = None
"""Only the command itself finds out which apps they are, and asks in its transaction."""
DEEDS: dict[tuple[str, str], Resolve | None] = {
    ("POST", "/v1/sources"): _IN_COMMAND,
    ("DELETE", "/v1/apps/{app}"): _app,
    ("PATCH", f"{_OF_APP}/config"): _app,
    ("POST", f"{_OF_APP}/one-offs"): _app,
    ("POST", f"{_OF_APP}/deployments"): _deploy,
    ("PUT", f"{_OF_APP}/queues/{{queue}}/hold"): _app,
    ("POST", f"{_OF_ENVIRONMENT}/start"): _IN_COMMAND,
    ("POST", f"{_OF_ENVIRONMENT}/stop"): _stop,
    ("DELETE", _OF_ENVIRONMENT): _environment,
    ("POST", f"{_OF_ENVIRONMENT}/lease"): _environment,
    ("POST", f"{_OF_ENVIRONMENT}/copy"): _copied,
    ("POST", f"{_OF_ENVIRONMENT}/schedules/{{schedule:path}}/run"): _schedule,
    ("POST", f"{_OF_ENVIRONMENT}/schedules/{{schedule:path}}/pause"): _schedule,
    ("POST", f"{_OF_ENVIRONMENT}/schedules/{{schedule:path}}/resume"): _schedule,
    ("POST", "/v1/deployments/{deployment}/promote"): _deployment,
    ("POST", "/v1/deployments/{deployment}/abort"): _deployment,
    ("POST", "/v1/containers/{container}/stop"): _container,
    ("WEBSOCKET", "/v1/containers/{container}/exec"): _container,
    ("POST", "/v1/jobs/{job:path}/runs"): _invoke,
    ("POST", "/v1/runs/dead/replay"): _dead,
    ("POST", "/v1/runs/dead/empty"): _dead,
    ("POST", "/v1/runs/{run}/cancel"): _run,
    ("POST", "/v1/runs/{run}/again"): _run,
    ("DELETE", "/v1/runs/{run}/dead"): _run,
    ("POST", "/v1/leases"): _claim,
    ("POST", "/v1/leases/{lease}/renew"): _lease,
    ("POST", "/v1/leases/{lease}/release"): _lease,
    ("POST", "/v1/nodes/{node}/cordon"): _operator,
    ("POST", "/v1/nodes/{node}/uncordon"): _operator,
    ("POST", "/v1/nodes/{node}/drain"): _operator,
    ("POST", "/v1/rebalances"): _operator,
    ("POST", "/v1/rebalances/{rebalancing}/cancel"): _operator,
    ("POST", "/v1/pools"): _operator,
    ("POST", "/v1/pools/{pool}/scale"): _operator,
    ("DELETE", "/v1/pools/{pool}"): _operator,
    ("POST", "/v1/links"): _own,
    ("DELETE", "/v1/sessions/{session}"): _own,
    ("POST", "/v1/tokens"): _operator,
    ("DELETE", "/v1/tokens/{token}"): _operator,
}
"""What each endpoint that changes something is done to."""
_COMPILED = [(method, compile_path(path), resolve) for (method, path), resolve in DEEDS.items()]


class Permission:
    """Refuses what who asks may not do."""

    def __init__(self, app: ASGIApp, *, world: World, dispatch: Dispatch) -> None:
        self._app = app
        self._world = world
        self._dispatch = dispatch

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or answer with a problem."""
        state = scope.get("state", {})
        grant: Grant | None = state.get("grant")
        method = "WEBSOCKET" if scope["type"] == "websocket" else scope.get("method", "")
        # Without a grant it is a container's, whose few requests are listed where it was known.
        if grant is None or method in SAFE:
            await self._app(scope, receive, send)
            return
        deed = OWN
        if grant.role is not Role.OPERATOR:
            try:
                deed, receive = await self._checked(scope, receive, method, state["actor"], grant)
            except HeadwayError as error:
                await deny(scope, receive, send, refused(error, scope["path"]))
                return
        elif is_for_runs(scope["path"]):
            # An operator may do everything, so only the token could go: it was looked at when the
            # body came. To read it once more for each of thousands a second is not worth it.
            await self._app(scope, receive, send)
            return
        with permitted(Permit(state["actor"], grant, state["credential"], deed)):
            await self._app(scope, receive, send)

    async def _checked(
        self, scope: Scope, receive: Receive, method: str, actor: str, grant: Grant
    ) -> tuple[Deed, Receive]:
        """Give what is to be done, as far as it is known here, and what the endpoint is to receive.

        Raises:
            HeadwayError: It is not allowed, or what it is about is not there.
        """
        if not scope["path"].startswith(_API):
            return OWN, receive  # a page asks by itself what its acts are done to
        resolve, names = self._found(scope["path"], method)
        if grant.role is Role.VIEWER and resolve is not _own:
            permission.check(actor, grant, permission.on(()))
        if resolve is None:
            return OWN, receive
        body = b""
        if method != "WEBSOCKET":
            body = await Request(scope, receive).body()
            receive = replayed(body, receive)
        deed = await resolve(_Asked(self._world, self._dispatch, actor, names, body))
        permission.check(actor, grant, deed)
        return deed, receive

    def _found(self, path: str, method: str) -> tuple[Resolve | None, dict[str, Any]]:
        for wanted, (regex, _, convertors), resolve in _COMPILED:
            match = regex.match(path) if wanted == method else None
            if match is not None:
                named = match.groupdict()
                return resolve, {key: convertors[key].convert(named[key]) for key in named}
        return _operator, {}
