"""Where the command `headway` begins: until its modules are loaded, Ctrl-C ends it in silence."""

import _signal as signal  # type: ignore[import-not-found]  # the other one loads for 8 ms

signal.signal(signal.SIGINT, signal.SIG_DFL)


def main() -> None:
    """Load the command line, and run it."""
    from headway.cli.main import main as run

    run()
