"""`leases`: claims on locks, nodes and capacity, each until a time."""

import click

from headway.cli import render
from headway.cli.errors import REFUSED, Failed, fail
from headway.cli.options import Duration, json_option, print_json, reason_option
from headway.model.lease import ClaimKind, Lease, LeaseState
from headway.model.view import LeaseView
from headway.sdk import Client

_for = click.option(
    "--for",
    "length",
    type=Duration(),
    default="1h",
    help="How long. Default: 1h.",
    show_default=False,
)


@click.group()
def leases() -> None:
    """Leases: who holds which lock, node, capacity or environment, and until when."""


@leases.command(name="ls")
@click.argument("name", required=False)
@click.option("--all", "-A", "everything", is_flag=True, help="Also those that are over.")
@click.option("--limit", default=200, help="How many of the newest.")
@json_option
def list_(name: str | None, everything: bool, limit: int, as_json: bool) -> None:
    """List leases, or those on what has this NAME: its holders, and who waits, in order."""
    with Client.local() as client:
        views = client.leases.all(name, everything=everything, limit=limit)
    if as_json:
        print_json(views)
        return
    rows = [_row(view.lease) for view in views]
    head = ("LEASE", "ON", "STATE", "HOLDER", "UNTIL", "FENCE", "WHY")
    click.echo(
        render.table(rows, head) if rows else "none. next: headway leases acquire LOCK --for 1h"
    )


def _row(lease: Lease) -> tuple[str, ...]:
    return (
        lease.id,
        _on(lease),
        lease.state.value,
        lease.holder,
        render.until(lease.until) if lease.state is LeaseState.HELD else "-",
        str(lease.fence or "-"),
        render.safe(lease.reason),
    )


def _on(lease: Lease) -> str:
    claim = lease.claim
    if claim.kind is ClaimKind.ENVIRONMENT:
        return f"environment {claim.name.partition('~')[0]}"
    many = f" ({claim.places} places)" if claim.places > 1 else ""
    return f"{claim.kind.value} {claim.name}{many}"


@leases.command()
@click.argument("lease")
@json_option
def show(lease: str, as_json: bool) -> None:
    """Show a lease: what it is on, since when, until when, who waits, and what ends with it."""
    with Client.local() as client:
        view = client.leases.get(lease)
    print_json(view) if as_json else _show(view)


def _show(view: LeaseView) -> None:
    lease = view.lease
    click.echo(f"{lease.id} · {_on(lease)} · {lease.state.value} · {lease.holder}")
    if lease.because:
        click.echo(f"  {render.safe(lease.because)}")
    if lease.reason:
        click.echo(f"  why {render.safe(lease.reason)}")
    if lease.state is LeaseState.HELD and lease.since:
        click.echo(f"  since {render.moment(lease.since)}, {render.until(lease.until)}")
        click.echo(f"  fence {lease.fence}, renewed {lease.renewals} times, {view.waiting} wait")
    for environment in view.holds:
        click.echo(f"  environment {environment} ends with it")
    if not lease.is_ended:
        click.echo(f"next: headway leases renew {lease.id} · headway leases release {lease.id}")


@leases.command()
@click.argument("name")
@click.option(
    "--places", type=click.IntRange(1, 10_000), help="How many may hold the lock at once."
)
@_for
@click.option("--wait", type=Duration(), default="0s", help="How long to wait in line.")
@reason_option
@json_option
def acquire(
    name: str, places: int | None, length: float, wait: float, reason: str, as_json: bool
) -> None:
    """Claim a lock by its NAME. It is free again when its time is over.

    \b
    headway leases acquire payments-sandbox --for 2h --wait 10m
    headway leases with migration -- ./migrate.sh   holds it as long as a command runs
    """  # noqa: D301 (click reads the backspace)
    with Client.local() as client:
        view = client.leases.acquire(
            name, length_s=length, wait_s=wait, places=places, reason=reason
        )
    if as_json:
        print_json(view)
    elif view.lease.state is not LeaseState.WAITING:
        _tell_held(view)
    if view.lease.state is LeaseState.WAITING:
        fail(f"it was not free in time: {view.lease.because}", f"headway leases ls {name}")
        raise Failed(REFUSED)


def _tell_held(view: LeaseView) -> None:
    lease = view.lease
    click.echo(f"{lease.id} · {_on(lease)} · {render.until(lease.until)} · fence {lease.fence}")
    click.echo(f"next: headway leases renew {lease.id} · headway leases release {lease.id}")


@leases.command()
@click.argument("lease")
@click.option("--for", "length", type=Duration(), help="How long from now. Default: as before.")
@json_option
def renew(lease: str, length: float | None, as_json: bool) -> None:
    """Keep a lease, from now on."""
    with Client.local() as client:
        view = client.leases.renew(lease, length)
    print_json(view) if as_json else click.echo(
        f"{view.lease.id} is {view.lease.state.value} {render.until(view.lease.until)}"
    )


@leases.command()
@click.argument("lease")
@reason_option
@json_option
def release(lease: str, reason: str, as_json: bool) -> None:
    """Give a lease up, or leave the line. What was started under it ends."""
    with Client.local() as client:
        before = client.leases.get(lease)
        view = client.leases.release(lease, reason=reason)
    if as_json:
        print_json(view)
        return
    click.echo(f"released {_on(view.lease)}")
    for environment in before.holds:
        click.echo(f"  ending {environment}. next: headway envs show {environment}")


@leases.command(name="with")
@click.argument("lock")
@click.argument("command", nargs=-1, required=True)
@click.option("--places", type=click.IntRange(1, 10_000), help="How many may hold it at once.")
@click.option(
    "--for",
    "length",
    type=Duration(),
    default="30s",
    help="It is free so long after this command died. Default: 30s.",
)
@click.option("--wait", type=Duration(), help="How long to wait for it. Default: for ever.")
def with_(
    lock: str, command: tuple[str, ...], places: int | None, length: float, wait: float | None
) -> None:
    """Hold a LOCK while a COMMAND runs.

    The command gets HEADWAY_FENCE and HEADWAY_LEASE. The lock is renewed meanwhile; when it is
    lost, the command is stopped. Its exit status is the status of this.

    \b
    headway leases with --wait 10m migration -- ./migrate.sh
    """  # noqa: D301 (click reads the backspace)
    from headway.cli.holding import hold

    with Client.local() as client:
        status = hold(client, lock, command, length_s=length, wait_s=wait, places=places)
    if status:
        raise Failed(status)
