"""`logs`: what containers wrote."""

import re
import sys
from collections import deque
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import click
import msgspec

from headway.cli import render
from headway.cli.naming import named
from headway.cli.options import (
    Duration,
    chosen_environment,
    env_option,
    json_option,
    split_reference,
)
from headway.model.view.log import LogEntry
from headway.sdk import Client, RefusedError

_IDENTITY = re.compile(r"-[0-9a-f]{10}$")
"""How the ids of containers end: one that is no more is not taken for an app."""


@click.command()
@click.argument("things", nargs=-1, metavar="[APP|PROCESS|CONTAINER]…")
@env_option
@click.option("-a", "--app", help="An app, as APP is. Default: all of the environment.")
@click.option("-f", "--follow", is_flag=True, help="Go on with what is written.")
@click.option(
    "-n", "--tail", type=click.IntRange(0, 100_000), default=100, help="Lines. Default 100."
)
@click.option("--since", type=Duration(), help="Only what is this young, such as 1h.")
@click.option("--grep", help="Only lines that match this regular expression.")
@click.option("--build", help="The log of a build.")
@json_option
def logs(
    things: tuple[str, ...],
    environment: str | None,
    app: str | None,
    follow: bool,
    tail: int,
    since: float | None,
    grep: str | None,
    build: str | None,
    as_json: bool,
) -> None:
    """Show what containers wrote: of an environment, an app, or one.

    Named as `headway ps` does: shop, shop/web, shop/web.2, an id, or only web or web.2.
    """
    pattern = _pattern(grep)
    with Client.local() as client:
        if build is not None:
            print_lines(client.logs.build(build, follow=follow), pattern, as_json, prefix=False)
            return
        name, wanted = _environment_of(client, things, environment)
        apps, containers = _meant(client, name, [*wanted, *([app] if app else [])])
        after = datetime.now(UTC) - timedelta(seconds=since) if since else None
        if follow:
            lines = client.logs.follow(
                name, apps=apps, containers=containers, tail=tail, since=after
            )
            print_lines(lines, pattern, as_json, prefix=True)
            return
        # The last of those that match, not those that match of the last.
        asked = None if pattern else tail
        lines = client.logs.environment(
            name, apps=apps, containers=containers, tail=asked, since=after
        )
        if pattern is not None:
            matching = (entry for entry in lines if pattern.search(entry.line.text))
            lines = iter(deque(matching, maxlen=tail))
        print_lines(lines, pattern, as_json, prefix=True)


def _environment_of(
    client: Client, things: tuple[str, ...], given: str | None
) -> tuple[str, list[str]]:
    """Say which environment is meant, on which all that say `ENV/APP` must agree.

    What stands before the slash may be an app as well, as in `shop/web.1`.
    """
    pairs = [(None, thing) if given else split_reference(thing) for thing in things]
    known = {view.name for view in client.environments.all()} if any(a for a, _ in pairs) else set()
    said = {owner for owner, _ in pairs if owner in known}
    if len(said) > 1:
        raise click.UsageError("these are of more than one environment")
    name = said.pop() if said else chosen_environment(client, given)
    return name, list(things)


def _meant(client: Client, name: str, things: list[str]) -> tuple[list[str], list[str]]:
    """Tell apps from containers; what is neither is left for headway to refuse."""
    members = client.environments.get(name).members
    known = {member.app for member in members}
    there = [row for member in members for row in member.containers]
    apps: list[str] = []
    containers: list[str] = []
    for said in things:
        # An app may be called as its environment is: then `shop/web` is not `web` of every app.
        is_whole = any(said in row.full_names for row in there)
        thing = said if is_whole else said.removeprefix(f"{name}/")
        found = [row.id for row in named(there, thing)]
        if thing not in known and (found or _IDENTITY.search(thing) or _has_ended(client, thing)):
            containers += found or [thing]
        else:
            apps.append(thing)
    return apps, containers


def _has_ended(client: Client, identity: str) -> bool:
    try:
        return client.containers.get(identity).is_ended
    except RefusedError:
        return False


def _pattern(text: str | None) -> "re.Pattern[str] | None":
    try:
        return re.compile(text) if text else None
    except re.error as error:
        raise click.UsageError(f"--grep {text!r} is no regular expression: {error}") from error


def print_lines(
    entries: Iterable[LogEntry], pattern: "re.Pattern[str] | None", as_json: bool, *, prefix: bool
) -> None:
    """Print lines as they come, of those that match; says where there is none."""
    count = 0
    for entry in entries:
        if pattern is not None and not pattern.search(entry.line.text):
            continue
        count += 1
        if as_json:
            click.echo(msgspec.json.encode(entry).decode())
        else:
            click.echo(render.log_line(entry, prefix=prefix))
        sys.stdout.flush()
    if not count and not as_json:
        click.echo("no line matches" if pattern else "nothing was written", err=True)
