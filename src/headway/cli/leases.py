"""`leases`: claims on locks, nodes and capacity, each until a time."""

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import click

from headway.cli import render
from headway.cli.errors import REFUSED, Failed, fail
from headway.cli.options import (
    Dated,
    Duration,
    Moment,
    Size,
    json_option,
    print_json,
    reason_option,
)
from headway.formats.units import render_duration
from headway.model.lease import ClaimKind, Lease, LeaseState
from headway.model.resources import cores
from headway.model.view.lease import LeaseView
from headway.sdk import Client

_WINDOW_MOST = timedelta(hours=18)
"""Longer ones over midnight are taken for a mistake."""


@click.group()
def leases() -> None:
    """Leases: who holds which lock, node or capacity, and until when."""


@leases.command(name="ls")
@click.argument("name", required=False)
@click.option("--all", "-A", "everything", is_flag=True, help="Also those that are over.")
@click.option("--limit", default=200, help="How many of the newest.")
@json_option
def list_(name: str | None, everything: bool, limit: int, as_json: bool) -> None:
    """List leases, or those on NAME. Its holders, and who waits, in order."""
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
        _term(lease),
        str(lease.fence or "-"),
        render.safe(lease.reason),
    )


def _term(lease: Lease) -> str:
    if lease.state is LeaseState.BOOKED and lease.from_at and lease.until:
        length = render_duration(int((lease.until - lease.from_at).total_seconds()))
        return f"from {_minute(lease.from_at)} until {_minute(lease.until)} ({length})"
    if lease.state is not LeaseState.HELD:
        return "-"
    return "until the run ends" if lease.run else render.until(lease.until)


def _minute(at: datetime) -> str:
    return f"{at.astimezone():%Y-%m-%d %H:%M}"


def _on(lease: Lease) -> str:
    claim = lease.claim
    if claim.kind is ClaimKind.ENVIRONMENT:
        return f"environment {claim.name.partition('~')[0]}"
    if claim.kind is ClaimKind.CAPACITY:
        return f"capacity of {claim.name} ({cores(claim.cpu)}, {claim.memory_mib} MiB)"
    many = f" ({claim.places} places)" if claim.places > 1 else ""
    return f"{claim.kind.value} {claim.name}{many}"


@leases.command()
@click.argument("lease")
@json_option
def show(lease: str, as_json: bool) -> None:
    """Show a lease: what it is on, until when, and who waits. Also what ends with it."""
    with Client.local() as client:
        view = client.leases.get(lease)
    print_json(view) if as_json else _show(view)


def _show(view: LeaseView) -> None:
    lease = view.lease
    click.echo(f"{lease.id} · {_on(lease)} · {lease.state.value} · {lease.holder}")
    if lease.because:
        click.echo(f"  {render.safe(lease.because)}")
    for share in lease.shares:
        click.echo(f"  {share.node}: {share.sentence}")
    if lease.reason:
        click.echo(f"  why {render.safe(lease.reason)}")
    if lease.state is LeaseState.BOOKED:
        click.echo(f"  {_term(lease)}")
    if lease.state is LeaseState.HELD and lease.since:
        until = "until the run ends" if lease.run else render.until(lease.until)
        click.echo(f"  since {render.moment(lease.since)}, {until}")
        click.echo(f"  fence {lease.fence}, renewed {lease.renewals} times, {view.waiting} wait")
    for environment in view.holds:
        click.echo(f"  environment {environment} ends with it")
    if lease.run is not None:
        click.echo(f"next: headway runs show {lease.run} · headway why {lease.run}")
    elif not lease.is_ended:
        click.echo(f"next: headway leases renew {lease.id} · headway leases release {lease.id}")


class _Asked(NamedTuple):
    """What is claimed, out of the options that say so."""

    kind: ClaimKind
    name: str
    length_s: float
    from_at: datetime | None
    options: dict[str, Any]


