"""`envs` and `extend`."""

import sys
from collections.abc import Sequence
from functools import partial

import click

from headway.cli import render
from headway.cli.accepted import foreseen, show_accepted
from headway.cli.beats import beats
from headway.cli.errors import PENDING, Failed, fail
from headway.cli.options import (
    Duration,
    Showing,
    chosen_environment,
    env_option,
    json_option,
    plan_option,
    print_json,
    reason_option,
    showing_options,
)
from headway.cli.progress import conclude, watch
from headway.model.past import Life
from headway.model.view.environment import EnvironmentView
from headway.sdk import Client, RefusedError

_END_S = 600.0


@click.command()
@click.argument("length")
@click.option("--shorten", is_flag=True, help="Also when it ends earlier than now.")
@env_option
@json_option
def extend(length: str, shorten: bool, environment: str | None, as_json: bool) -> None:
    """Renew an environment's lease, from now: headway extend 2h. `never` has no end."""
    seconds = None if length == "never" else Duration().convert(length, None, None)
    with Client.local() as client:
        name = chosen_environment(client, environment)
        view = client.environments.extend(name, seconds, shorten=shorten)
    if as_json:
        print_json(view)
    else:
        click.echo(f"{view.name} is leased {render.until(view.lease.until)}")


@click.group()
def envs() -> None:
    """Environments: named, isolated sets of apps."""


@envs.command(name="ls")
@click.option("--ended", is_flag=True, help="Those that have ended, instead.")
@json_option
def list_(ended: bool, as_json: bool) -> None:
    """List environments."""
    with Client.local() as client:
        if ended:
            lives = client.environments.ended()
            print_json(lives) if as_json else click.echo(_lives(lives) or "none has ended yet")
            return
        views = client.environments.all()
    if as_json:
        print_json(views)
        return
    rows = [
        (
            view.name,
            view.state.value,
            f"{sum(row.serves for row in view.members)}/{len(view.members)}",
            view.lease.holder,
            render.until(view.lease.until),
        )
        for view in views
    ]
    head = ("ENVIRONMENT", "STATE", "HEALTHY", "HOLDER", "LEASE")
    click.echo(render.table(rows, head) if rows else "none. next: headway start -e NAME APP")


@envs.command()
@click.argument("name")
@json_option
def show(name: str, as_json: bool) -> None:
    """Show an environment."""
    with Client.local() as client:
        view = client.environments.get(name)
    if as_json:
        print_json(view)
        return
    click.echo(f"{view.name} · {view.state.value} · leased to {view.lease.holder}")
    where = f", under {view.under}" if view.under else ""
    click.echo(f"  lease {render.until(view.lease.until)}{where}")
    for member in view.members:
        click.echo(f"  {render.member_line(member)} {' '.join(member.urls)}")


def _lives(lives: Sequence[Life]) -> str:
    rows = [
        (life.id, life.holder, render.moment(life.ended_at), render.safe(life.because))
        for life in lives
        if life.ended_at is not None
    ]
    return render.table(rows, ("ENVIRONMENT", "HOLDER", "ENDED", "BECAUSE")) if rows else ""


@envs.command()
@click.argument("name")
@json_option
def past(name: str, as_json: bool) -> None:
    """Show what is kept of one that has ended.

    NAME is its id, or the name of which it was the last.
    """
    with Client.local() as client:
        view = client.environments.past(name)
    if as_json:
        print_json(view)
        return
    life = view.life
    click.echo(f"{life.id} · {life.state.value} · was leased to {life.holder}")
    click.echo(f"  begun {render.moment(life.created_at)} by {life.created_by}")
    if life.ended_at is not None:
        click.echo(f"  ended {render.moment(life.ended_at)}: {render.safe(life.because)}")
    for row in view.deployments:
        click.echo(f"  {render.outcome(row)}")
    for other in view.others:
        click.echo(f"  another of this name: {other.id}")
    click.echo(f"next: headway logs -e {life.id} · headway events -e {life.id}")


@envs.command()
@click.argument("left")
@click.argument("right")
@json_option
def diff(left: str, right: str, as_json: bool) -> None:
    """Compare two environments. Secrets show only that they differ."""
    with Client.local() as client:
        rows = client.environments.diff(left, right)
    if as_json:
        print_json(rows)
    elif not rows:
        click.echo(f"{left} and {right} are the same")
    for row in [] if as_json else rows:
        click.echo(f"{row.app}: {row.left} | {row.right}")
        for key in row.config:
            click.echo(f"  {render.difference(key, '|')}")


@envs.command()
@click.argument("name")
@click.argument("to")
@click.argument("others", nargs=-1, metavar="[APP@BRANCH]…")
@click.option("--lease", type=Duration(), help="How long the copy lives. Default: 8h.")
@showing_options
def copy(
    name: str, to: str, others: tuple[str, ...], lease: float | None, showing: Showing
) -> None:
    """Start the same apps, config and scale under another name. No data of it.

    Of APP@BRANCH, the last source of that branch, or of a commit, that headway keeps is used.
    """
    if plain := [word for word in others if "@" not in word]:
        raise click.UsageError(f"all apps are copied; of another source: {plain[0]}@BRANCH")
    with Client.local() as client:
        copied = partial(client.environments.copy, name, to, others, lease_s=lease)
        started = foreseen(copied, showing)
        if showing.plan:
            print_json(started) if showing.as_json else click.echo(render.plan(started))
            return
        if not showing.wait:
            show_accepted(started, f"headway status -e {to}", showing)
            return
        ended = watch(client, started, showing)
        if showing.as_json:
            print_json(ended)
        conclude(ended, quiet=showing.as_json)
    if not showing.as_json:
        click.echo(f"next: headway status -e {to}")


@envs.command()
@click.argument("name")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@reason_option
@plan_option
@click.option("--wait/--no-wait", default=True, help="Wait until its name is free.")
@json_option
def destroy(name: str, yes: bool, reason: str, plan: bool, wait: bool, as_json: bool) -> None:
    """End an environment: containers, volumes, config. Its history stays."""
    with Client.local() as client:
        if plan:
            started = client.environments.destroy(name, plan=True)
            print_json(started) if as_json else click.echo(render.plan(started))
            return
        view = client.environments.get(name)
        if not yes and not sys.stdin.isatty():
            raise click.UsageError(f"nobody can be asked here: headway envs destroy {name} --yes")
        if not yes:
            count = len(view.members)
            typed = click.prompt(f"this ends {count} apps and their volumes; type {name} to go on")
            if typed != name:
                raise click.UsageError("nothing was done")
        try:
            client.environments.destroy(name, reason=reason)
        except RefusedError as refused:
            if refused.status != 404:  # it was ending already, and has ended meanwhile
                raise
        if wait:
            _await_end(client, view)
    click.echo(f"ended {name}" if wait else f"ending {name}")


def _await_end(client: Client, view: EnvironmentView) -> None:
    """Wait until an environment has ended, whether or not its name is used again by then."""
    try:
        for happened in beats(client, view.name, _END_S):
            if happened and client.environments.get(view.name).id != view.id:
                return
    except RefusedError as refused:
        if refused.status == 404:
            return
        raise
    fail(f"{view.name} has not ended after {_END_S:g} s", f"headway why {view.name}")
    raise Failed(PENDING)
