"""Watches what was set in motion, and shows it as it goes.

One stream of events, shown in one of four ways: redrawn in a terminal, one line for each change of
state, JSON lines, or nothing.
"""

import sys
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import NoReturn

import click
import msgspec

from headway.cli import render
from headway.cli.beats import beats
from headway.cli.errors import FAILED, INTERRUPTED, PENDING, Failed, fail, goes_on_later
from headway.cli.in_vain import InVain
from headway.cli.options import Showing
from headway.model.deployment import Ask, Deployment, DeploymentKind, Phase
from headway.model.ids import DeploymentId, environment_name
from headway.model.view.change import Started
from headway.model.view.environment import MemberView
from headway.model.view.standing import HOPELESS, MemberState
from headway.sdk import Client, RefusedError, UnreachableError

NOT_FOUND = 404
_LOOK_AGAIN_S = 2.0
"""That no node comes is told by no event."""
_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
Show = Callable[[list[MemberView]], None]


def watch(client: Client, started: Started, showing: Showing) -> list[Deployment]:
    """Show deployments until all have ended; gives them as they ended.

    Raises:
        Failed: One failed (1), or they go on: in vain, as things are (3), the time is over or
            headway is gone (8), or Ctrl-C was pressed (130).
    """
    waiting = {row.id: row for row in started.deployments}
    if not waiting:
        return []
    name = started.environment
    show, finish = _shower(showing.progress)
    members: list[MemberView] = []
    vain, looked_at = InVain(name, patient=showing.patient), 0.0
    try:
        for happened in beats(client, name, showing.timeout_s):
            if happened or time.monotonic() - looked_at > _LOOK_AGAIN_S:
                looked_at = time.monotonic()
                members = _members(client, name, waiting)
                shown = {row.deployment.id: row.deployment for row in members if row.deployment}
                waiting = {key: shown.get(key) or client.deployments.get(key) for key in waiting}
            show(members)
            if all(row.is_ended or _needs_a_person(row) for row in waiting.values()):
                break
            if behind := _behind_a_person(members, waiting):
                _pending(
                    f"queued behind {behind.id}, {behind.because}",
                    f"{_ways_on(behind)}, or ask again with --replace",
                )
            vain.check(members)
        else:
            _pending(
                f"still under way after {showing.timeout_s:g} s",
                f"headway status · headway why {next(iter(waiting))}",
            )
    except RefusedError as refused:
        if refused.status != NOT_FOUND:
            raise
        _ended_meanwhile(client, name, waiting)
    except UnreachableError as error:
        goes_on_later(error, next(iter(waiting)))
    except KeyboardInterrupt:
        identity = next(iter(waiting))
        click.echo("\nit goes on in the background", err=True)
        click.echo(f"next: headway why {identity} · headway abort {identity}", err=True)
        raise Failed(INTERRUPTED) from None
    finally:
        finish()
    return list(waiting.values())


def _pending(what: str, following: str) -> NoReturn:
    """Say that it goes on, and how."""
    click.echo(what, err=True)
    click.echo(f"next: {following}", err=True)
    raise Failed(PENDING)


def _ended_meanwhile(client: Client, name: str, waiting: Iterable[str]) -> NoReturn:
    """Say why an environment is gone that was watched."""
    events = client.events(environment=name, limit=50)
    because = next((row.because for row in events if row.kind == "environment.ending"), "")
    nexts = [f"headway why {identity}" for identity in waiting]
    fail(f"{name} has ended meanwhile{': ' if because else ''}{because}", *nexts)
    raise Failed(FAILED)


def conclude(ended: list[Deployment], *, quiet: bool = False) -> None:
    """Say how deployments ended; failures with all that is known.

    Raises:
        Failed: One did not succeed.
    """
    failed = False
    for row in ended:
        good = row.phase is Phase.SUCCEEDED
        if row.phase is Phase.PAUSED:
            click.echo(f"· {row.app}: {row.because}", err=quiet)
            click.echo(f"next: {_ways_on(row)}", err=quiet)
            continue
        if not good:
            failed = True
            environment = environment_name(row.environment)
            if row.failure is not None:
                click.echo(render.failure(row.failure, _title(row)), err=True)
            else:
                click.echo(f"{render.outcome(row)}: {row.because}", err=True)
                click.echo(f"next: headway history -e {environment} -a {row.app}", err=True)
        elif not quiet:
            click.echo(render.outcome(row))
            if row.kind is DeploymentKind.CONFIG and row.release == row.previous:
                click.echo(f"  {render.safe(row.because)}")
    if failed:
        raise Failed(FAILED)


