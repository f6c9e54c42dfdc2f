"""`envs destroy`: an environment ends with all that it has. `lifetimes` clears it away."""

from collections import Counter
from collections.abc import Iterator

import msgspec

from headway.control import lookup
from headway.control.idempotency import answered
from headway.control.rollout.planning import planned
from headway.control.subjects import event_of
from headway.control.world import World
from headway.formats.units import counted
from headway.model.config import Config
from headway.model.environment import Environment, EnvironmentState, Member
from headway.model.ids import AppName, MemberKey
from headway.model.run import Run
from headway.model.view.change import PlannedChange, Started
from headway.ports.store import Reader, Writer

_RUNS_COUNTED = 1000
"""So many runs that have not ended are read to say how many would be cancelled."""


async def destroy(world: World, actor: str, name: str, reason: str, plan: bool) -> Started:
    """End an environment: containers, volumes, config and routes. Its history stays.

    One that is ending already is left to that.

    Raises:
        NotFound: There is none of this name.
    """
    now = world.clock.now()
    touched: list[MemberKey] = []

    def deed(tx: Writer) -> Started:
        row = lookup.standing(tx, name)
        if row.state is EnvironmentState.ENDING:
            return Started(environment=row.name)
        because = reason or f"destroyed by {actor}"
        ending = msgspec.structs.replace(row, state=EnvironmentState.ENDING, because=because)
        tx.put(ending)
        tx.record(event_of(row, "environment.ending", now, because, actor))
        touched.extend((row.id, app) for app in lookup.apps(tx, row))
        return Started(environment=row.name)

    if plan:
        started = await planned(world, deed, lambda _: touched)
        gone = await world.store.read(lambda reader: _gone(reader, name))
        return msgspec.structs.replace(started, plan=(*started.plan, *gone))
    started = await world.store.write(answered(deed))
    for key in touched:
        world.bell.member(key)
    world.bell.environment()
    return started


def _gone(reader: Reader, name: str) -> tuple[PlannedChange, ...]:
    """List what of an environment is no more once its containers have ended."""
    owner = lookup.standing(reader, name)
    runs = _runs_gone(reader, owner)
    return tuple(
        PlannedChange(app=row.app, verb=verb, what=what, because=what)
        for row in sorted(reader.find(Member, environment=owner.id), key=lambda row: row.app)
        for verb, what in _gone_with(reader, row, runs.get(row.app))
    )


def _gone_with(reader: Reader, row: Member, runs: str | None) -> Iterator[tuple[str, str]]:
    """Give what goes with an app, each as a verb and in words."""
    if runs:
        yield "end_runs", runs
    live = lookup.live(reader, row)
    for volume in live.manifest.volumes if live else ():
        yield "delete_volume", f"delete volume {volume.name} with all its data"
    config = reader.get(Config, row.environment, row.app)
    if config is not None and config.settings:
        yield "delete_config", f"delete its config: {', '.join(sorted(config.settings))}"


def _runs_gone(reader: Reader, owner: Environment) -> dict[AppName, str]:
    """Say for each app how many of its runs would be cancelled, and how many ended."""
    running = Counter(row.app for row in reader.find(Run, open_in=owner.id, active=1))
    found = reader.find(Run, open_in=owner.id, limit=_RUNS_COUNTED)
    waiting = Counter(row.app for row in found if not row.is_active)
    more = " or more" if len(found) == _RUNS_COUNTED else ""
    told: dict[AppName, str] = {}
    for app in {*running, *waiting}:
        parts = []
        if waiting[app]:
            parts.append(f"cancel {counted(waiting[app], 'waiting run')}{more}")
        if running[app]:
            parts.append(f"end {counted(running[app], 'run')} under way")
        told[app] = ", ".join(parts)
    return told
