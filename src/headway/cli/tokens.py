"""`tokens`: who may speak to this headway, and what they may do."""

from datetime import datetime

import click

from headway.cli import render
from headway.cli.options import Duration, json_option, print_json
from headway.model.role import Role
from headway.sdk import Client

_ROLES = [role.value for role in Role]


@click.group()
def tokens() -> None:
    """Tokens: who may speak to this headway, and what they may do."""


@tokens.command(name="ls")
@json_option
def list_tokens(as_json: bool) -> None:
    """List tokens; secrets are known to their owners only."""
    with Client.local() as client:
        rows = client.tokens.all()
    if as_json:
        print_json(rows)
        return
    lines = [
        (
            row.name,
            row.role.value,
            render.safe(", ".join(row.teams)) or "-",
            _moment(row.expires_at, "never"),
            _moment(row.used_at, "not yet"),
            row.created_by,
            row.id,
        )
        for row in rows
    ]
    head = ("NAME", "ROLE", "TEAMS", "EXPIRES", "LAST USED", "MADE BY", "ID")
    click.echo(render.table(lines, head))


def _moment(at: datetime | None, without: str) -> str:
    return render.moment(at) if at else without


@tokens.command(name="create")
@click.argument("name")
@click.option(
    "--role",
    type=click.Choice(_ROLES),
    required=True,
    help="viewer: sees everything but secrets. developer: acts on the apps of its teams. "
    "operator: everything.",
)
@click.option(
    "--team", "teams", multiple=True, help="A team whose apps a developer acts on; repeatable."
)
@click.option(
    "--for",
    "length_s",
    type=Duration(),
    help="How long it is good, such as 90d. Default: for ever.",
)
@json_option
def create_token(
    name: str, role: str, teams: tuple[str, ...], length_s: float | None, as_json: bool
) -> None:
    """Make a token, and print its secret, this once.

    The secret alone goes to standard output: HEADWAY_TOKEN=$(headway tokens create …).
    """
    with Client.local() as client:
        made = client.tokens.create(name, Role(role), teams=teams, length_s=length_s)
        url = client.transport.url
    if as_json:
        print_json(made)
        return
    whose = f" of {', '.join(made.token.teams)}" if made.token.teams else ""
    ends = f"until {render.moment(made.token.expires_at)}" if made.token.expires_at else "for ever"
    click.echo(f"{name} is a {role}{whose}, {ends}; this is shown once:", err=True)
    click.echo(made.secret)
    click.echo(f"next: HEADWAY_URL={url} HEADWAY_TOKEN=… headway status", err=True)


@tokens.command(name="revoke")
@click.argument("token", metavar="NAME|ID")
def revoke_token(token: str) -> None:
    """End a token. It counts at once."""
    with Client.local() as client:
        row = client.tokens.revoke(token)
    click.echo(f"revoked {row.name} ({row.id})")
