"""`config`: what an app is told by its environment."""

import sys
from functools import partial
from pathlib import Path

import click

from headway.cli import render
from headway.cli.options import (
    Showing,
    Unclear,
    app_of,
    app_option,
    chosen_app,
    chosen_environment,
    env_option,
    json_option,
    plan_option,
    print_json,
    reason_option,
)
from headway.cli.progress import conclude, watch
from headway.formats.dotenv import parse_dotenv
from headway.formats.units import parse_count
from headway.model.config import ConfigChange
from headway.model.problem import render_problem
from headway.model.view.change import Started
from headway.model.view.config import ConfigVersion, ConfigView
from headway.sdk import Client, RefusedError


@click.group()
def config() -> None:
    """Set, show and compare config and secrets."""


@config.command()
@click.argument("key", required=False)
@env_option
@app_option
@json_option
def get(key: str | None, environment: str | None, app: str | None, as_json: bool) -> None:
    """Show config, or the value of KEY. Secrets never show."""
    with Client.local() as client:
        name = chosen_environment(client, environment)
        view = client.config.show(name, chosen_app(app), reveal=True)
    if as_json:
        print_json(view)
    elif key is not None:
        value = next((row for row in view.values if row.key == key), None)
        if value is None or (value.value is None and not value.secret):
            where = f"-e {view.environment} -a {view.app}"
            raise Unclear(
                f"{key} is not set for {view.app} in {view.environment}",
                f"headway config set {where} {key}=…",
                f"headway config get {where}",
            )
        click.echo("(secret)" if value.secret else value.value)
    elif not view.values:
        click.echo(f"{view.app} has no config in {name}. next: headway config set KEY=VALUE")
    else:
        click.echo(_table(view))


def _table(view: ConfigView) -> str:
    rows = [
        (
            row.key,
            "(secret)"
            if row.secret
            else "(not set)"
            if row.value is None
            else render.safe(row.value),
            "default" if row.default else "required" if row.required else "",
        )
        for row in view.values
    ]
    return render.table(rows)


@config.command(name="set")
@click.argument("pairs", nargs=-1, metavar="KEY=VALUE…")
@env_option
@app_option
@click.option("--secret", is_flag=True, help="Never shown again, and kept out of logs.")
@click.option("--from-file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--no-deploy", is_flag=True, help="Only the next release has it.")
@reason_option
@plan_option
@json_option
def set_(
    pairs: tuple[str, ...],
    environment: str | None,
    app: str | None,
    secret: bool,
    from_file: Path | None,
    no_deploy: bool,
    reason: str,
    plan: bool,
    as_json: bool,
) -> None:
    """Set config; an app that runs gets a new release.

    A KEY without a value is asked for, or read from standard input, so that it stands in no
    history.
    """
    values: dict[str, tuple[str, bool]] = {}
    if from_file is not None:
        parsed = parse_dotenv(from_file.read_text(), file=str(from_file))
        if parsed.problems:
            raise click.UsageError("\n".join(render_problem(row) for row in parsed.problems))
        values |= {key: (value, secret) for key, value in (parsed.value or {}).items()}
    for pair in pairs:
        key, given, value = pair.partition("=")
        values[key] = (value if given else _asked(key), secret)
    if not values:
        raise click.UsageError("give KEY=VALUE, or --from-file")
    with Client.local() as client:
        name = environment or chosen_environment(client, None)
        wanted = chosen_app(app)
        ask = partial(
            client.config.change,
            name,
            wanted,
            set=values,
            deploy=not no_deploy,
            reason=reason,
            plan=plan,
        )
        try:
            view = ask()
        except RefusedError as refused:
            if plan or refused.refusal.code != "app-unknown" or app_of(Path.cwd()) != wanted:
                raise
            client.apps.send(Path.cwd())  # an app that needs config cannot be started before it
            click.echo(f"  {wanted} is new: sent from this directory", err=True)
            view = ask()
        _finish(client, view, "" if plan else f"set {', '.join(values)}", as_json)
        if not (plan or as_json or no_deploy or view.serves or view.missing):
            click.echo(f"next: headway start -e {name} {wanted}")


