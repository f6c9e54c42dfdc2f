"""`deploy` and what can be done with deployments."""

import functools
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, cast

import click

from headway.cli import render
from headway.cli.accepted import foreseen, show_accepted
from headway.cli.errors import Failed, fail
from headway.cli.options import (
    Showing,
    Unclear,
    app_option,
    chosen_app,
    chosen_environment,
    env_option,
    json_option,
    print_json,
    reason_option,
    showing_options,
)
from headway.cli.progress import conclude, watch
from headway.formats.units import parse_count
from headway.model.app import Commit
from headway.model.deployment import Phase
from headway.model.view.app import SourceView
from headway.model.view.change import Started
from headway.sdk import Client
from headway.sdk.source import commits_between

F = TypeVar("F", bound=Callable[..., Any])


class _Wish(NamedTuple):
    """What all moves of an app have in common."""

    environment: str | None
    app: str | None
    replace: bool
    reason: str


def _moving(function: F) -> F:
    """Make a command that moves an app: given one `wish` and one `showing`."""

    @functools.wraps(function)
    def packed(
        *args: Any,
        environment: str | None,
        app: str | None,
        replace: bool,
        reason: str,
        **options: Any,
    ) -> Any:
        return function(*args, wish=_Wish(environment, app, replace, reason), **options)

    replace_help = "Have deployments under way give way, instead of waiting."
    command: Any = showing_options(packed)
    for option in (
        reason_option,
        click.option("--replace", is_flag=True, help=replace_help),
        app_option,
        env_option,
    ):
        command = option(command)
    return cast("F", command)


@click.command()
@click.argument(
    "directory", type=click.Path(path_type=Path, file_okay=False, exists=True), default="."
)
@click.option("--commit", help="Deploy this commit of the directory, not its files as they are.")
@click.option(
    "--strategy", type=click.Choice(["rolling", "blue_green", "blue-green", "canary", "recreate"])
)
@click.option("--canary", type=click.IntRange(1, 99), help="Give it this share, and wait.")
@_moving
def deploy(
    directory: Path,
    commit: str | None,
    strategy: str | None,
    canary: int | None,
    wish: _Wish,
    showing: Showing,
) -> None:
    """Move an app to what is in a directory.

    The release that serves stays until the new one has proved itself, and comes back by itself
    when it does not.
    """
    options: dict[str, Any] = {}
    if strategy:
        options["strategy"] = strategy.replace("-", "_")
    if canary:
        options["canary_percent"] = canary
    with Client.local() as client:
        app = chosen_app(wish.app, directory)  # ahead of where: without one, it is to be made first
        name = chosen_environment(client, wish.environment)
        sent = client.apps.send(directory, commit, newest=False)
        if sent.app != app:
            place = shlex.quote(str(directory.resolve()))
            fail(
                f"{place} holds {sent.app}, not {app}",
                f"headway deploy {place} -e {name} -a {sent.app}",
                f"headway deploy DIRECTORY -e {name} -a {app}",
            )
            raise Failed
        commits = _commits(client, name, app, directory, sent)
        options |= {"source": sent.digest, "commits": commits}
        _move(client, wish._replace(environment=name), showing, app, "deploy", **options)


def _commits(
    client: Client, name: str, app: str, directory: Path, sent: SourceView
) -> list[Commit]:
    """List the commits between what serves and what was sent, and say them."""
    view = client.environments.get(name)
    known = app in [member.app for member in view.members]
    rows = client.deployments.releases(name, app) if known else []
    live = next((row for row in rows if row.live), None)
    if live is None or live.commit is None or sent.commit is None:
        return []
    found = commits_between(directory, live.commit.id, sent.commit.id)
    for line in render.commits(found, sent.dirty):
        click.echo(line, err=True)
    return found


