"""`queues`: where runs wait."""

from typing import Any

import click

from headway.cli import render
from headway.cli.options import (
    Unclear,
    chosen_environment,
    env_option,
    json_option,
    listed_env_option,
    print_json,
    reason_option,
)
from headway.formats.units import render_duration
from headway.sdk import Client


@click.group()
def queues() -> None:
    """Queues: how many runs wait, and holding them up."""


@queues.command(name="ls")
@listed_env_option
@json_option
def list_queues(environment: str | None, as_json: bool) -> None:
    """List queues."""
    with Client.local() as client:
        rows = client.queues.all(environment)
    if as_json:
        print_json(rows)
        return
    lines = [
        (
            f"{row.environment}/{row.app}/{row.queue.name}",
            str(row.running),
            str(row.waiting),
            render_duration(round(row.oldest_s)) if row.oldest_s is not None else "-",
            str(row.queue.concurrency or "-"),
            _held(row.hold),
        )
        for row in rows
    ]
    head = ("QUEUE", "RUNNING", "QUEUED", "OLDEST", "LIMIT", "STATE")
    click.echo(render.table(lines, head) if lines else "no queue yet. next: headway docs queues")


def _held(hold: Any) -> str:
    if hold is None or not (hold.paused or hold.draining):
        return "open"
    return f"{'paused' if hold.paused else 'draining'} by {hold.by}"


def _hold(queue: str, environment: str | None, verb: str, **said: Any) -> None:
    app, slash, name = queue.partition("/")
    if not slash:
        raise Unclear("say which queue, as APP/QUEUE", "headway queues ls")
    with Client.local() as client:
        client.queues.hold(chosen_environment(client, environment), app, name, **said)
    click.echo(f"{verb} {queue}")
    if verb != "resumed":
        where = f"-e {environment} " if environment else ""
        click.echo(f"next: headway queues resume {where}{queue}", err=True)


@queues.command(name="pause")
@click.argument("queue")
@env_option
@reason_option
def pause_queue(queue: str, environment: str | None, reason: str) -> None:
    """Let nothing of a queue start; what runs goes on."""
    _hold(queue, environment, "paused", paused=True, reason=reason)


@queues.command(name="drain")
@click.argument("queue")
@env_option
@reason_option
def drain_queue(queue: str, environment: str | None, reason: str) -> None:
    """Have a queue take nothing new; what is in it is done."""
    _hold(queue, environment, "draining", draining=True, reason=reason)


@queues.command(name="resume")
@click.argument("queue")
@env_option
def resume_queue(queue: str, environment: str | None) -> None:
    """Let a queue go on."""
    _hold(queue, environment, "resumed")
