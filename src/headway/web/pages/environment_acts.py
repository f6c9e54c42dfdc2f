"""What can be done with an environment: renewed, stopped, ended."""

from collections.abc import Mapping

from headway.control import environments, permission
from headway.control.errors import Invalid
from headway.formats.units import parse_duration
from headway.model.ids import AppName
from headway.model.role import Deed
from headway.web import links
from headway.web.page import Act, Ask, Field, Plan

_LENGTHS = ("1h", "2h", "4h", "8h", "1d", "2d", "7d", "never")


async def _see_extend(ask: Ask) -> Plan:
    name = ask.names["environment"]
    await environments.one(ask.world, name)
    return Plan(
        what=f"Renew the lease of {name}",
        verb="Renew it",
        sentence="From now on, for so long. What is in it ends with its lease.",
        fields=(
            Field(name="length", label="How long", value="8h", choices=_LENGTHS),
            Field(
                name="shorten", label="Also when it ends earlier than now", choices=("no", "yes")
            ),
        ),
        back=links.environment(name),
        command=f"headway extend -e {name} 8h",
    )


async def _extend(ask: Ask) -> str:
    name, length = ask.names["environment"], ask.query.get("length", "")
    seconds = None if length == "never" else parse_duration(length)
    if seconds is None and length != "never":
        raise Invalid("length-invalid", f"{length!r} is no length of time", hint="such as 2h or 1d")
    shorten = ask.query.get("shorten") == "yes"
    await environments.extend(ask.world, ask.actor, name, seconds, shorten=shorten)
    return links.environment(name)


async def _see_stop(ask: Ask) -> Plan:
    name, apps = ask.names["environment"], _apps(ask.query)
    started = await environments.stop(ask.world, ask.actor, name, apps, "", plan=True)
    which = ", ".join(apps) or "every app"
    return Plan(
        what=f"Stop {which} in {name}",
        verb="Stop",
        sentence="Config, volumes, addresses and history stay; starting brings it back.",
        started=started,
        fields=_app_fields(apps),
        back=links.member(name, apps[0]) if apps else links.environment(name),
        command=" ".join(("headway stop -e", name, *apps)),
    )


async def _stop(ask: Ask) -> str:
    name, apps = ask.names["environment"], _apps(ask.query)
    await environments.stop(ask.world, ask.actor, name, apps, "", plan=False)
    return links.environment(name)


async def _see_destroy(ask: Ask) -> Plan:
    name = ask.names["environment"]
    started = await environments.destroy(ask.world, ask.actor, name, "", plan=True)
    return Plan(
        what=f"Destroy {name}",
        verb=f"Destroy {name}",
        sentence="Its containers, volumes, config and addresses are gone for good. History stays.",
        started=started,
        confirm=name,
        back=links.environment(name),
        command=f"headway envs destroy {name}",
    )


async def _destroy(ask: Ask) -> str:
    name = ask.names["environment"]
    await environments.destroy(ask.world, ask.actor, name, "", plan=False)
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
    Act("/envs/{environment}/stop", _on_apps, _see_stop, _stop),
    Act("/envs/{environment}/destroy", _on, _see_destroy, _destroy),
)
