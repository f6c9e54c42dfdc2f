"""What is there: `ps`, `status`, `open`, `why`, `plan`, `history`."""

from collections.abc import Sequence

import click

from headway.cli import render
from headway.cli.errors import Failed
from headway.cli.nodes import standing
from headway.cli.options import (
    any_env_option,
    app_option,
    chosen_app,
    chosen_environment,
    env_option,
    json_option,
    listed_env_option,
    print_json,
    split_reference,
)
from headway.model.deployment import Deployment
from headway.model.node import NodeState
from headway.model.view.environment import EnvironmentView
from headway.model.view.run import FailedRuns
from headway.model.view.standing import QUIET
from headway.model.words import and_more
from headway.sdk import Client

_FAILED_MOST = 10
"""Of so many jobs failed runs are shown: all is to be on one screen."""


@click.command()
@listed_env_option
@click.option("--all", "-A", "everything", is_flag=True, help="Of all environments.")
@json_option
def ps(environment: str | None, everything: bool, as_json: bool) -> None:
    """Show containers, by app and process type, and what they use."""
    with Client.local() as client:
        if everything or environment is None:
            views = client.environments.all()
        else:
            views = [client.environments.get(environment)]
        several = not as_json and len(client.nodes.all()) > 1
    if as_json:
        print_json([member for view in views for member in view.members])
        return
    members = [member for view in views for member in view.members]
    found = [(member.environment, row) for member in members for row in member.containers]
    used = {name: use for member in members for name, use in member.used.items()}
    rows = [
        (
            name,
            f"{row.app}/{row.label}",
            f"v{row.release}",
            row.state.value,
            render.age(row.started_at),
            str(row.restarts) if row.restarts else "",
            render.cores(used.get(row.id), "" if row.is_ended else "-"),
            render.mib(used.get(row.id), "" if row.is_ended else "-"),
            *((row.node,) if several else ()),
            row.id,
        )
        for name, row in found
    ]
    on = ("NODE",) if several else ()
    head = ("ENVIRONMENT", "CONTAINER", "RELEASE", "STATE", "AGE", "RESTARTS")
    head = (*head, "CORES", "MIB", *on, "ID")
    click.echo(
        render.table(rows, head) if rows else "nothing runs. next: headway start -e NAME APP"
    )


@click.command()
@any_env_option
@json_option
def status(environment: str | None, as_json: bool) -> None:
    """Show what is wrong or moving, on one screen."""
    with Client.local() as client:
        views = [client.environments.get(environment)] if environment else client.environments.all()
        failed = client.runs.failed(environment)
        whole = not (environment or as_json)
        nodes = client.nodes.all() if whole else []
        checks = client.doctor() if whole else []
    if as_json:
        print_json({"environments": views, "failed_runs": failed})
        return
    out_of_use = [row for row in nodes if row.node.state is not NodeState.READY]
    if not views:
        click.echo("there is no environment. next: headway start -e NAME APP")
    for view in views:
        _show_environment(view)
    _show_failed(failed)
    for row in out_of_use:
        click.echo(f"node {row.node.id} {standing(row)}")
    for check in checks:
        if not check.ok:
            click.echo(f"{check.name}: {render.safe(check.detail)}")
            if check.fix:
                click.echo(f"    next: {render.safe(check.fix)}")


def _show_environment(view: EnvironmentView) -> None:
    lease = render.until(view.lease.until)
    healthy = sum(row.serves for row in view.members)
    head = f"{view.name} · {view.state.value} · leased to {view.lease.holder} {lease}"
    click.echo(f"{head} · {healthy} of {len(view.members)} apps healthy")
    rows = [
        (
            f"  {row.app}",
            row.state.value,
            f"v{row.live}" if row.live else "-",
            f"{row.healthy}/{row.wanted}" if row.wanted or row.healthy else "-",
            render.safe(row.because) if row.state not in QUIET else " ".join(row.urls),
        )
        for row in sorted(view.members, key=lambda row: row.state in QUIET)
    ]
    if rows:
        click.echo(render.table(rows))
    for member in view.members:
        if member.not_kept and member.deployment is not None:
            _show_not_kept(member.deployment)


def _show_not_kept(row: Deployment) -> None:
    label = f"{row.app} v{row.release}" if row.release else row.app
    because = render.safe(row.failure.because if row.failure else row.because)
    click.echo(f"  {label} was not kept {render.age(row.ended_at)} ago: {because}")
    click.echo(f"    next: headway why {row.id}")


