"""`rebalance`: moving services so that nodes can be given back."""

import time

import click

from headway.cli import render
from headway.cli.errors import Failed
from headway.cli.options import json_option, plan_option, print_json
from headway.model.rebalance import (
    Rebalance,
    RebalanceStep,
    Rebalancing,
    RebalancingState,
    StepState,
)
from headway.sdk import Client

_LOOK_S = 0.5


@click.group(invoke_without_command=True)
@plan_option
@click.option("--yes", is_flag=True, help="Approve it: it is carried out, node after node.")
@click.option(
    "--churn",
    type=click.IntRange(0, 100),
    default=10,
    show_default=True,
    help="Percent of all services that may move.",
)
@click.option("--wait/--no-wait", default=True, help="With --yes: show what becomes of it.")
@json_option
@click.pass_context
def rebalance(
    context: click.Context, churn: int, *, plan: bool, yes: bool, wait: bool, as_json: bool
) -> None:
    """Show which services could move so that nodes can be given back. With --yes they move."""
    if context.invoked_subcommand is not None:
        return
    with Client.local() as client:
        found = client.rebalance.plan(churn / 100)
        if plan or not yes or not found.nodes:
            print_json(found) if as_json else _propose(found)
            return
        row = client.rebalance.approve([node.node for node in found.nodes], churn / 100)
        if not as_json:
            _propose(found, approved=row)
        if wait:
            row = _follow(client, row, quiet=as_json)
        if as_json:
            print_json(row)
    if any(step.state is StepState.FAILED for step in row.steps):
        raise Failed


@rebalance.command(name="ls")
@json_option
def list_(as_json: bool) -> None:
    """List the rebalancings that were approved, the newest first."""
    with Client.local() as client:
        rows = client.rebalance.all()
    if as_json:
        print_json(rows)
        return
    head = ("REBALANCING", "STATE", "NODES", "SAVED/H", "APPROVED", "BY")
    lines = [
        (
            row.id,
            row.state.value,
            f"{sum(step.state is StepState.DONE for step in row.steps)} of {len(row.steps)}",
            f"{row.saved_hour:g}",
            f"{row.approved_at.astimezone():%Y-%m-%d %H:%M}",
            render.safe(row.approved_by),
        )
        for row in rows
    ]
    click.echo(render.table(lines, head) if lines else "none. next: headway rebalance --plan")


@rebalance.command()
@click.argument("rebalancing")
@json_option
def show(rebalancing: str, as_json: bool) -> None:
    """Show a REBALANCING: who approved it, and what became of each node."""
    with Client.local() as client:
        row = client.rebalance.get(rebalancing)
    if as_json:
        print_json(row)
        return
    by = f"approved by {render.safe(row.approved_by)}"
    click.echo(f"{row.id} · {row.state.value} · {by} · saves {row.saved_hour:g} an hour so far")
    for step in row.steps:
        click.echo(f"  {_step(step)}")
        for move in step.moves:
            click.echo(f"    {render.safe(move.what)}: {move.source} → {move.target}")
    ends = "" if row.state is not RebalancingState.RUNNING else f" · {_cancelling(row)}"
    click.echo(f"next: headway why {row.id}{ends}")


@rebalance.command()
@click.argument("rebalancing")
def cancel(rebalancing: str) -> None:
    """Have nothing more of a REBALANCING moved. The node that is being emptied is taken back."""
    with Client.local() as client:
        row = client.rebalance.cancel(rebalancing)
    click.echo(f"{row.id} is {row.state.value}. next: headway rebalance show {row.id}")


def _propose(found: Rebalance, approved: Rebalancing | None = None) -> None:
    for row in found.nodes:
        click.echo(
            f"empty {row.node}: saves {row.saves_hour:g} an hour, "
            f"score {row.score:g} ({render.safe(row.because)})"
        )
        for move in row.moves:
            click.echo(f"  {render.safe(move.what)}: {move.source} → {move.target}")
    for text in found.left:
        click.echo(f"keep {render.safe(text)}")
    if not found.nodes:
        click.echo("nothing is worth moving. next: headway nodes")
        return
    share = f"{found.moves} of {found.services} services move"
    click.echo(f"saves {found.saves_hour:g} an hour; {share}")
    if approved is None:
        click.echo("nothing was changed. next: headway rebalance --yes")
    else:
        click.echo(f"approved as {approved.id}. next: {_cancelling(approved)}")


def _follow(client: Client, row: Rebalancing, *, quiet: bool) -> Rebalancing:
    """Show what becomes of each node until it is over. Ctrl-C ends the showing only."""
    told: dict[str, StepState] = {}
    while True:
        for step in row.steps:
            if told.get(step.node, StepState.WAITING) is not step.state and not quiet:
                click.echo(_step(step))
            told[step.node] = step.state
        if row.state is not RebalancingState.RUNNING:
            return row
        time.sleep(_LOOK_S)
        row = client.rebalance.get(row.id)


def _step(step: RebalanceStep) -> str:
    mark = {StepState.DONE: "✓", StepState.FAILED: "✗"}.get(step.state, "·")
    because = f": {render.safe(step.because)}" if step.because else ""
    return f"{mark} {step.node} {step.state.value}{because}"


def _cancelling(row: Rebalancing) -> str:
    return f"headway rebalance cancel {row.id}"
