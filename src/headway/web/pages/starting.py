"""Environments on demand: apps started with all that they need, and copies of what is there."""

from functools import partial

from headway.control import known_sources, permission, standings
from headway.control.environments import copying, environments, starting
from headway.control.errors import NotFound
from headway.control.queries import apps
from headway.control.requests import StartRequest
from headway.formats.app_at import parse_wanted
from headway.model.ids import AppName, LeaseId
from headway.model.role import Deed
from headway.model.view.app import SourceView
from headway.model.view.change import Started
from headway.web import links
from headway.web.commands import command, why
from headway.web.page import Act, Ask, Field, Plan, reason
from headway.web.typed import LENGTHS, length, words

_USUAL = "8 h; production without end"
_KNOWN_MAX = 500
"""Names that a browser completes."""


# --- start ---------------------------------------------------------------------------------------


async def _on_start(ask: Ask) -> Deed:
    request = _start_request(ask, plan=True)
    if not request.apps:  # nothing is asked for yet
        return permission.on(())
    asked: list[Deed] = []
    await starting.start(ask.world, ask.actor, _name(ask), request, asked.append)
    return asked[-1]


def _name(ask: Ask) -> str:
    return ask.query.get("environment", "").strip()


def _start_request(ask: Ask, *, plan: bool) -> StartRequest:
    wanted = parse_wanted(words(ask.query.get("apps", "")))
    return StartRequest(
        apps=tuple(AppName(app) for app in wanted.apps),
        of={AppName(app): source for app, source in wanted.of.items()},
        lease_s=_lease_s(ask),
        under=LeaseId(ask.query["under"].strip()) if ask.query.get("under", "").strip() else None,
        reason=ask.query.get("reason", ""),
        plan=plan,
    )


async def _see_start(ask: Ask) -> Plan:
    name, said = _name(ask), ask.query.get("apps", "")
    known = [view.name for view in await apps.listing(ask.world)]
    there = [view.name for view in await standings.listing(ask.world)]
    return Plan(
        what=f"Start {said or 'apps'} in {name or 'an environment'}",
        verb="Start",
        sentence="With everything that they need. What runs already is left as it is, and nothing "
        "begins unless all of it can.",
        fields=(
            Field(
                name="apps",
                label="Apps",
                value=said,
                hint=await _sources_of(ask, said)
                or "such as `web, orders`; `web@main` is the "
                "last source of a branch, or of a commit, that is kept",
                known=tuple(known[:_KNOWN_MAX]),
            ),
            Field(
                name="environment",
                label="Environment, new or one that is there",
                value=name,
                known=tuple(there[:_KNOWN_MAX]),
            ),
            _lease_field(ask),
            Field(
                name="under",
                label="Under a lease of a node or of capacity",
                value=ask.query.get("under", ""),
                hint="its id, lse-…: a new environment runs there, and ends with it",
            ),
            reason(ask),
        ),
        back=links.environment(name) if name in there else "/envs",
        command=command(
            "start",
            *(words(said) or ("APP",)),
            options={
                "-e": name or "NAME",
                "--lease": ask.query.get("under", "").strip() or _lease_said(ask),
                **why(ask.query),
            },
        ),
    )


async def _sources_of(ask: Ask, said: str) -> str:
    """Name the sources of the app, where one is asked for."""
    wanted = parse_wanted(words(said)).apps
    if len(wanted) != 1:
        return ""
    try:
        views = await known_sources.listing(ask.world, wanted[0])
    except NotFound:  # it is told why it cannot be started
        return ""
    found = ", ".join(dict.fromkeys(f"`{wanted[0]}@{_word(view)}`" for view in views[:5]))
    return f"kept of it, the newest first: {found}"


def _word(view: SourceView) -> str:
    if view.commit is not None:
        return view.commit.id[:7]
    return view.branch or view.digest.partition("-")[2][:12]


async def _rehearse_start(ask: Ask) -> Started | None:
    if "apps" not in ask.query:  # the form was not sent yet: nothing is wrong with it
        return None
    request = _start_request(ask, plan=True)
    return await starting.start(ask.world, ask.actor, _name(ask), request)


async def _start(ask: Ask) -> str:
    request = _start_request(ask, plan=False)
    allow = partial(permission.check, ask.actor, ask.grant)
    started = await starting.start(ask.world, ask.actor, _name(ask), request, allow)
    return links.environment(started.environment)


# --- copy ----------------------------------------------------------------------------------------


async def _on_copy(ask: Ask) -> Deed:
    # Its apps come to where they are copied to, which may be anybody's.
    return await permission.on_environment(ask.world, ask.names["environment"])


async def _see_copy(ask: Ask) -> Plan:
    name = ask.names["environment"]
    await environments.one(ask.world, name)
    to = ask.query.get("to", f"{name}-copy"[:40])
    return Plan(
        what=f"Copy {name}",
        verb="Copy it",
        sentence="The same apps, config and scale under another name, of the sources that serve "
        "now. No data of it.",
        fields=(Field(name="to", label="The copy is called", value=to), _lease_field(ask)),
        back=links.environment(name),
        command=command("envs copy", name, to, options={"--lease": _lease_said(ask)}),
    )


async def _copied(ask: Ask, *, plan: bool) -> Started:
    name, to = ask.names["environment"], ask.query.get("to", "").strip()
    to = to or f"{name}-copy"[:40]
    return await copying.copy(ask.world, ask.actor, name, to, _lease_s(ask), plan=plan)


async def _copy(ask: Ask) -> str:
    return links.environment((await _copied(ask, plan=False)).environment)


def _lease_field(ask: Ask) -> Field:
    value = ask.query.get("lease", _USUAL)
    label = "A new environment lasts for"
    return Field(name="lease", label=label, value=value, choices=(_USUAL, *LENGTHS))


def _lease_s(ask: Ask) -> float | None:
    return length(_lease_said(ask))


def _lease_said(ask: Ask) -> str:
    said = ask.query.get("lease", _USUAL)
    return "" if said == _USUAL else said


OFFERS = (
    Act("/start", _on_start, _see_start, _start, _rehearse_start),
    Act(
        "/envs/{environment}/copy",
        _on_copy,
        _see_copy,
        _copy,
        partial(_copied, plan=True),
    ),
)
