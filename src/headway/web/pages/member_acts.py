"""What can be done with an app in an environment: deployed, taken back, scaled."""

from datetime import datetime
from functools import partial

from headway.calculate.offered import to_begin_with
from headway.control import deploying, known_sources, permission
from headway.control.environments import environments
from headway.control.errors import Invalid
from headway.control.requests import DeployRequest
from headway.model.deployment import DeploymentKind
from headway.model.ids import AppName, Digest, EnvironmentName
from headway.model.manifest import Strategy
from headway.model.role import Deed
from headway.model.view.app import Offered, SourceView
from headway.model.view.change import Started
from headway.web import links
from headway.web.commands import command, why
from headway.web.page import Act, Ask, Field, Plan, reason
from headway.web.times import distance
from headway.web.typed import number

_NEWEST, _AGAIN = "newest", "again"
_AS_WRITTEN = "as the manifest says"
_SHARES = ("", "1", "5", "10", "25", "50")
_TURN = "wait for its turn"
_REPLACE = "have it give way"
_BECAUSE_MAX = 60


async def _on(ask: Ask) -> Deed:
    return await permission.on_apps(ask.world, ask.names["app"])


async def _on_deploy(ask: Ask) -> Deed:
    what = await _wanted(ask)
    source = None if what in (_NEWEST, _AGAIN) else what
    return await permission.on_deploy(ask.world, ask.names["app"], source)


def _member(ask: Ask) -> tuple[str, AppName]:
    return ask.names["environment"], AppName(ask.names["app"])


async def _asked(ask: Ask, request: DeployRequest) -> Started:
    return await deploying.deploy(ask.world, ask.actor, *_member(ask), request)


def _where(ask: Ask, started: Started) -> str:
    """Go on at the deployment, where there is one."""
    if not started.deployments:
        return links.member(*_member(ask))
    return links.deployment(started.deployments[0].id)


# --- deploy --------------------------------------------------------------------------------------


async def _wanted(ask: Ask) -> str:
    """Give what was chosen; until something was, the newest source that has not failed."""
    if "what" in ask.query:
        return ask.query["what"]
    return _first(await known_sources.offered(ask.world, *_member(ask)))


def _first(rows: list[Offered]) -> str:
    chosen = to_begin_with(rows)
    return _NEWEST if chosen is rows[0] else chosen.source.digest


async def _deploy_request(ask: Ask, *, plan: bool) -> DeployRequest:
    what = await _wanted(ask)
    strategy, percent = ask.query.get("strategy", _AS_WRITTEN), ask.query.get("canary", "")
    known = {one.value: one for one in Strategy}
    if strategy != _AS_WRITTEN and strategy not in known:
        raise Invalid("strategy-invalid", f"{strategy!r} is no strategy: {', '.join(known)}")
    return DeployRequest(
        kind=DeploymentKind.REDEPLOY if what == _AGAIN else DeploymentKind.DEPLOY,
        source=None if what in (_NEWEST, _AGAIN) else Digest(what),
        strategy=known.get(strategy),
        canary_percent=number(percent, "percent") if percent else None,
        replace=ask.query.get("turn") == _REPLACE,
        reason=ask.query.get("reason", ""),
        plan=plan,
    )


async def _see_deploy(ask: Ask) -> Plan:
    owner, app = _member(ask)
    newest, *older = rows = await known_sources.offered(ask.world, owner, app)
    what = ask.query.get("what", _first(rows))
    labels: dict[str, str] = {
        _NEWEST: f"the newest source: {became(newest, ask.now)}",
        _AGAIN: "the live release again, with the config as it is now",
        **{row.source.digest: f"an older source: {became(row, ask.now)}" for row in older},
    }
    return Plan(
        what=f"Deploy {app} in {owner}",
        verb="Deploy",
        sentence="A release that does not prove itself is not kept: what serves now goes on.",
        fields=(
            Field(
                name="what",
                label="What",
                value=what,
                choices=tuple(labels),
                labels=labels,
                hint=_warning(newest) if what == _NEWEST else "",
            ),
            _choice(ask, "strategy", "Strategy", (_AS_WRITTEN, *(one.value for one in Strategy))),
            _choice(
                ask,
                "canary",
                "Canary: percent of requests until it is promoted",
                _SHARES,
                {"": "no canary of its own"},
            ),
            _choice(ask, "turn", "When another deployment is under way", (_TURN, _REPLACE)),
            reason(ask),
        ),
        back=links.member(owner, app),
        command=_deploying(ask, what, [row.source for row in rows]),
    )


def _warning(row: Offered) -> str:
    because = row.fate.not_kept
    return f"This source was not kept when it was deployed last: {because}" if because else ""


def _deploying(ask: Ask, what: str, sources: list[SourceView]) -> str:
    """Write the command; empty where a source is asked for that no directory has any more."""
    owner, app = _member(ask)
    strategy = ask.query.get("strategy", _AS_WRITTEN)
    asked: dict[str, str | bool] = {"-e": owner, "-a": app}
    turn: dict[str, str | bool] = {
        "--replace": ask.query.get("turn") == _REPLACE,
        **why(ask.query),
    }
    how: dict[str, str | bool] = {
        "--strategy": "" if strategy == _AS_WRITTEN else strategy,
        "--canary": ask.query.get("canary", ""),
    }
    if what == _AGAIN:
        return "" if any(how.values()) else command("redeploy", options={**asked, **turn})
    if what == _NEWEST:
        return command("deploy", options={**asked, **how, **turn})
    commit = next((one.commit for one in sources if one.digest == what and not one.dirty), None)
    if commit is None:
        return ""
    return command("deploy", options={**asked, "--commit": commit.id, **how, **turn})


