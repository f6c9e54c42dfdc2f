"""What can be done with config: keys set and unset, with what starts again for it."""

import re

from headway.control import permission
from headway.control.config import config
from headway.control.errors import HeadwayError, Invalid
from headway.control.requests import ConfigRequest, NewValue
from headway.formats.dotenv import parse_dotenv
from headway.model.ids import AppName
from headway.model.role import Deed
from headway.model.view.change import Started
from headway.web import links
from headway.web.commands import command, why
from headway.web.page import Act, Ask, Field, FieldKind, Plan, reason

_NO, _YES = "no", "yes"
_AT_ONCE, _LATER = "at once, in a new release", "only the next release has it"
_PATH = "/envs/{environment}/apps/{app}/config"
_WORD = re.compile(r"\w+")


async def _on(ask: Ask) -> Deed:
    return await permission.on_apps(ask.world, ask.names["app"])


def _member(ask: Ask) -> tuple[str, AppName]:
    return ask.names["environment"], AppName(ask.names["app"])


def _when(ask: Ask) -> Field:
    value = ask.query.get("when", _AT_ONCE)
    return Field(name="when", label="When", value=value, choices=(_AT_ONCE, _LATER))


async def _see_set(ask: Ask) -> Plan:
    owner, app = _member(ask)
    key, more = ask.query.get("key", "").strip(), ask.query.get("more", "")
    secrets = await _secrets(ask)
    is_secret = ask.query.get("secret") == _YES or key in secrets
    # Also where a line is no KEY=VALUE yet: what follows the name of a secret is its value.
    is_veiled = is_secret or not secrets.isdisjoint(_WORD.findall(more))
    told = "Nobody is shown it again, here or in logs." if is_secret else "May have several lines."
    return Plan(
        what=f"Set config of {app} in {owner}",
        verb="Set it",
        sentence="An app that runs is started again with it, in a release of its own; the one "
        "that serves goes on until that has proved itself.",
        fields=(
            Field(name="key", label="Key", value=key, hint="such as DATABASE_URL"),
            Field(
                name="value",
                label="Value",
                value="" if is_veiled else ask.query.get("value", ""),
                hint=told,
                kind=FieldKind.VEILED if is_veiled else FieldKind.TEXT,
                bears=False,
            ),
            Field(
                name="secret",
                label="It is a secret",
                value=_YES if is_secret else _NO,
                choices=(_NO, _YES),
            ),
            Field(
                name="more",
                label="More of the same, in one go",
                value="" if is_veiled else more,
                hint="one `KEY=VALUE` a line, as in a .env file",
                kind=FieldKind.VEILED if is_veiled else FieldKind.TEXT,
                bears=False,
            ),
            _when(ask),
            reason(ask),
        ),
        back=links.config(owner, app),
        command=command(
            "config set",
            *(_typed_keys(key, more) or ("KEY=VALUE",)),
            options={"-e": owner, "-a": app, "--secret": is_secret, **_how(ask)},
        ),
    )


def _typed_keys(key: str, more: str) -> tuple[str, ...]:
    """Give the keys alone: the command asks for their values, so that no history has them."""
    return tuple(dict.fromkeys((*(parse_dotenv(more).value or {}), *((key,) if key else ()))))


def _how(ask: Ask) -> dict[str, str | bool]:
    return {"--no-deploy": ask.query.get("when") == _LATER, **why(ask.query)}


async def _secrets(ask: Ask) -> frozenset[str]:
    """Give the keys that are secret already."""
    try:
        view = await config.show(ask.world, *_member(ask), reveal=False)
    except HeadwayError:  # config may be set before the environment is there
        return frozenset()
    return frozenset(row.key for row in view.values if row.secret)


def _to_set(ask: Ask) -> ConfigRequest:
    """Read what was typed.

    Raises:
        Invalid: A line is no `KEY=VALUE`.
    """
    key, is_secret = ask.query.get("key", "").strip(), ask.query.get("secret") == _YES
    parsed = parse_dotenv(ask.query.get("more", ""), file="more")
    if parsed.problems:
        raise Invalid("config-invalid", "what was typed is no config", problems=parsed.problems)
    values = dict(parsed.value or {})
    if key:
        values[key] = ask.query.get("value", "")
    return _request(
        ask, {name: NewValue(value=text, secret=is_secret) for name, text in values.items()}
    )


def _request(ask: Ask, values: dict[str, NewValue], unset: tuple[str, ...] = ()) -> ConfigRequest:
    return ConfigRequest(
        set=values,
        unset=unset,
        deploy=ask.query.get("when", _AT_ONCE) == _AT_ONCE,
        reason=ask.query.get("reason", ""),
    )


async def _rehearse_set(ask: Ask) -> Started:
    """Say what any new value leads to: what is typed is not needed for that."""
    key = ask.query.get("key", "").strip() or "NEW_KEY"
    request = _request(ask, {key: NewValue(value=f"as of {ask.now.isoformat()}")})
    return await config.rehearse(ask.world, ask.actor, *_member(ask), request)


async def _changed(ask: Ask, request: ConfigRequest) -> str:
    owner, app = _member(ask)
    view = await config.change(ask.world, ask.actor, owner, app, request)
    if view.deployment is not None:
        return links.deployment(view.deployment.id)
    return links.config(owner, app)


async def _set(ask: Ask) -> str:
    return await _changed(ask, _to_set(ask))


async def _see_unset(ask: Ask) -> Plan:
    owner, app = _member(ask)
    key = ask.query.get("key", "")
    await config.show(ask.world, owner, app, reveal=False)
    return Plan(
        what=f"Unset {key} of {app} in {owner}",
        verb=f"Unset {key}",
        sentence="Its value is gone from here; releases that were made with it keep it.",
        fields=(
            Field(name="key", label="Key", value=key, is_hidden=True),
            _when(ask),
            reason(ask),
        ),
        confirm=key,
        back=links.config(owner, app),
        command=command("config unset", key, options={"-e": owner, "-a": app, **_how(ask)}),
    )


async def _unset(ask: Ask) -> str:
    return await _changed(ask, _request(ask, {}, (ask.query.get("key", ""),)))


async def _rehearse_unset(ask: Ask) -> Started:
    request = _request(ask, {}, (ask.query.get("key", ""),))
    return await config.rehearse(ask.world, ask.actor, *_member(ask), request)


OFFERS = (
    Act(f"{_PATH}/set", _on, _see_set, _set, _rehearse_set),
    Act(f"{_PATH}/unset", _on, _see_unset, _unset, _rehearse_unset),
)
