"""What can be done with a run: cancelled, made again, taken off the dead-letter list."""

from typing import Any

import msgspec

from headway.control import permission
from headway.control.errors import NotFound
from headway.control.runs import jobs, replays, runs
from headway.model.ids import environment_name
from headway.model.role import Deed
from headway.model.run import Run
from headway.web import links
from headway.web.commands import command
from headway.web.page import Act, Ask, Plan
from headway.web.parameters import fields_of, parameters_of, words_of
from headway.web.tone import words


async def _on(ask: Ask) -> Deed:
    return await permission.on_run(ask.world, ask.names["run"])


async def _see_cancel(ask: Ask) -> Plan:
    row = await runs.one(ask.world, ask.names["run"])
    how = (
        "Its attempt is told to end by SIGTERM, and by SIGKILL when its grace is over."
        if row.is_active
        else "It has not begun, and will not."
    )
    return Plan(
        what=f"Cancel {row.id}",
        verb="Cancel it",
        sentence=f"{row.app}/{row.job} in {_owner(row)} is {words(row.state)}. {how}",
        back=links.run(row.id),
        command=command("runs cancel", row.id),
    )


async def _cancel(ask: Ask) -> str:
    row = await runs.cancel(ask.world, ask.heart.dispatch, ask.actor, ask.names["run"])
    return links.run(row.id)


async def _see_again(ask: Ask) -> Plan:
    row = await runs.one(ask.world, ask.names["run"])
    schema = await _schema(ask, row)
    kept = " It leaves the dead-letter list." if row.dead else ""
    return Plan(
        what=f"Run {row.app}/{row.job} again in {_owner(row)}",
        verb="Run it again",
        sentence=f"A new run like {row.id}, of the release that is live then.{kept}",
        fields=fields_of(schema, _given(row), ask.query),
        back=links.run(row.id),
        command=command("runs again", row.id, *words_of(schema, _given(row), ask.query)),
    )


async def _again(ask: Ask) -> str:
    row = await runs.one(ask.world, ask.names["run"])
    schema = await _schema(ask, row)
    parameters = msgspec.Raw(parameters_of(schema, _given(row), ask.query))
    fresh = await replays.again(ask.world, ask.heart.dispatch, ask.actor, row.id, parameters)
    return links.run(fresh.id)


def _given(row: Run) -> dict[str, Any]:
    found = msgspec.json.decode(bytes(row.parameters))
    return found if isinstance(found, dict) else {}


async def _schema(ask: Ask, row: Run) -> dict[str, object] | None:
    try:
        view = await jobs.one(ask.world, ask.heart.dispatch, _owner(row), row.job, row.app)
    except NotFound:  # it is told when it is asked for
        return None
    return view.job.parameters


async def _see_forget(ask: Ask) -> Plan:
    row = await runs.one(ask.world, ask.names["run"])
    return Plan(
        what=f"Take {row.id} off the dead-letter list",
        verb="Take it off",
        sentence="It is kept as failed, and nobody is asked to look at it any more.",
        back=links.run(row.id),
        command=command("runs dead", row.id, options={"--empty": True}),
    )


async def _forget(ask: Ask) -> str:
    row = await replays.forget_dead(ask.world, ask.actor, ask.names["run"])
    return links.run(row.id)


def _owner(row: Run) -> str:
    return environment_name(row.environment)


OFFERS = (
    Act("/runs/{run}/cancel", _on, _see_cancel, _cancel),
    Act("/runs/{run}/again", _on, _see_again, _again),
    Act("/runs/{run}/forget", _on, _see_forget, _forget),
)
