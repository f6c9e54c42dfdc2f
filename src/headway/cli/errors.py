"""What goes wrong, shown in one place, and the exit status it leads to.

0 done, 1 failed, 2 usage, 3 refused by a rule, 4 not allowed, 8 still pending, 130 interrupted.
"""

import os
import signal
from contextlib import suppress
from typing import NoReturn

import click

from headway.model.problem import render_problem
from headway.sdk.errors import NotRunningError, RefusedError, SdkError, UnreachableError

DONE, FAILED, USAGE, REFUSED, NOT_ALLOWED, PENDING, INTERRUPTED = 0, 1, 2, 3, 4, 8, 130
_NOT_ALLOWED = frozenset({401, 403})
_COMPLETE = "_HEADWAY_COMPLETE"
_RULES = frozenset({404, 409, 413, 422})


class Failed(Exception):
    """A command did not do what was asked; everything was said already."""

    def __init__(self, status: int = FAILED) -> None:
        super().__init__(status)
        self.status = status


def handled(command: click.Command) -> int:
    """Run a command and give its exit status."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # until now it ended all in silence
    try:
        result = command.main(standalone_mode=False, color=_colour())
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.exceptions.NoArgsIsHelpError as error:  # who names a noun alone asks what it does
        click.echo(error.ctx.get_help() if error.ctx else "")
        return DONE
    except click.ClickException as error:
        error.show()
        return USAGE
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted; what headway has accepted goes on. next: headway status", err=True)
        return INTERRUPTED
    except Failed as failed:
        return failed.status
    except RefusedError as refused:
        return show_refusal(refused)
    except SdkError as error:
        nexts = ("headway up",) if isinstance(error, UnreachableError | NotRunningError) else ()
        fail(str(error), *nexts)
        return FAILED
    except OSError as error:
        return _show_broken(error)
    except SystemExit as end:
        # Of itself click exits for completions, and with 1 when the reader of the output has seen
        # enough, which is no failure.
        return int(end.code or 0) if _COMPLETE in os.environ else DONE
    return result if isinstance(result, int) else DONE


def _show_broken(error: OSError) -> int:
    """Show what this machine did not let us do; mostly nothing can be written where output goes."""
    of = f"{error.filename}: " if error.filename else "the output could not be written: "
    with suppress(OSError):
        fail(f"{of}{error.strerror or error}")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):  # what is left of the output is not tried again at the end
        os.dup2(nowhere, stream)
    return FAILED


def end_as_by_ctrl_c() -> None:
    """Have what else tells a command to end do what Ctrl-C does: a closed terminal, SIGTERM."""
    for number in (signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)


def _colour() -> bool | None:
    """Colours as the terminal allows, and none where NO_COLOR says so."""
    return False if os.environ.get("NO_COLOR") else None


def show_refusal(refused: RefusedError) -> int:
    """Show why headway refused, and what to do."""
    from headway.cli.render import safe_lines

    refusal = refused.refusal
    click.echo(f"{click.style('✗', fg='red')} {safe_lines(refusal.detail)}", err=True)
    for problem in refusal.problems:
        click.echo(f"  {safe_lines(render_problem(problem))}", err=True)
    if refusal.hint:
        click.echo(f"  hint: {safe_lines(refusal.hint)}", err=True)
    if refusal.id:
        click.echo(f"  id: {refusal.id}", err=True)
    if refusal.next:
        click.echo(f"next: {safe_lines(' · '.join(refusal.next))}", err=True)
    return status_of(refusal.status)


def status_of(http: int) -> int:
    """Give the exit status that a refusal leads to; 0 is that nobody answered."""
    if http in _NOT_ALLOWED:
        return NOT_ALLOWED
    return REFUSED if http in _RULES else FAILED


def fail(because: str, *nexts: str) -> None:
    """Say what failed, and what to do next."""
    click.echo(f"{click.style('✗', fg='red')} {because}", err=True)
    if nexts:
        click.echo(f"next: {' · '.join(nexts)}", err=True)


def goes_on_later(error: UnreachableError, accepted: str) -> NoReturn:
    """Say that what was accepted is not lost with a headway that answers no more.

    Raises:
        Failed: Always: it is still pending.
    """
    fail(
        f"{error}. {accepted} was accepted: it goes on when headway runs again",
        "headway up",
        f"headway why {accepted}",
    )
    raise Failed(PENDING)
