"""`rebalance`: moving services so that nodes can be given back."""

import time

import click

from headway.cli import render
from headway.cli.options import json_option, plan_option, print_json
from headway.model.node import NodeState
from headway.model.rebalance import Rebalance
from headway.sdk import Client
from headway.sdk.errors import RefusedError

_LOOK_S = 0.5


@click.command()
@plan_option
@click.option("--yes", is_flag=True, help="Carry it out, one node after another; Ctrl-C stops.")
@click.option(
    "--churn",
    type=click.IntRange(0, 100),
    default=10,
    show_default=True,
    help="Percent of all services that may move.",
)
@json_option
def rebalance(churn: int, *, plan: bool, yes: bool, as_json: bool) -> None:
    """Show which services could move so that nodes can be given back, or have them move."""
    with Client.local() as client:
        found = client.rebalance.plan(churn / 100)
        if as_json:
            print_json(found)
        else:
            _show(found)
        if not found.nodes:
            return
        if plan or not yes:
            if not as_json:
                click.echo("nothing was changed. next: headway rebalance --yes")
            return
        for row in found.nodes:
            _empty(client, row.node, churn / 100)


def _show(found: Rebalance) -> None:
    for row in found.nodes:
        click.echo(
            f"empty {row.node}: saves {row.saves_hour:g} an hour, "
            f"score {row.score:g} ({render.safe(row.because)})"
        )
        for move in row.moves:
            click.echo(f"  {render.safe(move.what)}: {move.source} → {move.target}")
    for text in found.left:
        click.echo(f"keep {render.safe(text)}")
    if found.nodes:
        share = f"{found.moves} of {found.services} services move"
        click.echo(f"saves {found.saves_hour:g} an hour; {share}")
    else:
        click.echo("nothing is worth moving. next: headway nodes")


def _empty(client: Client, node: str, churn: float) -> None:
    """Have a node emptied, and wait until it is, or until somebody took it back."""
    client.rebalance.begin(node, churn)
    click.echo(f"· {node} is being emptied (stop: headway nodes uncordon {node})")
    while True:
        try:
            view = client.nodes.show(node)
        except RefusedError:  # it was given back
            click.echo(f"✓ {node} is given back")
            return
        if view.node.state is not NodeState.DRAINING:
            click.echo(f"{node} was taken back. next: headway why {node}")
            return
        if view.hold is not None and view.hold.empty_at is not None:
            click.echo(f"✓ {node} is empty")
            return
        time.sleep(_LOOK_S)