def _asked(key: str) -> str:
    if sys.stdin.isatty():
        return str(click.prompt(key, hide_input=True))
    found = sys.stdin.read().rstrip("\n")
    if not found:
        raise click.UsageError(
            f"there is no value for {key}: pipe it in, or say {key}= for an empty one"
        )
    return found


@config.command()
@click.argument("keys", nargs=-1, required=True)
@env_option
@app_option
@click.option("--no-deploy", is_flag=True, help="Only the next release is without it.")
@reason_option
@plan_option
@json_option
def unset(
    keys: tuple[str, ...],
    environment: str | None,
    app: str | None,
    no_deploy: bool,
    reason: str,
    plan: bool,
    as_json: bool,
) -> None:
    """Unset config; an app that runs gets a new release."""
    with Client.local() as client:
        name = chosen_environment(client, environment)
        view = client.config.change(
            name, chosen_app(app), unset=keys, deploy=not no_deploy, reason=reason, plan=plan
        )
        _finish(client, view, "" if plan else f"unset {', '.join(keys)}", as_json)


def _finish(client: Client, view: ConfigView, what: str, as_json: bool) -> None:
    """Show what was done and how it goes on; where nothing was done, what would be."""
    if as_json:
        print_json(view)
    if not what:
        started = Started(
            environment=view.environment,
            unchanged=(view.app,) if view.unchanged else (),
            plan=view.plan,
            obstacles=view.obstacles,
        )
        click.echo("" if as_json else render.plan(started), nl=not as_json)
        return
    if not as_json:
        said = "nothing changed: it is so already" if view.unchanged else what
        click.echo(f"{said} for {view.app} in {view.environment}")
    if view.deployment is not None:
        started = Started(environment=view.environment, deployments=(view.deployment,))
        ended = watch(client, started, Showing(progress="quiet" if as_json else "auto"))
        conclude(ended, quiet=as_json)
    elif view.missing and not as_json:
        keys = " ".join(f"{key}=…" for key in view.missing)
        click.echo(f"still missing: {', '.join(view.missing)}")
        click.echo(f"next: headway config set -e {view.environment} -a {view.app} {keys}")


@config.command()
@click.argument("before")
@click.argument("after")
@env_option
@app_option
@json_option
def diff(before: str, after: str, environment: str | None, app: str | None, as_json: bool) -> None:
    """Compare the config of two releases: headway config diff v1 v2."""
    first, second = (parse_count(text.removeprefix("v")) for text in (before, after))
    if first is None or second is None:
        raise click.UsageError("give two releases, such as v1 v2")
    with Client.local() as client:
        name = chosen_environment(client, environment)
        rows = client.config.diff(name, chosen_app(app), int(first), int(second))
    if as_json:
        print_json(rows)
    elif not rows:
        click.echo("their config is the same")
    for row in [] if as_json else rows:
        click.echo(render.difference(row, "→"))


@config.command()
@click.argument("number", type=click.IntRange(1, 10**9), required=False)
@env_option
@app_option
@json_option
def history(number: int | None, environment: str | None, app: str | None, as_json: bool) -> None:
    """Show who changed which keys; of NUMBER, what that change did."""
    with Client.local() as client:
        name = chosen_environment(client, environment)
        if number is not None:
            version = client.config.version(name, chosen_app(app), number)
            print_json(version) if as_json else click.echo(_version(version))
            return
        rows = client.config.history(name, chosen_app(app))
    if as_json:
        print_json(rows)
    else:
        click.echo(render.table([_change(row) for row in rows]) or "nothing was ever set")


def _change(row: ConfigChange) -> tuple[str, str, str, str]:
    keys = [f"+{key}" for key in row.set] + [f"-{key}" for key in row.unset]
    return f"{row.number}", render.moment(row.at), row.by, " ".join(keys)


def _version(version: ConfigVersion) -> str:
    lines = [" ".join(_change(version.change))]
    if version.differences is None:
        lines.append("  no release was made with it or the one before: values are not kept")
    lines += [f"  {render.difference(row, '→')}" for row in version.differences or ()]
    if version.releases:
        lines.append(f"  in {', '.join(f'v{number}' for number in version.releases)}")
    return "\n".join(lines)