def _show_failed(jobs: Sequence[FailedRuns]) -> None:
    """Say of which jobs runs failed lately, as the page Now does; of many, the first."""
    if jobs:
        click.echo(and_more([_failed_runs(job) for job in jobs[:_FAILED_MOST]], len(jobs), "\n"))
    if len(jobs) > _FAILED_MOST:
        click.echo("    next: headway runs ls --state failed")


def _failed_runs(row: FailedRuns) -> str:
    more = " or more" if row.is_more else ""
    count = f" {row.count}{more} times, the last" if row.count > 1 else ""
    well = "; another has succeeded since" if row.is_well else ""
    what = f"{row.environment}/{row.app}/{row.job} {row.state.value}{count}"
    return (
        f"run {what} {render.age(row.at)} ago: {render.safe(row.because)}{well}\n"
        f"    next: headway why {row.run} · headway runs again {row.run}"
    )


@click.command(name="open")
@click.argument("app", required=False)
@env_option
@click.option("--print", "only_print", is_flag=True, help="Only print the address.")
def open_(app: str | None, environment: str | None, only_print: bool) -> None:
    """Open an app in the browser."""
    with Client.local() as client:
        owner, name = split_reference(app) if app else (None, None)
        where = owner or chosen_environment(client, environment)
        members = client.environments.get(where).members
        wanted = name or (chosen_app(None) if len(members) != 1 else members[0].app)
        member = client.environments.member(where, wanted)
    if not member.urls:
        click.echo(f"{wanted} exposes nothing in {where}", err=True)
        raise Failed
    click.echo(member.urls[0])
    if not only_print and member.urls[0].startswith("http"):
        click.launch(member.urls[0])


@click.command()
@click.argument("thing")
@any_env_option
@app_option
@json_option
def why(thing: str, environment: str | None, app: str | None, as_json: bool) -> None:
    """Say why a THING is as it is.

    An app, process type, job, schedule, environment, container, deployment, build, run, lease,
    lock, node or pool; of one environment or app as ENVIRONMENT/THING, APP/THING.
    """
    with Client.local() as client:
        found = client.why(thing, environment, app)
    if as_json:
        print_json(found)
        return
    click.echo(f"{found.thing} is {found.state}: {render.safe(found.because)}")
    for one in found.happened:
        event = one.event
        what = event.data.get("what") or event.kind
        if one.times > 1:
            lasted = render.age(one.first_at, event.at)
            what = f"{event.kind} · {one.times} times in {lasted}"
        line = f"  {render.moment(event.at)}  {what}  {render.safe(event.because)}"
        click.echo(line.rstrip())
    if found.next:
        click.echo(f"next: {' · '.join(found.next)}")


@click.command()
@any_env_option
@json_option
def plan(environment: str | None, as_json: bool) -> None:
    """Say what would be done next if nothing else happened."""
    with Client.local() as client:
        found = client.plan(environment)
    if as_json:
        print_json(found)
        return
    lines = render.changes(found)
    click.echo("\n".join(lines) if lines else "nothing is to be done: all is as it should be")


@click.command()
@env_option
@app_option
@click.option("-n", "--limit", type=click.IntRange(1, 500), default=20, help="How many.")
@json_option
def history(environment: str | None, app: str | None, limit: int, as_json: bool) -> None:
    """Show an app's deployments: who, when, what changed, how it ended."""
    with Client.local() as client:
        name = chosen_environment(client, environment)
        wanted = chosen_app(app)
        rows, _ = client.deployments.history(name, wanted, limit=limit)
    if as_json:
        print_json(rows)
        return
    lines = [
        (
            f"#{row.number}",
            render.moment(row.created_at),
            row.created_by,
            row.kind.value,
            " → ".join(f"v{it}" if it else "-" for it in (row.previous, row.release)),
            row.strategy.value,
            row.phase.value,
            row.id,
            _what_changed(row.commits[0].subject if row.commits else "", len(row.commits))
            or " ".join(row.config_changed)
            or render.safe(row.reason),
        )
        for row in rows
    ]
    click.echo(render.table(lines) or f"{wanted} was never deployed in {name}")


def _what_changed(subject: str, count: int) -> str:
    if not count:
        return ""
    more = f" (+{count - 1} more)" if count > 1 else ""
    return f"{render.safe(subject)}{more}"
