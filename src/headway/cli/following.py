"""A run that somebody waits for: its lines as they come, and how it ended."""

import time
from datetime import UTC, datetime
from typing import NoReturn

import click

from headway.cli import render
from headway.cli.errors import FAILED, INTERRUPTED, PENDING, REFUSED, Failed, fail, goes_on_later
from headway.cli.options import print_json, said_to_wait
from headway.formats.units import render_duration
from headway.model.progress import progress_of
from headway.model.run import Attempt, Run, RunState
from headway.model.view.log import LogEntry
from headway.model.view.run import RunView
from headway.sdk import Client, UnreachableError

_PATIENCE_S = 1.0
WAIT_HELP = (
    "Show its lines on standard error and its result on standard output, and end as it ends. "
    "Unless --wait is said, what can never start on the machines that there are is not waited for."
)


def follow(client: Client, identity: str, *, as_json: bool) -> None:
    """Show a run's lines as they come, then its result, alone on the output; ends as it ended.

    It does not wait for what can never start, unless --wait was said.
    """
    patient = said_to_wait()
    if not as_json:
        click.echo(f"run {identity}", err=True)
    try:
        _watch(client, identity, as_json=as_json, patient=patient)
    except UnreachableError as error:
        goes_on_later(error, identity)
    except KeyboardInterrupt:
        nexts = f"headway why {identity} · headway runs cancel {identity}"
        click.echo(f"\n{identity} goes on. next: {nexts}", err=True)
        raise Failed(INTERRUPTED) from None
    conclude(client.runs.get(identity), as_json=as_json)


def _watch(client: Client, identity: str, *, as_json: bool, patient: bool) -> None:
    """Show lines until a run has ended, and why it does not begin where that takes a while."""
    shown, failed, told, patient_until = 0, 0, "", time.monotonic() + _PATIENCE_S
    while True:
        view = client.runs.get(identity)
        row = view.run
        late = row.attempt is None and time.monotonic() > patient_until
        if late and view.in_vain and not patient:
            _give_up(view, as_json=as_json)
        if late and view.waits not in ("", told) and not as_json:
            told = view.waits
            click.echo(f"· {row.state.value}: {render.safe(told)}", err=True)
        for attempt in _failed_before(row, failed):
            failed = attempt.number
            if not as_json:
                click.echo(f"· {_how_it_went(attempt, row)}", err=True)
        for attempt in row.attempts[shown:]:
            shown = attempt.number
            for entry in client.runs.logs(identity, attempt=shown, follow=True):
                if not as_json:
                    _show_line(entry)
        if row.is_ended:
            break
        client.runs.wait(identity, 0.2 if row.attempt is None else 2.0)


def _show_line(entry: LogEntry) -> None:
    """Show a line; it is for who watches, and not for what reads the output, as the result is."""
    said = progress_of(entry.line.text)
    if said is None:
        click.echo(render.log_line(entry, prefix=False), err=True)
    else:
        text = f"{said['percent']:3.0f} % {render.safe(said['text'])}"
        click.echo(text.rstrip(), err=True)


def _failed_before(row: Run, told: int) -> tuple[Attempt, ...]:
    """Give attempts that another follows, or would: how the last one ended is told at the end."""
    over = row.attempts[:-1] if row.is_ended else row.attempts
    return tuple(one for one in over[told:] if one.outcome is not None)


def _how_it_went(attempt: Attempt, row: Run) -> str:
    outcome = attempt.outcome.value if attempt.outcome else "under way"
    said = f"attempt {attempt.number} {outcome}: {render.safe(attempt.because)}"
    if attempt is not row.attempt or row.due_at is None:
        return said
    wait_s = (row.due_at - datetime.now(UTC)).total_seconds()
    return f"{said}; the next in {render_duration(max(1, round(wait_s)))}"


def _give_up(view: RunView, *, as_json: bool) -> NoReturn:
    """Say that a run cannot start on what there is.

    Raises:
        Failed: Always.
    """
    if as_json:
        print_json(view)
    run = view.run.id
    told = f"{run} cannot start, and stays {view.run.state.value}: {render.safe(view.waits)}"
    fail(told, f"headway runs cancel {run}", f"headway runs wait {run}")
    raise Failed(REFUSED)


def conclude(view: RunView, *, as_json: bool) -> None:
    """Show how a run ended, or that it has not.

    Raises:
        Failed: It did not succeed.
    """
    row = view.run
    if as_json:
        print_json(view)
    elif row.state is RunState.SUCCEEDED:
        click.echo(bytes(row.result).decode())
    else:
        _show_failure(view)
    if row.state is not RunState.SUCCEEDED:
        raise Failed(FAILED if row.is_ended else PENDING)


def _show_failure(view: RunView) -> None:
    row, attempt = view.run, view.run.attempt
    if not row.is_ended:
        waits = f", {render.safe(view.waits)}" if view.waits else ""
        told = f"{row.id} has not ended: it is {row.state.value}{waits}"
        fail(told, f"headway runs show {row.id}")
        return
    if attempt is not None and attempt.failure is not None:
        for line in attempt.failure.traceback.splitlines()[-12:]:
            click.echo(f"  {render.safe(line)}", err=True)
    fail(f"{row.id} {row.state.value}: {render.safe(row.because)}", *_nexts(row))


def _nexts(row: Run) -> tuple[str, ...]:
    return f"headway runs logs {row.id}", f"headway runs again {row.id}"
