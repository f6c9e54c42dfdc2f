"""`deploy` and what can be done with deployments."""

from pathlib import Path
from typing import Any

import click

from headway.cli import render
from headway.cli.errors import Failed, fail
from headway.cli.options import (
    app_option,
    chosen_app,
    chosen_environment,
    env_option,
    json_option,
    plan_option,
    print_json,
    reason_option,
    waiting_options,
)
from headway.cli.progress import conclude, watch
from headway.model.deployment import Phase
from headway.model.view import Started
from headway.sdk import Client
from headway.sdk.source import commits_between

_replace_option = click.option(
    "--replace", is_flag=True, help="Have deployments under way give way, instead of waiting."
)


@click.command()
@click.argument(
    "directory", type=click.Path(path_type=Path, file_okay=False, exists=True), default="."
)
@env_option
@app_option
@click.option("--commit", help="Deploy this commit of the directory, not its files as they are.")
@click.option(
    "--strategy", type=click.Choice(["rolling", "blue_green", "blue-green", "canary", "recreate"])
)
@click.option("--canary", type=click.IntRange(1, 99), help="Give it this share, and wait.")
@_replace_option
@reason_option
@plan_option
@waiting_options
@json_option
def deploy(
    directory: Path,
    environment: str | None,
    app: str | None,
    commit: str | None,
    strategy: str | None,
    canary: int | None,
    replace: bool,
    reason: str,
    plan: bool,
    wait: bool,
    timeout: float,
    progress: str,
    as_json: bool,
) -> None:
    """Move an app to what is in a directory.

    The release that serves stays until the new one has proved itself, and comes back by itself
    when it does not.
    """
    with Client.local() as client:
        name = chosen_environment(client, environment)
        wanted = chosen_app(app, directory)
        sent = client.apps.send(directory, commit, newest=False)
        if sent.app != wanted:
            fail(f"{directory} holds {sent.app}, not {wanted}")
            raise Failed
        commits = []
        live = [row for row in _releases(client, name, wanted) if row.live]
        if live and live[0].commit and sent.commit:
            commits = commits_between(directory, live[0].commit.id, sent.commit.id)
        options: dict[str, Any] = {"replace": replace, "reason": reason, "plan": plan}
        if strategy:
            options["strategy"] = strategy.replace("-", "_")
        if canary:
            options["canary_percent"] = canary
        started = client.deployments.create(
            name, wanted, source=sent.digest, commits=commits, **options
        )
        if not as_json:
            for line in render.commits(commits, sent.dirty):
                click.echo(line)
        _finish(client, started, plan, wait, timeout, progress, as_json)


def _releases(client: Client, name: str, app: str) -> list[Any]:
    view = client.environments.get(name)
    if app not in [member.app for member in view.members]:
        return []
    return client.deployments.releases(name, app)


def _finish(
    client: Client,
    started: Started,
    plan: bool,
    wait: bool,
    timeout: float,
    progress: str,
    as_json: bool,
) -> None:
    if plan:
        print_json(started) if as_json else click.echo(render.plan(started))
        return
    if not started.deployments:
        app = started.unchanged[0]
        print_json(started) if as_json else click.echo(f"{app}: this serves already")
        if not as_json:
            click.echo(f"next: headway redeploy -e {started.environment} -a {app}")
        return
    identity = started.deployments[0].id
    if not wait:
        print_json(started) if as_json else click.echo(f"next: headway why {identity}")
        return
    ended = watch(client, started, timeout_s=timeout, progress="quiet" if as_json else progress)
    if as_json:
        print_json(ended)
    conclude(ended, quiet=as_json)
    done = ended[0]
    if done.phase is Phase.SUCCEEDED and not as_json:
        name, app = started.environment, done.app
        if done.previous and done.previous != done.release:
            click.echo(f"undo with: headway rollback -e {name} -a {app}")
        else:
            click.echo(f"next: headway ps -e {name} · headway logs -e {name} {app}")


@click.command()
@click.argument("release", required=False)
@env_option
@app_option
@_replace_option
@reason_option
@plan_option
@waiting_options
@json_option
def rollback(
    release: str | None,
    environment: str | None,
    app: str | None,
    replace: bool,
    reason: str,
    plan: bool,
    wait: bool,
    timeout: float,
    progress: str,
    as_json: bool,
) -> None:
    """Go back to the release that served before, or to RELEASE, such as v3."""
    number = None
    if release:
        text = release.rpartition("@")[2].removeprefix("v")
        if not text.isdigit():
            raise click.UsageError(f"{release!r} is no release, such as v3")
        number = int(text)
    with Client.local() as client:
        name = chosen_environment(client, environment)
        started = client.deployments.create(
            name,
            chosen_app(app),
            "rollback",
            release=number,
            replace=replace,
            reason=reason,
            plan=plan,
        )
        _finish(client, started, plan, wait, timeout, progress, as_json)


@click.command()
@env_option
@app_option
@_replace_option
@reason_option
@plan_option
@waiting_options
@json_option
def redeploy(
    environment: str | None,
    app: str | None,
    replace: bool,
    reason: str,
    plan: bool,
    wait: bool,
    timeout: float,
    progress: str,
    as_json: bool,
) -> None:
    """Start the same again, with the config as it is now."""
    with Client.local() as client:
        name = chosen_environment(client, environment)
        started = client.deployments.create(
            name, chosen_app(app), "redeploy", replace=replace, reason=reason, plan=plan
        )
        _finish(client, started, plan, wait, timeout, progress, as_json)


@click.command()
@click.argument("copies", nargs=-1, required=True, metavar="PROCESS=COPIES…")
@env_option
@app_option
@_replace_option
@reason_option
@plan_option
@waiting_options
@json_option
def scale(
    copies: tuple[str, ...],
    environment: str | None,
    app: str | None,
    replace: bool,
    reason: str,
    plan: bool,
    wait: bool,
    timeout: float,
    progress: str,
    as_json: bool,
) -> None:
    """Set how many copies of a process type run: headway scale web=3 worker=2."""
    wanted: dict[str, int] = {}
    for pair in copies:
        process, _, count = pair.partition("=")
        if not count.isdigit():
            raise click.UsageError(f"{pair!r} should be such as web=3")
        wanted[process] = int(count)
    with Client.local() as client:
        name = chosen_environment(client, environment)
        started = client.deployments.create(
            name,
            chosen_app(app),
            "scale",
            scale=wanted,
            replace=replace,
            reason=reason,
            plan=plan,
        )
        _finish(client, started, plan, wait, timeout, progress, as_json)


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
    """Stop a deployment under way and go back to the release that served."""
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
        raise click.UsageError(f"no deployment of {member.app} is under way in {name}")
    return str(member.deployment.id)