@leases.command()
@click.argument("lock", required=False)
@click.option("--node", help="A whole node: others' work is moved off it.")
@click.option("--cores", type=click.FloatRange(min=0), default=0.0, help="Capacity: cores.")
@click.option("--memory", type=Size(), default="0", help="Capacity: memory, such as 16GiB.")
@click.option("--pool", default="default", help="Capacity: of the nodes of this pool.")
@click.option("--from", "begins", type=Moment(), help="Capacity: from 02:00, or 2026-11-30T02:00.")
@click.option("--until", "ends", type=Moment(), help="Until 04:00, instead of --for.")
@click.option(
    "--places", type=click.IntRange(1, 10_000), help="How many may hold the lock at once."
)
@click.option("--for", "length", type=Duration(), help="How long. Default: 1h.")
@click.option("--wait", type=Duration(), default="0s", help="How long to wait in line.")
@reason_option
@json_option
def acquire(wait: float, reason: str, as_json: bool, **said: Any) -> None:
    """Claim a lock by its name, a node, or capacity. It is free again when its time is over.

    \b
    headway leases acquire payments-sandbox --for 2h --wait 10m
    headway leases acquire --node node-3 --for 2h
    headway leases acquire --cores 40 --from 02:00 --until 04:00
    headway leases with migration -- ./migrate.sh   holds it as long as a command runs
    """  # noqa: D301 (click reads the backspace)
    from headway.cli.holding import tell_wait

    asked = _asked(**said)
    with Client.local() as client:
        view = client.leases.acquire(
            asked.name,
            kind=asked.kind,
            length_s=asked.length_s,
            wait_s=wait,
            from_at=asked.from_at,
            on_wait=None if as_json else tell_wait,
            reason=reason,
            **asked.options,
        )
    if as_json:
        print_json(view)
    elif view.lease.state is not LeaseState.WAITING:
        _tell_held(view)
    if view.lease.state is LeaseState.WAITING:
        fail(f"it was not free in time: {view.lease.because}", f"headway leases ls {asked.name}")
        raise Failed(REFUSED)


def _asked(
    *,
    lock: str | None,
    node: str | None,
    cores: float,
    memory: int,
    pool: str,
    places: int | None,
    begins: datetime | None,
    ends: datetime | None,
    length: float | None,
) -> _Asked:
    """Read what is claimed.

    Raises:
        click.UsageError: It is not one thing, or the window makes no sense.
    """
    is_capacity = bool(cores or memory)
    if sum((lock is not None, node is not None, is_capacity)) != 1:
        raise click.UsageError("say one of LOCK, --node NODE, --cores or --memory")
    if begins is not None and not is_capacity:
        raise click.UsageError("--from is for capacity: --cores or --memory")
    if ends is not None and length is not None:
        raise click.UsageError("say --until or --for")
    from_at = begins
    length_s = 3600.0 if length is None else length
    if ends is not None:
        start = begins or datetime.now(UTC)
        if ends <= start:
            ends = _next_day(ends, start)
        length_s = (ends - start).total_seconds()
    if lock is not None:
        return _Asked(ClaimKind.LOCK, lock, length_s, None, {"places": places})
    if node is not None:
        return _Asked(ClaimKind.NODE, node, length_s, None, {})
    sizes = {"cpu": cores, "memory_mib": memory}
    return _Asked(ClaimKind.CAPACITY, pool, length_s, from_at, sizes)


def _next_day(ends: datetime, start: datetime) -> datetime:
    """Give the same time of the day after, where a window goes over midnight.

    Raises:
        click.UsageError: Its day was said; or it takes nearly a day, and who says from 02:00 until
            01:00 has most likely mixed them up.
    """
    if isinstance(ends, Dated):
        raise click.UsageError(f"--until {_minute(ends)} is before it begins: {_minute(start)}")
    ends += timedelta(days=1)
    if ends - start > _WINDOW_MOST:
        length = render_duration(round((ends - start).total_seconds() / 60) * 60)
        raise click.UsageError(
            f"from {_minute(start)} until {_minute(ends)} would be {length}: if that is meant, say "
            f"--for {length} instead of --until"
        )
    return ends


def _tell_held(view: LeaseView) -> None:
    lease = view.lease
    if lease.state is LeaseState.BOOKED:
        click.echo(f"{lease.id} · {_on(lease)} · {_term(lease)}")
        nodes = ", ".join(share.node for share in lease.shares)
        click.echo(f"  on {nodes}")
        click.echo(f"next: headway leases show {lease.id} · headway leases release {lease.id}")
        return
    click.echo(f"{lease.id} · {_on(lease)} · {render.until(lease.until)} · fence {lease.fence}")
    use = (
        "" if lease.claim.kind is ClaimKind.LOCK else f"headway start -e NAME --lease {lease.id} · "
    )
    click.echo(f"next: {use}headway leases renew {lease.id} · headway leases release {lease.id}")


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
