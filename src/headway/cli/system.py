"""The installation itself: `doctor`, `events`, `routes`, `settings`, and the like."""

import subprocess
import sys

import click
import msgspec

from headway import __version__
from headway.cli import render
from headway.cli.errors import Failed
from headway.cli.options import any_env_option, json_option, print_json
from headway.model.view.check import Check
from headway.sdk import Client
from headway.sdk.errors import NotRunningError
from headway.sdk.local import data_directory


@click.command()
@json_option
def doctor(as_json: bool) -> None:
    """Check this machine and headway; say how to mend what is wrong.

    Before `headway up` it looks at the machine alone.
    """
    try:
        with Client.local() as client:
            checks = client.doctor()
    except NotRunningError as error:
        checks = _machine()
        if not as_json:
            click.echo(f"{error}: this is what the machine would give it")
            click.echo("next: headway up")
    if as_json:
        print_json(checks)
    else:
        for check in checks:
            good = click.style("✓", fg="green") if check.ok else click.style("✗", fg="red")
            click.echo(f"{good} {check.name}: {check.detail}")
            if check.fix and not check.ok:
                click.echo(f"    fix: {check.fix}")
    if not all(check.ok for check in checks):
        raise Failed


def _machine() -> list[Check]:
    """Have the machine looked at by a process that knows engine and router."""
    from headway.cli.up import last_time

    data = data_directory()
    command = (sys.executable, "-P", "-m", "headway.preflight")  # -P: an app may have a token.py
    words = [*command, "--data", str(data), *last_time(data).words]
    done = subprocess.run(words, stdout=subprocess.PIPE, check=False)
    if done.returncode:
        raise Failed
    return msgspec.json.decode(done.stdout, type=list[Check])


@click.command()
@any_env_option
@click.option("-f", "--follow", is_flag=True, help="Go on with what happens.")
@click.option(
    "-n", "--limit", type=click.IntRange(1, 1000), default=50, help="How many of the newest."
)
@json_option
def events(environment: str | None, follow: bool, limit: int, as_json: bool) -> None:
    """Show what happened, who did it, and why."""
    with Client.local() as client:
        rows = list(reversed(client.events(environment=environment, limit=limit)))
        stream = client.environments.follow(environment) if follow else iter(())
        for source in (rows, stream):
            for event in source:
                if as_json:
                    click.echo(msgspec.json.encode(event).decode())
                    continue
                where = f"{(event.environment or '').partition('~')[0]}/{event.app or ''}".strip(
                    "/"
                )
                what = event.data.get("what") or event.kind
                line = (
                    f"{render.moment(event.at)}  {event.actor}  {where}  {what}  "
                    f"{render.safe(event.because)}"
                )
                click.echo(line.rstrip())


@click.command()
@json_option
def routes(as_json: bool) -> None:
    """Show which addresses lead to which containers."""
    with Client.local() as client:
        found = client.routes()
    if as_json:
        print_json(found)
        return
    lines = [
        (
            ", ".join(route["hosts"]) or f"tcp {route['port']}",
            ", ".join(f"{target['container']} ({target['weight']})" for target in route["targets"])
            or "(nobody)",
        )
        for route in found["routes"]
    ]
    click.echo(render.table(lines) or "no routes")


@click.command()
@click.argument("key", required=False)
def docs(key: str | None) -> None:
    """Explain headway.yaml, or a KEY such as deploy.canary.steps."""
    from headway.formats import reference

    if key is None:
        click.echo(render.table(reference.summary()))
        click.echo("next: headway docs KEY, such as headway docs expose.health_check")
        return
    text = reference.describe(key)
    if text is None:
        from difflib import get_close_matches

        near = get_close_matches(key, reference.paths(), n=3)
        hint = f" Did you mean {', '.join(near)}?" if near else ""
        raise click.UsageError(f"headway.yaml has no key {key!r}.{hint}")
    click.echo(text)


@click.command()
@json_option
def settings(as_json: bool) -> None:
    """Show what the operator may set, its value and its default.

    It is set in DATA/settings.yaml.
    """
    from headway.formats.settings_yaml import FILE, rendered

    with Client.local() as client:
        found = client.settings()
        place = client.version()["data"]
    if as_json:
        print_json(found)
        return
    rows = [
        (key, value, "" if value == default else f"default {default}", doc)
        for key, value, default, doc in rendered(found)
    ]
    click.echo(render.table(rows))
    click.echo(f"set in {place}/{FILE}, as `key: value`; read by `headway up`")


@click.command()
@json_option
def version(as_json: bool) -> None:
    """Show the version."""
    print_json({"version": __version__}) if as_json else click.echo(f"headway {__version__}")


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print what a shell needs to complete headway's commands."""
    from click.shell_completion import get_completion_class

    from headway.cli.main import cli

    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(cli, {}, "headway", "_HEADWAY_COMPLETE").source())
