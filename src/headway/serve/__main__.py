"""The commands that the command line starts."""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

import click

from headway.machine.own_log import log_to
from headway.serve.clearing import clear as clear_all
from headway.serve.installation import Options, Refused, sole


@click.group()
def main() -> None:
    """Run the control plane of this machine."""


@main.command()
@click.option("--data", type=click.Path(path_type=Path), required=True)
@click.option("--host", default="127.0.0.1")
@click.option("--port", default=7070)
@click.option("--http-port", default=7080)
@click.option("--bind", default="127.0.0.1")
@click.option("--allow-host", "hosts", multiple=True)
@click.option("--nodes", type=int)
@click.option("--lend", type=int)
@click.option("--log-file", type=click.Path(path_type=Path))
def up(data: Path, hosts: tuple[str, ...], log_file: Path | None, **rest: Any) -> None:
    """Run in the foreground until SIGINT or SIGTERM; containers go on."""
    options = Options(data=data.absolute(), hosts=hosts, **rest)
    log_to(log_file)
    try:
        with sole(options.data):
            # What is started inherits it, and must not depend on where somebody typed `up`.
            os.chdir(options.data)
            asyncio.run(_until_told(options))
    except Refused as refused:
        click.echo(f"headway: {refused}", err=True)
        sys.exit(1)
    except OSError as error:
        click.echo(f"headway: {options.data} cannot be used: {error}", err=True)
        sys.exit(1)


async def _until_told(options: Options) -> None:
    # Late, for `clear` needs none of it: it takes most of a second.
    from headway.serve.plane import run

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await run(options, stop)


@main.command()
@click.option("--data", type=click.Path(path_type=Path), required=True)
def clear(data: Path) -> None:
    """End everything that a control plane left running: containers, agent, router. State stays."""
    data = data.absolute()
    log_to(data / "headway.log")
    try:
        with sole(data):
            count = asyncio.run(clear_all(data))
    except Refused as refused:
        click.echo(f"headway: {refused}", err=True)
        sys.exit(1)
    click.echo(f"stopped {count} containers, the node agents and the router")


if __name__ == "__main__":
    main()
