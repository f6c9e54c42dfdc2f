"""`runs`: how invocations of jobs do."""

import time
from datetime import UTC, datetime
from typing import Any, NoReturn

import click
import msgspec
from click.core import ParameterSource

from headway.cli import render
from headway.cli.errors import FAILED, INTERRUPTED, PENDING, REFUSED, Failed, fail, goes_on_later
from headway.cli.options import Duration, chosen_environment, env_option, json_option, print_json
from headway.cli.parameters import Parameters
from headway.model.run import Attempt, Run, RunState
from headway.model.view.run import RunView
from headway.model.words import and_more
from headway.sdk import Client, UnreachableError

_COLOURS = {
    RunState.SUCCEEDED: "green",
    RunState.FAILED: "red",
    RunState.DEAD: "red",
    RunState.LOST: "red",
    RunState.TIMED_OUT: "red",
    RunState.RUNNING: "cyan",
}
_SHOWN = 5
_PATIENCE_S = 1.0
_EXIT_S = 24 * 3600.0
WAIT_HELP = (
    "Show its lines, and end as it ends. Unless --wait is said, what can never start on the "
    "machines that there are is not waited for."
)


def follow(client: Client, identity: str, *, as_json: bool) -> None:
    """Show a run's lines as they come, then how it ended; ends as it ended.

    It does not wait for what can never start, unless --wait was said.
    """
    patient = _said_to_wait()
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
    _conclude(client.runs.get(identity), as_json=as_json)


def _said_to_wait() -> bool:
    context = click.get_current_context()
    return context.get_parameter_source("wait") is ParameterSource.COMMANDLINE


def _watch(client: Client, identity: str, *, as_json: bool, patient: bool) -> None:
    """Show lines until a run has ended, and why it does not begin where that takes a while."""
    shown, told, patient_until = 0, "", time.monotonic() + _PATIENCE_S
    while True:
        view = client.runs.get(identity)
        row = view.run
        late = row.attempt is None and time.monotonic() > patient_until
        if late and view.in_vain and not patient:
            _give_up(view, as_json=as_json)
        if late and view.waits not in ("", told) and not as_json:
            told = view.waits
            click.echo(f"· {row.state.value}: {render.safe(told)}", err=True)
        for attempt in row.attempts[shown:]:
            shown = attempt.number
            for entry in client.runs.logs(identity, attempt=shown, follow=True):
                if not as_json:
                    click.echo(render.log_line(entry, prefix=False))
        if row.is_ended:
            break
        client.runs.wait(identity, 0.2 if row.attempt is None else 2.0)


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


def _conclude(view: RunView, *, as_json: bool) -> None:
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


@click.group()
def runs() -> None:
    """Runs of jobs: how they do, and what they wrote."""


@runs.command(name="ls")
@env_option
@click.option("-j", "--job", help="Only of this job.")
@click.option("-q", "--queue", help="Only of this queue.")
@click.option("-s", "--state", multiple=True, type=click.Choice([s.value for s in RunState]))
@click.option("--tag", multiple=True, metavar="NAME=VALUE", help="All must hold.")
@click.option("--parameter", multiple=True, metavar="NAME=VALUE", help="All must hold.")
@click.option("--since", type=Duration(), help="Not older than this.")
@click.option("--until", type=Duration(), help="Older than this.")
@click.option("--before", help="Only those made before this run.")
@click.option("-n", "--limit", type=click.IntRange(1, 1000), default=30)
@json_option
def list_runs(environment: str | None, as_json: bool, **given: Any) -> None:
    """List runs, newest first."""
    with Client.local() as client:
        if given["job"] and environment is None:
            environment = chosen_environment(client, None)
        page = client.runs.page(
            environment=environment,
            since=_ago(given["since"]),
            until=_ago(given["until"]),
            before=given["before"],
            job=given["job"],
            queue=given["queue"],
            state=list(given["state"]),
            tag=list(given["tag"]),
            parameter=list(given["parameter"]),
            limit=given["limit"],
        )
    if as_json:
        print_json(page)
        return
    lines = [
        (
            row.id,
            f"{row.app}/{row.job}",
            row.state.value,
            render.age(row.created_at),
            _took(row.attempt),
            render.safe(page.waits.get(row.id) or row.because)[:60],
        )
        for row in page.rows
    ]
    head = ("RUN", "JOB", "STATE", "AGE", "TOOK", "BECAUSE")
    if lines:
        click.echo(render.table(lines, head))
    if page.before is not None:
        click.echo(f"next: the same with --before {page.before}")
    elif not lines:
        click.echo("no run matches. next: headway jobs ls")


