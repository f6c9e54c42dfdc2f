"""`apps`: what headway knows."""

from pathlib import Path

import click

from headway.cli import render
from headway.cli.errors import REFUSED, Failed, show_refusal
from headway.cli.options import json_option, print_json
from headway.model.view.app import Place
from headway.sdk import Client, RefusedError


@click.group()
def apps() -> None:
    """Apps that headway knows."""


@apps.command(name="ls")
@json_option
def list_(as_json: bool) -> None:
    """List apps."""
    with Client.local() as client:
        rows = client.apps.all()
    if as_json:
        print_json(rows)
        return
    lines = [
        (
            row.name,
            render.safe(row.commit.id[:7] + "+" * row.dirty) if row.commit else row.source[7:14],
            render.age(row.updated_at),
            ",".join(map(_place, row.places)) or "-",
            ",".join(row.dependencies) or "-",
        )
        for row in rows
    ]
    head = ("APP", "SOURCE", "AGE", "ENVIRONMENTS", "NEEDS")
    click.echo(
        render.table(lines, head) if lines else "no app yet. next: headway apps add DIRECTORY"
    )
    for row in rows:
        for place in row.places:
            if not place.is_quiet:
                click.echo(f"{row.name} in {place.environment}: {render.safe(place.because)}")


def _place(place: Place) -> str:
    return place.environment if place.is_quiet else f"{place.environment}({place.state.value})"


@apps.command()
@click.argument(
    "directories",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
)
@json_option
def add(directories: tuple[Path, ...], as_json: bool) -> None:
    """Send directories; each becomes the newest source of its app."""
    refused = False
    sent = []
    with Client.local() as client:
        for directory in directories:
            try:
                view = client.apps.send(directory)
            except RefusedError as error:
                click.echo(f"{directory}:", err=True)
                show_refusal(error)
                refused = True
                continue
            sent.append(view)
            if not as_json:
                what = render.safe(view.commit.id[:7]) if view.commit else view.digest[:19]
                click.echo(f"{view.app}  {what}{' with changes' if view.dirty else ''}")
    if as_json:
        print_json(sent)
    if refused:
        raise Failed(REFUSED)
    if not as_json:
        click.echo(f"next: headway start -e NAME {sent[-1].app}")


@apps.command(name="show")
@click.argument("app")
@json_option
def show_app(app: str, as_json: bool) -> None:
    """Show an app: its source, what it needs, and how it does where it is."""
    with Client.local() as client:
        row = client.apps.get(app)
    if as_json:
        print_json(row)
        return
    click.echo(f"{row.name} · team {render.safe(row.team or '-')} · source {row.source[:19]}")
    if row.commit is not None:
        said = f"{row.commit.id[:12]} {row.commit.subject} ({row.branch})"
        click.echo(f"  {render.safe(said)}")
    click.echo(f"  needs {', '.join(row.dependencies) or 'nothing'}")
    for place in row.places:
        said = f": {render.safe(place.because)}" if place.because else ""
        click.echo(f"  in {place.environment} {render.state_word(place.state)}{said}")
    if not row.places:
        click.echo("  in no environment")


@apps.command()
@click.argument("app")
def rm(app: str) -> None:
    """Forget an app that is in no environment."""
    with Client.local() as client:
        client.apps.forget(app)
    click.echo(f"forgot {app}")
