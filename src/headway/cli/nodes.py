"""`nodes`: the machines, and taking one out of use."""

import time

import click

from headway.cli import render
from headway.cli.errors import PENDING, Failed, fail
from headway.cli.options import Duration, json_option, print_json, reason_option
from headway.formats.units import render_duration
from headway.model.node import NodeState
from headway.model.view.node import NodeView
from headway.sdk import Client

_LOOK_S = 0.2


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def nodes(context: click.Context, *, as_json: bool) -> None:
    """Show nodes, and take one out of use: cordon, drain, uncordon."""
    if context.invoked_subcommand is None:
        _list(as_json=as_json)


@nodes.command(name="ls")
@json_option
def list_nodes(*, as_json: bool) -> None:
    """Show nodes, and what of them is reserved and used."""
    _list(as_json=as_json)


def _list(*, as_json: bool) -> None:
    with Client.local() as client:
        rows = client.nodes.all()
    if as_json:
        print_json(rows)
        return
    lines = [
        (
            row.node.id,
            row.node.state.value,
            row.node.tags.get("zone", "-"),
            f"{row.reserved.cpu:g}/{row.node.cpu:g}",
            render.cores(row.used),
            f"{row.reserved.memory_mib}/{row.node.memory_mib}",
            render.mib(row.used),
            "-" if row.node.disk_mib is None else f"{row.reserved.disk_mib}/{row.node.disk_mib}",
            str(row.containers),
        )
        for row in rows
    ]
    head = (
        "NODE",
        "STATE",
        "ZONE",
        "CORES",
        "USED",
        "MEMORY MIB",
        "USED",
        "DISK MIB",
        "CONTAINERS",
    )
    click.echo(render.table(lines, head))
    for row in rows:
        for kept, lease in zip(row.kept, row.leases, strict=True):
            click.echo(f"  {row.node.id}: {kept}. next: headway leases show {lease}")
        for limit in row.node.limits:
            click.echo(f"  {row.node.id} cannot enforce {limit}")


@nodes.command()
@click.argument("node")
@json_option
def show(node: str, *, as_json: bool) -> None:
    """Show a node: what is there, and what was said of it."""
    with Client.local() as client:
        row = client.nodes.show(node)
    if as_json:
        print_json(row)
        return
    click.echo(f"{row.node.id} {standing(row)}")
    cores, memory = f"{row.node.cpu:g}", f"{row.node.memory_mib} MiB"
    click.echo(f"  cores   {row.reserved.cpu:g} of {cores} reserved, {render.cores(row.used)} used")
    click.echo(
        f"  memory  {row.reserved.memory_mib} of {memory} reserved, {render.mib(row.used)} used"
    )
    if row.node.overcommitted:
        click.echo(f"  offers  {row.node.overcommitted}")
    if row.node.disk_mib is not None:
        whose = f" of machine {row.node.machine}" if row.node.machine else ""
        disk = f"{row.reserved.disk_mib} of {row.node.disk_mib} MiB{whose} reserved"
        click.echo(f"  disk    {render.safe(disk)}")
    for closed in row.node.closed_ports:
        ports = (
            str(closed.first) if closed.first == closed.last else f"{closed.first}-{closed.last}"
        )
        click.echo(f"  closed  port {ports}: {render.safe(closed.by)}")
    tags = " ".join(f"{name}={value}" for name, value in sorted(row.node.tags.items()))
    click.echo(f"  tags    {render.safe(tags)}")
    for kept in row.kept:
        click.echo(f"  lease   {kept}")
    for line in row.there:
        click.echo(f"  there   {render.safe(line)}")
    click.echo(f"next: headway why {row.node.id} · headway nodes drain {row.node.id} --plan")


@nodes.command()
@click.argument("node")
@reason_option
@json_option
def cordon(node: str, reason: str, *, as_json: bool) -> None:
    """Have a node take nothing new; what runs there stays."""
    with Client.local() as client:
        row = client.nodes.cordon(node, reason)
    _said(row, f"headway nodes uncordon {node} · headway nodes drain {node}", as_json=as_json)


@nodes.command()
@click.argument("node")
@json_option
def uncordon(node: str, *, as_json: bool) -> None:
    """Have a node take containers again, also one that drains."""
    with Client.local() as client:
        row = client.nodes.uncordon(node)
    _said(row, "headway nodes", as_json=as_json)


