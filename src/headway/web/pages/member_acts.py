"""What can be done with an app in an environment: deployed, taken back, scaled."""

from headway.control import deployments, environments, permission
from headway.control.errors import Invalid
from headway.control.requests import DeployRequest
from headway.model.deployment import DeploymentKind
from headway.model.ids import AppName
from headway.model.manifest import Strategy
from headway.model.role import Deed
from headway.model.view import Started
from headway.web import links
from headway.web.page import Act, Ask, Field, Plan

_AS_WRITTEN = "as the manifest says"
_KINDS = ("the newest source", "the live release again")
_SHARES = ("", "1", "5", "10", "25", "50")


async def _on(ask: Ask) -> Deed:
    return await permission.on_apps(ask.world, ask.names["app"])


def _member(ask: Ask) -> tuple[str, AppName]:
    return ask.names["environment"], AppName(ask.names["app"])


def _number(text: str, what: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 9:
        raise Invalid("number-invalid", f"{text!r} is no number of {what}")
    return int(text)


async def _carried_out(ask: Ask, request: DeployRequest) -> str:
    owner, app = _member(ask)
    started = await deployments.deploy(ask.world, ask.actor, owner, app, request)
    if not started.deployments:
        return links.member(owner, app)
    return links.deployment(started.deployments[0].id)


async def _planned(ask: Ask, request: DeployRequest) -> Started:
    return await deployments.deploy(ask.world, ask.actor, *_member(ask), request)


# --- deploy --------------------------------------------------------------------------------------


def _deploy_request(ask: Ask, *, plan: bool) -> DeployRequest:
    again = ask.query.get("what") == _KINDS[1]
    strategy, percent = ask.query.get("strategy", _AS_WRITTEN), ask.query.get("canary", "")
    known = {one.value: one for one in Strategy}
    if strategy != _AS_WRITTEN and strategy not in known:
        raise Invalid("strategy-invalid", f"{strategy!r} is no strategy: {', '.join(known)}")
    return DeployRequest(
        kind=DeploymentKind.REDEPLOY if again else DeploymentKind.DEPLOY,
        strategy=known.get(strategy),
        canary_percent=_number(percent, "percent") if percent else None,
        reason=ask.query.get("reason", ""),
        plan=plan,
    )


async def _see_deploy(ask: Ask) -> Plan:
    owner, app = _member(ask)
    return Plan(
        what=f"Deploy {app} in {owner}",
        verb="Deploy",
        sentence="A release that does not prove itself is not kept: what serves now goes on.",
        started=await _planned(ask, _deploy_request(ask, plan=True)),
        fields=(
            Field(name="what", label="What", value=ask.query.get("what", ""), choices=_KINDS),
            Field(
                name="strategy",
                label="Strategy",
                value=ask.query.get("strategy", _AS_WRITTEN),
                choices=(_AS_WRITTEN, *(one.value for one in Strategy)),
            ),
            Field(
                name="canary",
                label="Canary: percent of requests until it is promoted",
                value=ask.query.get("canary", ""),
                choices=_SHARES,
            ),
            Field(name="reason", label="Reason", value=ask.query.get("reason", "")),
        ),
        back=links.member(owner, app),
        command=f"headway deploy -e {owner} {app}",
    )


async def _deploy(ask: Ask) -> str:
    return await _carried_out(ask, _deploy_request(ask, plan=False))


# --- rollback ------------------------------------------------------------------------------------


def _rollback_request(ask: Ask, *, plan: bool) -> DeployRequest:
    number = ask.query.get("release", "")
    release = _number(number, "a release") if number else None
    return DeployRequest(kind=DeploymentKind.ROLLBACK, release=release, plan=plan)


async def _see_rollback(ask: Ask) -> Plan:
    owner, app = _member(ask)
    number = ask.query.get("release", "")
    return Plan(
        what=f"Roll {app} back" + (f" to v{number}" if number else "") + f" in {owner}",
        verb="Roll back",
        started=await _planned(ask, _rollback_request(ask, plan=True)),
        fields=(Field(name="release", label="Release", value=number, is_hidden=True),),
        back=links.member(owner, app),
        command=f"headway rollback -e {owner} -a {app}" + (f" v{number}" if number else ""),
    )


async def _rollback(ask: Ask) -> str:
    return await _carried_out(ask, _rollback_request(ask, plan=False))


# --- scale ---------------------------------------------------------------------------------------


def _counts(ask: Ask) -> dict[str, int]:
    return {
        name.removeprefix("scale."): _number(value, "copies")
        for name, value in ask.query.items()
        if name.startswith("scale.")
    }


async def _see_scale(ask: Ask) -> Plan:
    owner, app = _member(ask)
    now = await environments.scale(ask.world, owner, app)
    wanted = {**now, **_counts(ask)}
    request = DeployRequest(kind=DeploymentKind.SCALE, scale=wanted, plan=True)
    words = " ".join(f"{name}={count}" for name, count in wanted.items())
    return Plan(
        what=f"Scale {app} in {owner}",
        verb="Scale",
        sentence="How many copies of each process type there are.",
        started=await _planned(ask, request) if wanted != now else None,
        fields=tuple(
            Field(name=f"scale.{name}", label=name, value=str(count))
            for name, count in wanted.items()
        ),
        back=links.member(owner, app),
        command=f"headway scale -e {owner} -a {app} {words}",
    )


async def _scale(ask: Ask) -> str:
    return await _carried_out(ask, DeployRequest(kind=DeploymentKind.SCALE, scale=_counts(ask)))


_HERE = "/envs/{environment}/apps/{app}"
OFFERS = (
    Act(f"{_HERE}/deploy", _on, _see_deploy, _deploy),
    Act(f"{_HERE}/rollback", _on, _see_rollback, _rollback),
    Act(f"{_HERE}/scale", _on, _see_scale, _scale),
)
