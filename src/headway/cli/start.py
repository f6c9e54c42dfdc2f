"""`start` and `stop`: environments on demand."""

from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

import click

from headway.cli import render
from headway.cli.accepted import foreseen, show_accepted
from headway.cli.options import (
    LeaseOrLength,
    Showing,
    Unclear,
    app_of,
    chosen_environment,
    env_option,
    json_option,
    plan_option,
    print_json,
    reason_option,
    showing_options,
)
from headway.cli.progress import conclude, watch
from headway.formats.app_at import parse_wanted
from headway.model.deployment import Phase
from headway.model.view.app import SourceView
from headway.model.view.change import Started
from headway.sdk import Client, RefusedError


@click.command()
@click.argument("apps", nargs=-1)
@env_option
@click.option(
    "--lease",
    type=LeaseOrLength(),
    help="How long the environment lives (default: 8h), or the lease of a node it is to run under.",
)
@reason_option
@showing_options
def start(
    apps: tuple[str, ...],
    environment: str | None,
    lease: float | str | None,
    reason: str,
    showing: Showing,
) -> None:
    """Bring apps up in an environment, with everything they need.

    \b
    headway start -e demo            the app of this directory
    headway start -e demo web        web, and all it depends on
    headway start -e demo web@main   the last of that branch, or of a commit, that is kept
    headway start -e demo --plan     only say what would be done
    """  # noqa: D301 (click reads the backspace)
    with Client.local() as client:
        name = environment or chosen_environment(client, None)
        named = parse_wanted(apps)
        sent = [] if named.of else _here(client, apps)
        wanted = list(apps) or [str(view.app) for view in sent]
        as_json = showing.as_json
        ask = partial(_start, client, name, wanted, sent, lease, reason)
        started = foreseen(ask, showing)
        if showing.plan:
            print_json(started) if as_json else click.echo(render.plan(started))
            return
        if not as_json:
            with suppress(RefusedError):  # it was destroyed already, which is told below
                _show_begin(client, name, started)
        if not showing.wait:
            show_accepted(started, f"headway status -e {name}", showing)
            return
        ended = watch(client, started, showing)
        if as_json:
            print_json(client.environments.get(name))
        conclude([row for row in ended if row.phase is not Phase.SUCCEEDED])
        if not as_json:
            _show_end(client, name, named.apps or wanted)


def _start(
    client: Client,
    name: str,
    wanted: list[str],
    sent: list[SourceView],
    lease: float | str | None,
    reason: str,
    *,
    plan: bool,
) -> Started:
    """Start; apps that headway does not know yet are sent where they lie beside this directory.

    They are then in `sent`, so that who asks again does not send them again.
    """
    under = lease if isinstance(lease, str) else None
    length_s = None if isinstance(lease, str) else lease
    tried: set[str] = set()
    while True:
        try:
            return client.environments.start(
                name,
                wanted,
                sources=[view.digest for view in sent],
                lease_s=length_s,
                under=under,
                reason=reason,
                plan=plan,
            )
        except RefusedError as refused:
            if refused.refusal.code != "app-unknown":
                raise
            missing = {words.rpartition("/")[2] for words in refused.refusal.next} - tried
            found = _neighbours(missing)
            if not found:
                raise
            tried |= missing
            for app, folder in found.items():
                click.echo(f"  found {app} in ../{folder.name}", err=True)
                sent.append(client.apps.send(folder, newest=False))


def _show_begin(client: Client, name: str, started: Started) -> None:
    view = client.environments.get(name)
    click.echo(f"{name} · leased to {view.lease.holder} {render.until(view.lease.until)}")
    for app in started.unchanged:
        click.echo(f"· {app} runs already")
    for line in render.not_deployed(started):
        click.echo(line)


def _show_end(client: Client, name: str, wanted: Sequence[str]) -> None:
    members = [row for row in client.environments.get(name).members if row.app in wanted]
    for member in members:
        for url in member.urls:
            click.echo(f"  {member.app}  {url}")
    served = any(member.urls for member in members)
    first = f"headway open -e {name}" if served else f"headway jobs ls -e {name}"
    click.echo(f"next: {first} · headway logs -f -e {name}")


def _here(client: Client, apps: tuple[str, ...]) -> list[SourceView]:
    """Send the app of this directory, where it is meant."""
    here = app_of(Path.cwd())
    if here is None and not apps:
        raise Unclear(
            "say which app, or go to its directory: there is no headway.yaml here", "headway init"
        )
    if apps and here not in apps:
        return []
    return [client.apps.send(Path.cwd(), newest=False)]


def _stop_container(client: Client, thing: str) -> bool:
    """Stop a container, if that is what is meant."""
    try:
        row = client.containers.get(thing)
    except RefusedError:
        return False
    client.containers.stop(row.id)
    click.echo(f"stopping {row.app}/{row.label} ({row.id})")
    return True


def _neighbours(missing: set[str]) -> dict[str, Path]:
    """Find apps that are missing among the directories beside this one."""
    found: dict[str, Path] = {}
    for folder in sorted(Path.cwd().parent.iterdir())[:1000]:
        name = app_of(folder) if folder.is_dir() else None
        if name is not None and name in missing:
            found.setdefault(name, folder)
    return found


@click.command()
@click.argument("apps", nargs=-1)
@env_option
@click.option("--all", "-A", "everything", is_flag=True, help="All apps of the environment.")
@reason_option
@plan_option
@json_option
def stop(
    apps: tuple[str, ...],
    environment: str | None,
    everything: bool,
    reason: str,
    plan: bool,
    as_json: bool,
) -> None:
    """Stop apps and keep their place.

    Where none is named, that is the one of this directory.
    A container is stopped by its id; a service's is followed by another. `headway start` brings
    apps back as they were. To end an environment: headway envs destroy.
    """
    if everything and apps:
        raise click.UsageError("name apps, or say --all")
    if not everything and not apps:
        here = app_of(Path.cwd())
        if here is None:
            raise click.UsageError("say which apps, or --all, or go to an app's directory")
        apps = (here,)
    with Client.local() as client:
        if len(apps) == 1 and _stop_container(client, apps[0]):
            return
        name = chosen_environment(client, environment)
        started = client.environments.stop(name, apps, reason=reason, plan=plan)
        if as_json:
            print_json(started)
        elif plan:
            click.echo(render.plan(started))
        else:
            click.echo(f"stopping {', '.join(apps) or 'everything'} in {name}")
            click.echo(f"next: headway status -e {name} · headway start -e {name} APP")
