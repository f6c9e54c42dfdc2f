"""`headway sim`: the wind tunnel. It is a program of its own, as the control plane is."""

import subprocess
import sys
from contextlib import suppress

import click

from headway.cli.errors import Failed


@click.command(
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def sim(words: tuple[str, ...]) -> None:
    """Try a made-up or recorded week on the real loops, in seconds.

    \b
    init      write a scenario with a comment on each key
    run       run a scenario, or a world drawn from --seed in which everything goes wrong
    compare   run two scenarios, and show them side by side
    replay    replay a trace, CSV or Parquet
    record    record what the installation here did, as a scenario
    seeds     run many small worlds, and name those in which an invariant broke

    Each explains itself: headway sim run --help.
    """  # noqa: D301 (click reads the backspace)
    # Without -P, modules of this directory would be taken for headway's and Python's own.
    process = subprocess.Popen([sys.executable, "-P", "-m", "headway.sim", *words])
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