def became(row: Offered, now: datetime) -> str:
    """Name a source by its age and what became of it, then as people know it."""
    fate, words = row.fate, [distance(row.received_at, now)]
    if fate.release:
        words.append(f"v{fate.release}")
    if fate.live:
        words.append("live")
    if fate.not_kept:
        words.append(f"was not kept: {_short(fate.not_kept)}")
    return f"{', '.join(words)} · {told(row.source)}"


def _short(text: str) -> str:
    return text if len(text) <= _BECAUSE_MAX else f"{text[:_BECAUSE_MAX].rstrip()}…"


def told(view: SourceView) -> str:
    """Name a source as people know it."""
    commit = view.commit
    if commit is None:
        return view.branch or view.digest[:19]
    changed = " with changes" if view.dirty else ""
    where = f" of {view.branch}" if view.branch else ""
    return f"{commit.id[:7]}{where}{changed}, {commit.subject}"


def _choice(
    ask: Ask, name: str, label: str, choices: tuple[str, ...], labels: dict[str, str] | None = None
) -> Field:
    value = ask.query.get(name, choices[0])
    return Field(name=name, label=label, value=value, choices=choices, labels=labels or {})


async def _rehearse_deploy(ask: Ask) -> Started:
    return await _asked(ask, await _deploy_request(ask, plan=True))


async def _deploy(ask: Ask) -> str:
    return _where(ask, await _asked(ask, await _deploy_request(ask, plan=False)))


# --- rollback ------------------------------------------------------------------------------------


def _rollback_request(ask: Ask, *, plan: bool) -> DeployRequest:
    wanted, why = ask.query.get("release", ""), ask.query.get("reason", "")
    release = number(wanted, "a release") if wanted else None
    return DeployRequest(kind=DeploymentKind.ROLLBACK, release=release, reason=why, plan=plan)


async def _see_rollback(ask: Ask) -> Plan:
    owner, app = _member(ask)
    wanted = ask.query.get("release", "")
    await environments.member(ask.world, owner, app)
    return Plan(
        what=f"Roll {app} back" + (f" to v{wanted}" if wanted else "") + f" in {owner}",
        verb="Roll back",
        fields=(
            Field(name="release", label="Release", value=wanted, is_hidden=True),
            reason(ask),
        ),
        back=links.member(owner, app),
        command=command(
            "rollback",
            *((f"v{wanted}",) if wanted else ()),
            options={"-e": owner, "-a": app, **why(ask.query)},
        ),
    )


async def _rehearse_rollback(ask: Ask) -> Started:
    return await _asked(ask, _rollback_request(ask, plan=True))


async def _rollback(ask: Ask) -> str:
    return _where(ask, await _asked(ask, _rollback_request(ask, plan=False)))


# --- scale ---------------------------------------------------------------------------------------


async def _see_scale(ask: Ask) -> Plan:
    owner, app = _member(ask)
    now = await environments.wanted_scale(ask.world, owner, app)
    fields = [
        Field(
            name=f"scale.{name}",
            label=name,
            value=ask.query.get(f"scale.{name}", str(count)),
            hint=f"now {count}",
        )
        for name, count in now.items()
    ]
    words = [f"{name}={field.value}" for name, field in zip(now, fields, strict=True)]
    return Plan(
        what=f"Scale {app} in {owner}",
        verb="Scale",
        sentence="How many copies of each process type there are.",
        fields=(*fields, reason(ask)),
        back=links.member(owner, app),
        command=command("scale", *words, options={"-e": owner, "-a": app, **why(ask.query)}),
    )


async def _scaled(ask: Ask, *, plan: bool) -> Started:
    owner, app = _member(ask)
    now = await environments.wanted_scale(ask.world, owner, app)
    said = {
        name: number(ask.query[f"scale.{name}"], f"copies of {name}")
        for name in now
        if f"scale.{name}" in ask.query
    }
    wanted = {**now, **said}
    if wanted == now:
        return Started(environment=EnvironmentName(owner), unchanged=(app,))
    why = ask.query.get("reason", "")
    request = DeployRequest(kind=DeploymentKind.SCALE, scale=wanted, reason=why, plan=plan)
    return await _asked(ask, request)


async def _scale(ask: Ask) -> str:
    return _where(ask, await _scaled(ask, plan=False))


_HERE = "/envs/{environment}/apps/{app}"
OFFERS = (
    Act(f"{_HERE}/deploy", _on_deploy, _see_deploy, _deploy, _rehearse_deploy),
    Act(f"{_HERE}/rollback", _on, _see_rollback, _rollback, _rehearse_rollback),
    Act(f"{_HERE}/scale", _on, _see_scale, _scale, partial(_scaled, plan=True)),
)