def _ago(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return datetime.fromtimestamp(datetime.now(UTC).timestamp() - seconds, UTC).isoformat()


def _took(attempt: Attempt | None) -> str:
    if attempt is None or attempt.began_at is None:
        return "-"
    until = attempt.ended_at or datetime.now(UTC)
    seconds = max(0.0, (until - attempt.began_at).total_seconds())
    return f"{seconds * 1000:.0f}ms" if seconds < 1 else f"{seconds:.1f}s"


@runs.command(name="show")
@click.argument("run")
@json_option
def show_run(run: str, as_json: bool) -> None:
    """Show a run: parameters, attempts, result, and why it waits."""
    with Client.local() as client:
        view = client.runs.get(run)
    if as_json:
        print_json(view)
        return
    row = view.run
    state = click.style(row.state.value, fg=_COLOURS.get(row.state))
    click.echo(f"{row.id} · {view.environment}/{row.app}/{row.job} · {state}")
    for word, text in (
        ("because", row.because),
        ("waits", view.waits),
        ("again for", row.again or ""),
        ("parameters", bytes(row.parameters).decode()),
        ("locks", ", ".join(row.locks)),
        ("gang", _gang(row)),
        ("tags", ", ".join(f"{key}={value}" for key, value in row.tags.items())),
        ("result", bytes(row.result).decode() if row.state is RunState.SUCCEEDED else ""),
        ("by", f"{row.created_by}, {render.age(row.created_at)} ago"),
    ):
        if text:
            click.echo(f"  {word:<11}{render.safe(text)}")
    if view.progress is not None:
        share = f"{view.progress['percent']:g}% {view.progress['text']}"
        click.echo(f"  {'progress':<11}{render.safe(share)}")
    for attempt in row.attempts:
        _show_attempt(attempt)
    click.echo(
        f"next: headway runs logs {row.id}" if row.attempts else f"next: headway why {row.id}"
    )


def _gang(row: Run) -> str:
    gang = row.gang
    if gang is None:
        return ""
    if row.is_member:
        return f"{gang.number} of {gang.size - 1} that started together with {gang.leader}"
    others = [f"{run} on {node}" for run, node in zip(gang.members, gang.nodes, strict=True)][1:]
    return f"started together with {and_more(others[:_SHOWN], len(others))}"


def _show_attempt(attempt: Attempt) -> None:
    how = attempt.outcome.value if attempt.outcome else "under way"
    used = f", {attempt.memory_peak_mib:.0f} MiB, {attempt.cpu_s:.2f} s of a core"
    click.echo(
        f"  attempt {attempt.number}  v{attempt.release}, {how}, {_took(attempt)}"
        f"{f', fence {attempt.fence}' if attempt.fence else ''}"
        f"{used if attempt.ended_at else ''}"
    )
    if attempt.because:
        click.echo(f"    {render.safe(attempt.because)}")
    if attempt.failure is not None:
        for line in attempt.failure.traceback.splitlines()[-8:]:
            click.echo(f"    {render.safe(line)}")


@runs.command(name="logs")
@click.argument("run")
@click.option("-f", "--follow", is_flag=True, help="Go on until the attempt has ended.")
@click.option("--attempt", type=click.IntRange(1, 1000), help="Default: the newest.")
@json_option
def run_logs(run: str, follow: bool, attempt: int | None, as_json: bool) -> None:
    """Show what a run wrote."""
    count = 0
    with Client.local() as client:
        for entry in client.runs.logs(run, attempt=attempt, follow=follow):
            count += 1
            click.echo(
                msgspec.json.encode(entry).decode()
                if as_json
                else render.log_line(entry, prefix=False)
            )
    if not count and not as_json:
        click.echo("nothing was written", err=True)


@runs.command()
@click.argument("run", nargs=-1, required=True)
def cancel(run: tuple[str, ...]) -> None:
    """End runs, also what has not begun. What runs gets SIGTERM, and then SIGKILL."""
    with Client.local() as client:
        for identity in run:
            row = client.runs.cancel(identity)
            click.echo(f"{'cancelled' if row.is_ended else 'cancelling'} {identity}")


@runs.command()
@click.argument("run")
@click.argument("parameters", type=Parameters(), required=False)
@click.option("--wait/--no-wait", default=True, help=WAIT_HELP)
@json_option
def again(run: str, parameters: dict[str, Any] | None, wait: bool, as_json: bool) -> None:
    """Make a run again, with the same parameters or with others."""
    with Client.local() as client:
        row = client.runs.again(run, parameters)
        if wait:
            follow(client, row.id, as_json=as_json)
        else:
            print_json(row) if as_json else click.echo(f"{row.id}")


@runs.command()
@click.argument("run")
@click.option("--timeout", type=Duration(), default=_EXIT_S, help="How long to wait at most.")
@json_option
def wait(run: str, timeout: float, as_json: bool) -> None:
    """Wait until a run has ended, and end as it ended."""
    with Client.local() as client:
        client.runs.wait(run, timeout)
        _conclude(client.runs.get(run), as_json=as_json)


@runs.command()
@click.argument("run", nargs=-1)
@env_option
@click.option("-j", "--job", help="Only of this job.")
@click.option("-q", "--queue", help="Only of this queue.")
@click.option("--replay", is_flag=True, help="Make each of them again.")
@click.option("--empty", is_flag=True, help="Take each of them off the list.")
@json_option
def dead(
    run: tuple[str, ...], replay: bool, empty: bool, as_json: bool, **question: str | None
) -> None:
    """Show the dead-letter list, replay it or empty it. All of it, or the RUNs that are named."""
    if replay and empty:
        raise click.UsageError("choose --replay or --empty")
    if run and not (replay or empty):
        raise click.UsageError("say --replay or --empty. Next: headway runs show RUN")
    with Client.local() as client:
        if question["job"] and question["environment"] is None:
            question["environment"] = chosen_environment(client, None)
        if replay:
            _replay(client, run, question, as_json=as_json)
        elif empty:
            _empty(client, run, question, as_json=as_json)
        else:
            _list_dead(client, question, as_json=as_json)


def _replay(
    client: Client, named: tuple[str, ...], question: dict[str, Any], *, as_json: bool
) -> None:
    after, left, count = None, 0, 0
    while True:
        done = client.runs.replay_dead(named, after=after, **question)
        left += len(done.left)
        count += len(done.runs) + len(done.left)
        if as_json:
            print_json(done)
        for row in [] if as_json else done.runs:
            click.echo(f"{row.run} again as {row.again}")
        for other in [] if as_json else done.left:
            click.echo(f"{other.run} is left: {render.safe(other.because)}", err=True)
        after = done.after
        if after is None:
            break
    if not count and not as_json:
        _say_none(named)
    if left:
        raise Failed(FAILED)


def _empty(
    client: Client, named: tuple[str, ...], question: dict[str, Any], *, as_json: bool
) -> None:
    after, count = None, 0
    while True:
        done = client.runs.empty_dead(named, after=after, **question)
        count += len(done.runs)
        if as_json:
            print_json(done)
        for identity in [] if as_json else done.runs:
            click.echo(f"{identity} removed")
        after = done.after
        if after is None:
            break
    if not count and not as_json:
        _say_none(named)


def _say_none(named: tuple[str, ...]) -> None:
    none = "none of these is on the dead-letter list. next: headway runs dead"
    click.echo(none if named else "nobody is dead")


def _list_dead(client: Client, question: dict[str, Any], *, as_json: bool) -> None:
    rows = client.runs.page(state=["dead"], limit=1000, **question).rows
    if as_json:
        print_json(rows)
        return
    lines = [
        (row.id, f"{row.app}/{row.job}", render.age(row.ended_at), render.safe(row.because)[:80])
        for row in rows
    ]
    if not lines:
        _say_none(())
        return
    click.echo(render.table(lines, ("RUN", "JOB", "AGE", "BECAUSE")))
    click.echo("next: headway runs dead --replay, or --empty")