def _needs_a_person(row: Deployment) -> bool:
    """Say whether a canary waits for `headway promote`, however long that takes."""
    waits = row.phase is Phase.PAUSED and "`headway promote`" in row.because
    return waits and row.asked is Ask.NONE


def _ways_on(row: Deployment) -> str:
    return f"headway promote {row.id} · headway abort {row.id}"


def _behind_a_person(
    members: list[MemberView], waiting: dict[DeploymentId, Deployment]
) -> Deployment | None:
    """Give the deployment that all wait behind, when only a person can bring it on."""
    behind = {row.app: row.deployment for row in members if row.deployment}
    blockers = [behind.get(row.app) for row in waiting.values() if not row.is_ended]
    for blocker in blockers:
        if blocker is None or blocker.id in waiting or not _needs_a_person(blocker):
            return None
    return blockers[0] if blockers else None


def _title(row: Deployment) -> str:
    label = f"{row.app} v{row.release}" if row.release else row.app
    if row.phase is Phase.ROLLED_BACK:
        return f"{label} was not kept: v{row.previous} serves everything ({row.id})"
    return f"{label} {render.phase_word(row.phase)} ({row.id})"


def _members(
    client: Client, name: str, waiting: dict[DeploymentId, Deployment]
) -> list[MemberView]:
    """Give the apps of the deployments; of one that waits its turn, what it waits for."""
    apps = {row.app for row in waiting.values() if not row.is_ended}
    found: list[MemberView] = []
    for row in client.environments.get(name).members:
        if row.deployment is None:
            continue
        if row.deployment.id in waiting:
            found.append(row)
        elif row.app in apps and not row.deployment.is_ended:
            because = f"behind {row.deployment.id}: {row.because}"
            state = row.state if row.state in HOPELESS else MemberState.QUEUED
            found.append(msgspec.structs.replace(row, state=state, because=because))
    return found


def _shower(progress: str) -> tuple[Show, Callable[[], None]]:
    if progress == "auto":
        progress = "tty" if sys.stdout.isatty() else "plain"
    if progress == "tty":
        drawing = _Drawing()
        return drawing.show, drawing.finish
    if progress == "json":
        return _JsonLines().show, lambda: None
    if progress == "quiet":
        return lambda _members: None, lambda: None
    return _Lines().show, lambda: None


class _JsonLines:
    """A line of JSON for each change."""

    def __init__(self) -> None:
        self._said: dict[str, bytes] = {}

    def show(self, members: list[MemberView]) -> None:
        for member in members:
            row = {"app": member.app, "state": member.state, "because": member.because}
            if (ended := render.not_kept(member)) is not None:
                row |= {"deployment": ended.phase, "because": ended.because}
            line = msgspec.json.encode(row)
            if self._said.get(member.app) != line:
                self._said[member.app] = line
                click.echo(line.decode())


class _Lines:
    """A line for each change of state."""

    def __init__(self) -> None:
        self._said: dict[str, str] = {}

    def show(self, members: list[MemberView]) -> None:
        for member in members:
            ended = render.not_kept(member)
            word = ended.phase.value if ended is not None else member.state.value
            if self._said.get(member.app) != word:
                self._said[member.app] = word
                click.echo(render.moving_line(member))


class _Drawing:
    """A block of lines that is drawn over itself."""

    def __init__(self) -> None:
        self._drawn = 0
        self._frame = 0
        self._began = datetime.now(UTC)

    def show(self, members: list[MemberView]) -> None:
        import shutil

        width = shutil.get_terminal_size().columns
        self._frame += 1
        lines = [self._line(member)[: width + 20] for member in members]
        up = f"\x1b[{self._drawn}A" if self._drawn else ""
        sys.stdout.write(up + "".join(f"\x1b[2K{line}\x1b[0m\n" for line in lines))
        sys.stdout.flush()
        self._drawn = len(lines)

    def finish(self) -> None:
        self._drawn = 0

    def _line(self, member: MemberView) -> str:
        mark = _SPINNER[self._frame % len(_SPINNER)]
        state, because = render.state_word(member.state), member.because
        if (ended := render.not_kept(member)) is not None:
            mark = click.style("✗", fg="red")
            state, because = click.style(render.phase_word(ended.phase), fg="red"), ended.because
        elif member.deployment is not None and member.deployment.is_ended:
            mark = click.style("✓", fg="green")
        began = member.deployment.created_at if member.deployment else self._began
        until = member.deployment.ended_at if member.deployment else None
        seconds = ((until or datetime.now(UTC)) - began).total_seconds()
        return f"  {mark} {member.app:<16} {state:<18} {seconds:5.1f} s  {render.safe(because)}"
