"""What can be done with an environment: renewed, stopped, ended."""

from collections.abc import Mapping
from functools import partial

from headway.control import permission
from headway.control.environments import destroying, environments, stopping
from headway.model.ids import AppName
from headway.model.role import Deed
from headway.model.view.change import Started
from headway.web import links
from headway.web.commands import command, why
from headway.web.page import Act, Ask, Field, Plan, reason
from headway.web.typed import LENGTHS, NEVER, length


async def _see_extend(ask: Ask) -> Plan:
    name, said = ask.names["environment"], ask.query.get("length", "8h")
    is_shorter = ask.query.get("shorten") == "yes"
    await environments.one(ask.world, name)
    return Plan(
        what=f"Renew the lease of {name}",
        verb="Renew it",
        sentence="From now on, for so long. What is in it ends with its lease.",
        fields=(
            Field(
                name="length",
                label="How long",
                value=said,
                choices=(*LENGTHS, NEVER),
            ),
            Field(
                name="shorten",
                label="Also when it ends earlier than now",
                value="yes" if is_shorter else "no",
                choices=("no", "yes"),
            ),
        ),
        back=links.environment(name),
        command=command("extend", said or "8h", options={"-e": name, "--shorten": is_shorter}),
    )


async def _extend(ask: Ask) -> str:
    name, said = ask.names["environment"], ask.query.get("length", "")
    seconds = None if said == NEVER else length(said or "8h")
    shorten = ask.query.get("shorten") == "yes"
    await environments.extend(ask.world, ask.actor, name, seconds, shorten=shorten)
    return links.environment(name)


async def _see_stop(ask: Ask) -> Plan:
    name, apps = ask.names["environment"], _apps(ask.query)
    await environments.one(ask.world, name)
    which = ", ".join(apps) or "every app"
    return Plan(
        what=f"Stop {which} in {name}",
        verb="Stop",
        sentence="Config, volumes, addresses and history stay; starting brings it back.",
        fields=(*_app_fields(apps), reason(ask)),
        back=links.member(name, apps[0]) if apps else links.environment(name),
        command=command("stop", *apps, options={"-e": name, "--all": not apps, **why(ask.query)}),
    )


async def _stopped(ask: Ask, *, plan: bool) -> Started:
    name, why = ask.names["environment"], ask.query.get("reason", "")
    apps = _apps(ask.query)
    return await stopping.stop(ask.world, ask.actor, name, apps, why, plan=plan)


async def _stop(ask: Ask) -> str:
    return links.environment((await _stopped(ask, plan=False)).environment)


async def _see_destroy(ask: Ask) -> Plan:
    name = ask.names["environment"]
    await environments.one(ask.world, name)
    return Plan(
        what=f"Destroy {name}",
        verb=f"Destroy {name}",
        sentence="Its containers, volumes, config and addresses are gone for good. History stays.",
        fields=(reason(ask),),
        confirm=name,
        back=links.environment(name),
        command=command("envs destroy", name, options=why(ask.query)),
    )


async def _destroyed(ask: Ask, *, plan: bool) -> Started:
    name, why = ask.names["environment"], ask.query.get("reason", "")
    return await destroying.destroy(ask.world, ask.actor, name, why, plan=plan)


async def _destroy(ask: Ask) -> str:
    await _destroyed(ask, plan=False)
    return "/envs"


def _apps(said: Mapping[str, str]) -> tuple[AppName, ...]:
    return tuple(AppName(name) for name in said.get("app", "").split(",") if name)


def _app_fields(apps: tuple[AppName, ...]) -> tuple[Field, ...]:
    return (Field(name="app", label="App", value=",".join(apps), is_hidden=True),) if apps else ()


async def _on(ask: Ask) -> Deed:
    return await permission.on_environment(ask.world, ask.names["environment"], ask.actor)


async def _on_apps(ask: Ask) -> Deed:
    apps = _apps(ask.query)
    return await permission.on_apps(ask.world, *apps) if apps else await _on(ask)


OFFERS = (
    Act("/envs/{environment}/extend", _on, _see_extend, _extend),
    Act("/envs/{environment}/stop", _on_apps, _see_stop, _stop, partial(_stopped, plan=True)),
    Act(
        "/envs/{environment}/destroy",
        _on,
        _see_destroy,
        _destroy,
        partial(_destroyed, plan=True),
    ),
)
