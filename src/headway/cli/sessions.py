"""`dashboard` and `sessions`: the pages, and the browsers that are signed in."""

import click

from headway.cli import render
from headway.cli.options import json_option, print_json
from headway.sdk import Client
from headway.sdk.sessions import pages_address


@click.command()
def dashboard() -> None:
    """Print a link that signs a browser in to the pages, once.

    The browser may then do what your token may. The link is not opened for you: a browser's command
    line can be read by every user of the machine.
    """
    with Client.local() as client:
        link = client.sessions.link()
        address = pages_address(client.transport.url)
    click.echo(f"{address}{link.path}")
    click.echo(f"good once, {render.until(link.expires_at)}", err=True)


@click.group()
def sessions() -> None:
    """Browsers that are signed in."""


@sessions.command(name="ls")
@json_option
def list_sessions(as_json: bool) -> None:
    """List your browsers that are signed in; an operator sees everybody's."""
    with Client.local() as client:
        rows = client.sessions.all()
    if as_json:
        print_json(rows)
        return
    lines = [
        (
            row.id,
            row.name,
            row.role.value,
            render.moment(row.seen_at),
            render.moment(row.expires_at),
            row.address,
            render.safe(row.agent),
        )
        for row in rows
    ]
    head = ("ID", "NAME", "ROLE", "SEEN", "EXPIRES", "FROM", "BROWSER")
    nobody = "nobody is signed in. next: headway dashboard"
    click.echo(render.table(lines, head) if lines else nobody)


@sessions.command(name="end")
@click.argument("session", metavar="ID")
def end_session(session: str) -> None:
    """Sign a browser out. It counts at once."""
    with Client.local() as client:
        row = client.sessions.end(session)
    click.echo(f"signed out {row.name} ({row.id})")