def _move(
    client: Client, wish: _Wish, showing: Showing, app: str, kind: str, **options: Any
) -> None:
    """Ask for a deployment, and show how it goes; of what nobody waits for, what is in its way."""
    ask = functools.partial(
        client.deployments.create,
        chosen_environment(client, wish.environment),
        app,
        kind,
        replace=wish.replace,
        reason=wish.reason,
        **options,
    )
    started = foreseen(ask, showing)
    if showing.plan:
        print_json(started) if showing.as_json else click.echo(render.plan(started))
    elif not started.deployments:
        _show_unchanged(started, showing)
    elif not showing.wait:
        show_accepted(started, f"headway why {started.deployments[0].id}", showing)
    else:
        _show_until_the_end(client, started, showing)


def _show_unchanged(started: Started, showing: Showing) -> None:
    if showing.as_json:
        print_json(started)
        return
    app = started.unchanged[0]
    click.echo(f"{app}: this serves already")
    click.echo(f"next: headway redeploy -e {started.environment} -a {app}")


def _show_until_the_end(client: Client, started: Started, showing: Showing) -> None:
    ended = watch(client, started, showing)
    if showing.as_json:
        print_json(ended)
    conclude(ended, quiet=showing.as_json)
    done = ended[0]
    if done.phase is not Phase.SUCCEEDED or showing.as_json:
        return
    name, app = started.environment, done.app
    if done.previous and done.previous != done.release:
        click.echo(f"undo with: headway rollback -e {name} -a {app}")
    else:
        click.echo(f"next: headway ps -e {name} · headway logs -e {name} {app}")


@click.command()
@click.argument("release", required=False)
@_moving
def rollback(release: str | None, wish: _Wish, showing: Showing) -> None:
    """Go back to the release that served before, or to RELEASE.

    RELEASE is such as v3. It does not wait: a deployment under way gives way.
    """
    number = None
    if release:
        given = parse_count(release.rpartition("@")[2].removeprefix("v"))
        if given is None:
            raise click.UsageError(f"{release!r} is no release, such as v3")
        number = int(given)
    with Client.local() as client:
        _move(client, wish, showing, chosen_app(wish.app), "rollback", release=number)


@click.command()
@_moving
def redeploy(wish: _Wish, showing: Showing) -> None:
    """Start the same again, with the config as it is now."""
    with Client.local() as client:
        _move(client, wish, showing, chosen_app(wish.app), "redeploy")


@click.command()
@click.argument("copies", nargs=-1, required=True, metavar="PROCESS=COPIES…")
@_moving
def scale(copies: tuple[str, ...], wish: _Wish, showing: Showing) -> None:
    """Set how many copies of a process type run: headway scale web=3."""
    wanted: dict[str, int] = {}
    for pair in copies:
        process, _, text = pair.partition("=")
        count = parse_count(text)
        if count is None:
            raise click.UsageError(f"{pair!r} should be such as web=3")
        wanted[process] = int(count)
    with Client.local() as client:
        _move(client, wish, showing, chosen_app(wish.app), "scale", scale=wanted)


@click.command()
@click.argument("deployment", required=False)
@env_option
@app_option
@json_option
def promote(
    deployment: str | None, environment: str | None, app: str | None, as_json: bool
) -> None:
    """Let a canary take everything."""
    with Client.local() as client:
        identity = deployment or _under_way(client, environment, app)
        row = client.deployments.promote(identity)
        print_json(row) if as_json else click.echo(
            f"promoted {row.app}. next: headway why {row.id}"
        )


@click.command()
@click.argument("deployment", required=False)
@env_option
@app_option
@json_option
def abort(deployment: str | None, environment: str | None, app: str | None, as_json: bool) -> None:
    """Stop a deployment under way and go back to what served."""
    with Client.local() as client:
        identity = deployment or _under_way(client, environment, app)
        row = client.deployments.abort(identity)
        print_json(row) if as_json else click.echo(
            f"aborting {row.app}. next: headway why {row.id}"
        )


def _under_way(client: Client, environment: str | None, app: str | None) -> str:
    name = chosen_environment(client, environment)
    member = client.environments.member(name, chosen_app(app))
    if member.deployment is None or member.deployment.is_ended:
        raise Unclear(f"no deployment of {member.app} is under way in {name}")
    return str(member.deployment.id)
