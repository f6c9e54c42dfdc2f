"""`pools`: sets of nodes that grow and shrink."""

from pathlib import Path

import click
import msgspec

from headway.cli import render
from headway.cli.options import json_option, plan_option, print_json, reason_option
from headway.formats.units import counted, render_duration
from headway.model.pool import NodeType, Pool, Window
from headway.model.resources import cores
from headway.model.view.pool import PoolView
from headway.model.view.refusal import Refusal
from headway.sdk import Client, RefusedError


@click.group()
def pools() -> None:
    """Pools: which nodes there may be, and when more are asked for."""


@pools.command(name="ls")
@json_option
def list_pools(*, as_json: bool) -> None:
    """List pools."""
    with Client.local() as client:
        views = client.pools.all()
    if as_json:
        print_json(views)
        return
    lines = [
        (
            view.pool.name,
            f"{view.ready} ready, {len(view.nodes)} lent" if view.nodes else f"{view.ready} ready",
            _bounds(view.pool),
            str(view.waiting) if view.waiting else "-",
            f"{view.price_hour:g}" if view.price_hour else "-",
            _next(view),
        )
        for view in views
    ]
    head = ("POOL", "NODES", "BOUNDS", "WAITING", "PRICE/H", "NEXT")
    click.echo(
        render.table(lines, head) if lines else "no pool yet. next: headway pools apply FILE"
    )


@pools.command()
@click.argument("pool")
@json_option
def show(pool: str, *, as_json: bool) -> None:
    """Show a pool: its policy, its nodes, and what becomes of it next."""
    with Client.local() as client:
        view = client.pools.show(pool)
    if as_json:
        print_json(view)
    else:
        _show(view)
        click.echo(f"next: headway why {pool} · headway pools scale {pool} --min N --max M")


@pools.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@plan_option
@reason_option
@json_option
def apply(file: Path, reason: str, *, plan: bool, as_json: bool) -> None:
    """Declare a pool by a YAML FILE, new or anew."""
    with Client.local() as client:
        try:
            view = client.pools.apply(file.read_text(), plan=plan, reason=reason)
        except RefusedError as refused:
            raise RefusedError(_in_file(refused.refusal, str(file))) from None
    if as_json:
        print_json(view)
        return
    _show(view)
    if plan:
        click.echo(f"nothing was changed. next: headway pools apply {file}")
    else:
        click.echo(f"declared. next: headway pools show {view.pool.name}")


@pools.command()
@click.argument("pool")
@click.option("--min", "nodes_min", type=click.IntRange(0, 10_000), help="Nodes at least.")
@click.option("--max", "nodes_max", type=click.IntRange(0, 10_000), help="Nodes at most.")
@reason_option
@json_option
def scale(
    pool: str, nodes_min: int | None, nodes_max: int | None, reason: str, *, as_json: bool
) -> None:
    """Change how many nodes a pool has at least and at most."""
    if nodes_min is None and nodes_max is None:
        raise click.UsageError("say --min, --max or both")
    with Client.local() as client:
        view = client.pools.scale(pool, nodes_min, nodes_max, reason)
    if as_json:
        print_json(view)
    else:
        click.echo(f"{pool} has {_bounds(view.pool)} nodes now. next: headway pools show {pool}")


@pools.command(name="rm")
@click.argument("pool")
def remove(pool: str) -> None:
    """Take a pool's declaration away; it must have no nodes."""
    with Client.local() as client:
        client.pools.remove(pool)
    click.echo(f"removed {pool}. next: headway pools ls")


def _in_file(refusal: Refusal, file: str) -> Refusal:
    """Say of which of one's files the mistakes are."""
    problems = tuple(msgspec.structs.replace(row, file=file) for row in refusal.problems)
    return msgspec.structs.replace(refusal, problems=problems)


def _disk(kind: NodeType) -> str:
    return f"{kind.disk_mib} MiB of disk, " if kind.disk_mib is not None else ""


def _bounds(pool: Pool) -> str:
    return f"{pool.scaling.nodes_min}-{pool.scaling.nodes_max}" if pool.types else "as there are"


def _next(view: PoolView) -> str:
    """Say in a word what becomes of a pool: sentences are for `pools show`."""
    if view.flags or view.pending:
        word = "flagged" if view.flags else "pending"
        return f"{word}: headway pools show {view.pool.name}"
    return render.safe("; ".join(change.what for change in view.next)) or "as it should be"


def _window(window: Window) -> str:
    """Say when other bounds hold than those of the pool, and which."""
    ends = (("at least", window.nodes_min), ("at most", window.nodes_max))
    bounds = " and ".join(f"{word} {count}" for word, count in ends if count is not None)
    length = render_duration(window.length_s)
    return f"{bounds} nodes for {length} from {window.cron} ({window.timezone})"


def _show(view: PoolView) -> None:
    pool, scaling = view.pool, view.pool.scaling
    only = ", takes only what names it" if pool.dedicated else ""
    click.echo(f"{pool.name} · {pool.policy.value}{only} · {counted(view.ready, 'node')} ready")
    if pool.types:
        late = render_duration(scaling.late_s)
        warm = f", {scaling.warm} kept warm" if scaling.warm else ""
        most = f", at most {scaling.cost_hour_max:g} an hour" if scaling.cost_hour_max else ""
        click.echo(f"  bounds   {_bounds(pool)} nodes{warm}{most}; grows for what is {late} late")
    for window in scaling.windows:
        click.echo(f"  window   {_window(window)}")
    for kind in pool.types:
        billing = render_duration(kind.billing_s)
        spot = ", spot" if kind.spot else ""
        click.echo(
            f"  type     {kind.name}: {cores(kind.cpu)}, {kind.memory_mib} MiB, "
            f"{_disk(kind)}"
            f"{kind.price_hour:g} an hour by {billing}{spot}"
        )
    for node in view.nodes:
        click.echo(f"  node     {node.id} {node.state.value} ({render.safe(node.because)})")
    if view.waiting:
        click.echo(f"  waiting  {view.waiting}")
    for text in view.pending:
        click.echo(f"  pending  {render.safe(text)}")
    for text in view.flags:
        click.echo(f"  flag     {render.safe(text)}")
    for change in view.next:
        click.echo(f"  next     {render.safe(change.what)}  ({render.safe(change.because)})")