@nodes.command()
@click.argument("node")
@click.option(
    "--within",
    type=Duration(),
    help="How long runs may go on before they are handed back. Default: the setting drain_s.",
)
@reason_option
@click.option("--plan", is_flag=True, help="Only say what would move, and what be stopped when.")
@click.option("--wait/--no-wait", default=True, help="Wait until the node is empty.")
@click.option(
    "--timeout", type=Duration(), help="How long to wait. Default: a minute beyond --within."
)
@json_option
def drain(
    node: str,
    within: float | None,
    reason: str,
    timeout: float | None,
    *,
    plan: bool,
    wait: bool,
    as_json: bool,
) -> None:
    """Empty a node. Services move first, runs end within the limit, daemons end last."""
    with Client.local() as client:
        if plan:
            _show_plan(client, node, within, as_json=as_json)
            return
        if not as_json:
            _tell_stuck(client, node, within)
        row = client.nodes.drain(node, within, reason)
        if wait:
            given_s = client.settings().drain_s if within is None else within
            row = _emptied(client, row, given_s + 60 if timeout is None else timeout, as_json)
    if as_json:
        print_json(row)
    elif row.hold is not None and row.hold.empty_at is not None:
        click.echo(f"✓ {node} is empty. next: headway nodes uncordon {node}")
    elif not wait:
        click.echo(f"{node} {standing(row)}. next: headway nodes show {node}")
    if wait and (row.hold is None or row.hold.empty_at is None):
        if row.hold is None:
            fail(f"{node} was taken back before it was empty", f"headway why {node}")
            raise Failed
        fail(f"{node} is not empty yet: {'; '.join(row.there)}", f"headway why {node}")
        raise Failed(PENDING)


def _tell_stuck(client: Client, node: str, within: float | None) -> None:
    """Say what will have nowhere to go, before it is waited for."""
    rows = client.nodes.all()
    if not any(row.node.state is NodeState.READY and row.node.id != node for row in rows):
        click.echo(
            f"· no node but {node} takes anything: what is asked for waits for one that does"
        )
    for change in client.nodes.plan(node, within):
        if change.verb == "wait":
            name = f"{change.app}: " if change.app else ""
            click.echo(f"· {name}{change.what}  {render.safe(change.because)}")


def _show_plan(client: Client, node: str, within: float | None, *, as_json: bool) -> None:
    foreseen = client.nodes.plan(node, within)
    if as_json:
        print_json(foreseen)
        return
    for change in foreseen:
        name = f"{change.app}: " if change.app else ""
        click.echo(f"{name}{change.what}  {render.safe(change.because)}")
    if not foreseen:
        click.echo(f"nothing is on {node}")
    click.echo(f"nothing was done. next: headway nodes drain {node}")


def _emptied(client: Client, row: NodeView, within_s: float, quiet: bool) -> NodeView:
    """Wait until a node is empty, and say what is there whenever that changes."""
    ends_at = time.monotonic() + within_s
    shown: tuple[str, ...] = ()
    while row.hold is not None and row.hold.state is NodeState.DRAINING:
        if row.hold.empty_at is not None or time.monotonic() > ends_at:
            return row
        if row.there != shown and not quiet:
            shown = row.there
            for line in shown:
                click.echo(f"· {render.safe(line)}")
        time.sleep(_LOOK_S)
        row = client.nodes.show(row.node.id)
    return row


def _said(row: NodeView, following: str, *, as_json: bool) -> None:
    if as_json:
        print_json(row)
    else:
        click.echo(f"{row.node.id} {standing(row)}. next: {following}")


def standing(row: NodeView) -> str:
    """Say how a node stands, and why."""
    words = [f"is {row.node.state.value}"]
    if row.away_at is not None:
        words.append(f"since {render.moment(row.away_at)}")
    hold = row.hold
    if hold is not None:
        words.append(f"by {hold.owner}")
        if hold.empty_at is not None:
            words.append("and is empty")
        elif hold.until is not None:
            left_s = max(0, int((hold.until - hold.at).total_seconds()))
            words.append(f"within {render_duration(left_s)}")
        if hold.because:
            words.append(f"({render.safe(hold.because)})")
    return " ".join(words)
