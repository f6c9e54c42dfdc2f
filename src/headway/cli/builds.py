"""`builds`: what turns sources into artifacts."""

import click

from headway.cli import render
from headway.cli.logs import print_lines
from headway.cli.options import json_option, print_json
from headway.model.build import Build
from headway.model.view.build import BuildView
from headway.sdk import Client

_COMMIT = 10
_BECAUSE = 60


@click.group()
def builds() -> None:
    """Builds and their logs."""


@builds.command(name="ls")
@click.option("-a", "--app", help="Only of this app.")
@click.option("--before", help="Only those made before this build.")
@click.option("-n", "--limit", type=click.IntRange(1, 500), default=30)
@json_option
def list_builds(app: str | None, before: str | None, limit: int, as_json: bool) -> None:
    """List builds, newest first."""
    with Client.local() as client:
        rows, following = client.builds.page(app, limit=limit, before=before)
    if as_json:
        print_json(rows)
        return
    lines = [
        (
            view.build.id,
            view.build.app,
            view.build.state.value,
            _commit(view),
            render.age(view.build.created_at),
            _took(view.build),
            _size(view.build),
            view.build.created_by,
            render.safe(view.build.failure.because)[:_BECAUSE] if view.build.failure else "",
        )
        for view in rows
    ]
    head = ("BUILD", "APP", "STATE", "COMMIT", "AGE", "TOOK", "SIZE", "BY", "BECAUSE")
    if lines:
        click.echo(render.table(lines, head))
    if following is not None:
        click.echo(f"next: the same with --before {following}")
    elif not lines:
        click.echo("no build matches. next: headway deploy")


def _commit(view: BuildView) -> str:
    """Say of which commit it is, where that is known; a plus: files differed from it."""
    if view.commit is None:
        return "-"
    return f"{view.commit.id[:_COMMIT]}{'+' if view.dirty else ''}"


def _took(row: Build) -> str:
    return render.took(row.started_at, row.ended_at)


def _size(row: Build) -> str:
    return render.size(row.artifact.size_bytes) if row.artifact else "-"


@builds.command(name="show")
@click.argument("build")
@json_option
def show_build(build: str, as_json: bool) -> None:
    """Show a build."""
    with Client.local() as client:
        row = client.builds.get(build)
    if as_json:
        print_json(row)
        return
    click.echo(f"{row.id} · {row.app} · {row.state.value} · source {row.source[:19]}")
    click.echo(f"  by         {row.created_by}, {render.age(row.created_at)} ago")
    for word, text in (
        ("took", _took(row)),
        ("size", _size(row)),
        ("node", row.node or "-"),
    ):
        if text != "-":
            click.echo(f"  {word:<11}{text}")
    if row.failure is not None:
        click.echo(render.failure(row.failure, "it failed"))
    else:
        click.echo(f"next: headway builds logs {row.id}")


@builds.command(name="logs")
@click.argument("build")
@click.option("-f", "--follow", is_flag=True, help="Go on until the build has ended.")
@json_option
def build_logs(build: str, follow: bool, as_json: bool) -> None:
    """Show what a build wrote."""
    with Client.local() as client:
        print_lines(client.logs.build(build, follow=follow), None, as_json, prefix=False)
