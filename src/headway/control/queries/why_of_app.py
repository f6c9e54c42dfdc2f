"""Why what an app declares is as it is: its jobs, process types and schedules."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, TypeVar

import msgspec

from headway.calculate.rollout.container import is_staying
from headway.calculate.runs.schedule import foreseen
from headway.control import lookup
from headway.control.errors import Conflict, NotFound
from headway.control.runs.dispatch import Dispatch
from headway.control.runs.runs import waits
from headway.control.runs.targets import Target, find_job
from headway.control.world import World
from headway.model.container import Container, ContainerKind, ContainerState
from headway.model.environment import Member
from headway.model.happening import Happening, happenings
from headway.model.ids import environment_name
from headway.model.run import Run
from headway.model.schedule import ScheduleState
from headway.model.view.why import Why
from headway.model.words import and_more
from headway.ports.store import Reader

_TOLD = 30
_LOOKED_AT_OF_APP = 300
"""What its containers do again and again is told as one."""
_NAMED = 5
_T = TypeVar("_T")


def reasons(reader: Reader, **fields: Any) -> tuple[Happening, ...]:
    """Give the recorded reasons that led to how something is, the newest last."""
    most = _LOOKED_AT_OF_APP if "app" in fields else _TOLD
    newest = reader.events(newest_first=True, limit=most, **fields)
    return happenings(newest, _TOLD)[::-1]


def of_container(reader: Reader, thing: str, row: Container) -> Why:
    """Explain a container."""
    because = row.exit.account if row.exit else row.because
    happened = reasons(reader, subject=row.id)
    nexts = (f"headway logs {row.id}",)
    return Why(thing=thing, state=row.state.value, because=because, happened=happened, next=nexts)


def of_copy(reader: Reader, thing: str, environment: str | None, app: str | None) -> Why | None:
    """Explain a container by its name, such as `web.1`, `shop/web.1` or `shop.1`.

    Raises:
        Conflict: Several apps or environments have one of this name.
    """
    name, _, label = thing.rpartition("/")
    name = name or app or ""

    def called(row: Container) -> str | None:
        is_named = row.label == label and name in ("", row.app)
        if is_named or (row.kind is ContainerKind.SERVICE and f"{row.app}.{row.slot}" == thing):
            return row.label
        return None

    copies = sole(_containers(reader, environment, called), "a container", thing)
    if copies is None:
        return None
    newest = max(copies, key=lambda row: (is_staying(row), row.created_at))
    return of_container(reader, thing, newest)


def of_process(reader: Reader, thing: str, environment: str | None, app: str | None) -> Why | None:
    """Explain a process type by the copy of it that is worst off, of those that serve or should.

    Raises:
        Conflict: Several apps or environments have one of this name.
    """
    name, _, process = thing.rpartition("/")
    name = name or app or ""

    def called(row: Container) -> str | None:
        is_copy = (row.kind, row.process) == (ContainerKind.SERVICE, process)
        return process if is_copy and name in ("", row.app) else None

    copies = sole(_containers(reader, environment, called), "a process type", thing)
    if copies is None:
        return None
    copies = _serving(reader, copies)
    slots = {one.slot for one in copies}  # one that moves to another node is there twice
    healthy = {one.slot for one in copies if one.state is ContainerState.HEALTHY}
    row = min(copies, key=lambda one: one.slot in healthy)
    why = of_container(reader, thing, row)
    said = f"{len(healthy)} of {len(slots)} copies healthy; {row.app}/{row.label}"
    return msgspec.structs.replace(why, because=f"{said}: {why.because}")


def _containers(
    reader: Reader, environment: str | None, called: Callable[[Container], str | None]
) -> dict[str, list[Container]]:
    """Gather containers by environment, app and what they are called; None: it is not meant."""
    found: dict[str, list[Container]] = {}
    for owner in lookup.environments(reader, environment):
        for row in reader.find(Container, environment=owner.id, retired=False):
            if (name := called(row)) is not None:
                found.setdefault(f"{owner.name}/{row.app}/{name}", []).append(row)
    return found


def _serving(reader: Reader, copies: list[Container]) -> list[Container]:
    """Give those of the live release that are not leaving; where it has none, of the newest."""
    staying = [one for one in copies if is_staying(one) or one.is_ended] or copies
    member = reader.get(Member, copies[0].environment, copies[0].app)
    live = member.live if member is not None else None
    newest = max(one.release for one in staying)
    served = [one for one in staying if one.release == live]
    return served or [one for one in staying if one.release == newest]


def of_job(
    reader: Reader, dispatch: Dispatch, name: str, environment: str | None, app: str | None
) -> Why | None:
    """Explain a job: what of it waits and runs, and how its last run ended.

    Raises:
        Conflict: Several apps or environments have one of this name.
    """
    found: dict[str, Target] = {}
    for owner in lookup.environments(reader, environment):
        for member in reader.find(Member, environment=owner.id):
            if app in (None, member.app):
                with suppress(NotFound):
                    target = find_job(reader, owner.name, name, member.app)
                    found[f"{owner.name}/{target.release.app}/{target.job.name}"] = target
    only = sole(found, "a job", name)
    if only is None:
        return None
    owner, release, job = only
    key = (owner.id, release.app, job.name)
    waiting, running = dispatch.counts(*key)
    runs = reader.find(Run, owner="/".join(key), newest_first=True, limit=1)
    said = [f"{waiting} wait, {running} run"]
    said += [f"{row.id} is {row.state.value}: {_waits_or_ended(dispatch, row)}" for row in runs]
    return Why(
        thing=name,
        state="running" if running else "waiting" if waiting else "idle",
        because="; ".join(said) if runs else "it was never invoked",
        happened=reasons(reader, subject=runs[0].id) if runs else (),
        next=(f"headway runs ls -e {owner.name} --job {release.app}/{job.name}",),
    )


def _waits_or_ended(dispatch: Dispatch, run: Run) -> str:
    return "; ".join(filter(None, (waits(dispatch, run), run.because))) or "it began"


def of_schedule(
    world: World, reader: Reader, name: str, environment: str | None, app: str | None
) -> Why | None:
    """Explain a schedule: what became of its last time, and when the next comes.

    Raises:
        Conflict: Several apps or environments have one of this name.
    """
    found = {
        f"{owner.name}/{row.app}/{row.name}": row
        for owner in lookup.environments(reader, environment)
        for row in reader.find(ScheduleState, environment=owner.id)
        if name in (row.name, f"{row.app}/{row.name}") and app in (None, row.app)
    }
    row = sole(found, "a schedule", name)
    if row is None:
        return None
    said = [foreseen(row, world.clock.now())]
    said += [row.because] if row.because and not row.paused else []
    last = reader.get(Run, row.last_run) if row.last_run else None
    ended = f": {last.because}" if last and last.because else ""
    said += [f"its last run {last.id} is {last.state.value}{ended}"] if last else []
    where = f"-e {environment_name(row.environment)}"
    return Why(
        thing=name,
        state="paused" if row.paused else "on" if row.live else "off",
        because="; ".join(said),
        happened=reasons(reader, subject=last.id) if last else (),
        next=(
            f"headway schedules ls {where}",
            f"headway runs ls {where} --tag schedule={row.name}",
        ),
    )


def sole(found: Mapping[str, _T], what: str, thing: str) -> _T | None:
    """Give the only one that was found, by its full name; None where there is none.

    Raises:
        Conflict: There are several.
    """
    if len(found) > 1:
        names = sorted(found)
        raise Conflict(
            "thing-ambiguous",
            f"{len(names)} have {what} {thing}: say {and_more(names[:_NAMED], len(names))}",
            next=tuple(f"headway why {name}" for name in names[:_NAMED]),
        )
    return next(iter(found.values()), None)
