"""`headway sim`: the wind tunnel. It is a program of its own, as the control plane is."""

import subprocess
import sys
from contextlib import suppress

import click

from headway.cli.errors import Failed


@click.command(
    add_help_option=False,
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
)
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def sim(words: tuple[str, ...]) -> None:
    """Try a made-up or recorded week on the real loops: see headway sim --help."""
    process = subprocess.Popen([sys.executable, "-m", "headway.sim", *words])
    while True:
        try:
            status = process.wait()
        except KeyboardInterrupt:
            with suppress(ProcessLookupError):  # from a terminal it heard for itself
                process.terminate()
        else:
            break
    if status:
        raise Failed(status)
