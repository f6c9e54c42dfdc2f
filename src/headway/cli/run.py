"""`run`, `exec` and `shell`: commands in containers."""

import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import click

from headway.cli import render
from headway.cli.errors import FAILED, INTERRUPTED, Failed, end_as_by_ctrl_c, fail
from headway.cli.naming import exact, named
from headway.cli.options import app_option, chosen_app, chosen_environment, env_option
from headway.model.container import Container, ContainerKind, ContainerState
from headway.sdk import Client, RefusedError

_READY_S = 30.0


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@env_option
@app_option
@click.option("--process", help="Whose resources it gets.")
@click.option("-t", "--terminal", is_flag=True, help="With a terminal.")
@click.option("--local", is_flag=True, help="Run a job of this directory, without a server.")
def run(
    command: tuple[str, ...],
    environment: str | None,
    app: str | None,
    process: str | None,
    terminal: bool,
    local: bool,
) -> None:
    """Run a command once, in a container of its own.

    headway run -a web -- python manage.py check

    It sees the app's release, config and volumes, and ends with the command's status.

    With --local, run a job that is written in this directory, in a sandbox of its own and without
    a server: headway run --local resize '{"width": 800}'. Its log goes to standard error, its
    result to standard output. Config keys that headway.yaml names are taken from this environment.
    """
    end_as_by_ctrl_c()
    if local:
        raise Failed(_locally(*command))
    with Client.local() as client:
        name = chosen_environment(client, environment)
        wanted = chosen_app(app)
        if terminal:
            _in_terminal(client, name, wanted, command, process)
            return
        row = client.containers.run(name, wanted, shlex.join(command), process=process)
        try:
            _await_start(client, row)
            for entry in client.logs.container(row.id, follow=True):
                error = entry.line.stream.value != "stdout"
                click.echo(render.log_line(entry, prefix=False), err=error)
        except KeyboardInterrupt:
            client.containers.stop(row.id)
            click.echo(f"\n{row.label} is stopped. next: headway why {row.id}", err=True)
            raise Failed(INTERRUPTED) from None
        raise Failed(_status(client, row.id))


def _locally(job: str, parameters: str = "{}", *more: str) -> int:
    if more:
        raise click.UsageError("headway run --local JOB '{…}' takes one JSON object")
    words = [sys.executable, "-m", "headway.local_run", str(Path.cwd()), job, parameters]
    process = subprocess.Popen(words, cwd="/")  # modules of this directory are not headway's
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            with suppress(ProcessLookupError):  # from a terminal it heard for itself
                process.terminate()


def _await_start(client: Client, row: Container) -> Container:
    ends_at = time.monotonic() + _READY_S
    while row.state is ContainerState.PENDING and time.monotonic() < ends_at:
        time.sleep(0.05)
        row = client.containers.get(row.id)
    return row


def _status(client: Client, identity: str) -> int:
    ends_at = time.monotonic() + _READY_S
    while time.monotonic() < ends_at:
        row = client.containers.get(identity)
        if row.is_ended:
            ended = row.exit
            if ended is None:
                return FAILED
            if ended.reason:
                click.echo(f"headway: {ended.sentence}", err=True)
            if ended.status is not None:
                return ended.status
            return 128 + (ended.signal or 0)
        time.sleep(0.05)
    return FAILED


def _in_terminal(
    client: Client, name: str, app: str, command: tuple[str, ...], process: str | None
) -> None:
    from headway.cli.terminal import attach, size

    row = client.containers.run(name, app, "", process=process, wait_for_exec=True)
    try:
        row = _await_start(client, row)
        if row.is_ended:
            fail(f"its container ended: {row.exit.sentence if row.exit else 'unknown'}")
            raise Failed
        address, headers = client.containers.exec_address(row.id, command, terminal=size())
        raise Failed(attach(address, headers, terminal=True))
    finally:
        with suppress(RefusedError):
            client.containers.stop(row.id)


@click.command(name="exec", context_settings={"ignore_unknown_options": True})
@click.argument("thing", metavar="APP|PROCESS|CONTAINER")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@env_option
def exec_(thing: str, command: tuple[str, ...], environment: str | None) -> None:
    """Run a command in a running container: headway exec web -- ls.

    An app's (shop), a process type's (shop/web, or web), or the one named (shop/web.2, or its id).
    """
    from headway.cli.terminal import attach, size

    with Client.local() as client:
        identity = _container(client, thing, environment, command)
        terminal = sys.stdin.isatty() and sys.stdout.isatty()
        shown = size() if terminal else None
        address, headers = client.containers.exec_address(identity, command, terminal=shown)
        raise Failed(attach(address, headers, terminal=terminal))


def _container(
    client: Client, thing: str, environment: str | None, command: tuple[str, ...]
) -> str:
    """Find the container to enter, or say what there is instead."""
    name = chosen_environment(client, environment)
    there = client.environments.containers(name)
    running = named(
        (row for row in there if row.state in (ContainerState.HEALTHY, ContainerState.STARTING)),
        thing,
    )
    owners = sorted({row.app for row in running})
    if len(owners) > 1:
        choices = (
            f"headway exec -e {name} {owner}/{thing} -- {shlex.join(command)}" for owner in owners
        )
        fail(f"{thing} is of several apps in {name}: {', '.join(owners)}", *choices)
        raise Failed
    row = to_enter(running, thing)
    if row is not None:
        return str(row.id)
    if running:
        wanted = f"headway run -e {name} -a {running[0].app} -- {shlex.join(command)}"
        fail(
            f"no copy of a process of {running[0].app} runs in {name}: what runs are its jobs, "
            "or commands run once",
            wanted,
            f"headway ps -e {name}",
        )
        raise Failed
    fail(_nothing_runs(name, thing, there), f"headway ps -e {name}")
    raise Failed


def _nothing_runs(environment: str, thing: str, there: Sequence[Container]) -> str:
    """Say of what is not there what is, and of what is there that it does not run."""
    idle = named((row for row in there if not row.retired), thing)
    if idle:
        row = idle[0]
        return f"{row.app}/{row.label} does not run in {environment}: it is {row.state.value}"
    running = sorted(
        {
            f"{row.app}/{row.process}"
            for row in there
            if row.kind is ContainerKind.SERVICE and not row.is_ended
        }
    )
    what = f"there are {', '.join(running)}" if running else "nothing runs there"
    return f"{environment} has no container {thing}: {what}"


def to_enter(running: Sequence[Container], thing: str) -> Container | None:
    """Choose of containers that are meant: the one of that id or label, else a copy of a process.

    A healthy one where there is one. What does runs is not entered: each has its own sandbox.
    """
    only = [row for row in running if exact(row, thing)]
    copies = [row for row in running if row.kind is ContainerKind.SERVICE]
    return min(
        only or copies, key=lambda row: row.state is not ContainerState.HEALTHY, default=None
    )


@click.command()
@env_option
@app_option
def shell(environment: str | None, app: str | None) -> None:
    """Open a shell in a fresh container of an app."""
    with Client.local() as client:
        name = chosen_environment(client, environment)
        _in_terminal(client, name, chosen_app(app), ("/bin/sh",), None)
