"""`runs`: how invocations of jobs do."""

from datetime import UTC, datetime
from typing import Any

import click
import msgspec

from headway.cli import render
from headway.cli.dead import dead
from headway.cli.following import WAIT_HELP, conclude, follow
from headway.cli.options import (
    Duration,
    chosen_environment,
    json_option,
    listed_env_option,
    print_json,
)
from headway.cli.parameters import Parameters
from headway.model.ids import environment_name
from headway.model.run import Attempt, Run, RunState
from headway.model.words import and_more
from headway.sdk import Client

_COLOURS = {
    RunState.SUCCEEDED: "green",
    RunState.FAILED: "red",
    RunState.DEAD: "red",
    RunState.LOST: "red",
    RunState.TIMED_OUT: "red",
    RunState.RUNNING: "cyan",
}
_SHOWN = 5
_EXIT_S = 24 * 3600.0


@click.group()
def runs() -> None:
    """Runs of jobs: how they do, and what they wrote."""


runs.add_command(dead)


@runs.command(name="ls")
@listed_env_option
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
            f"{environment_name(row.environment)}/{row.app}/{row.job}",
            row.state.value,
            render.age(row.created_at),
            _took(row.attempt),
            render.shortened(page.waits.get(row.id) or row.because or _tries(row), 60),
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


def _tries(row: Run) -> str:
    """Say what a run that succeeded hides: that it did not at first."""
    count = len(row.attempts)
    return f"attempt {count}; {count - 1} before it did not succeed" if count > 1 else ""


def _ago(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return datetime.fromtimestamp(datetime.now(UTC).timestamp() - seconds, UTC).isoformat()


def _took(attempt: Attempt | None) -> str:
    return render.took(attempt.began_at, attempt.ended_at) if attempt else "-"


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
        ("by", f"{row.made_by}, {render.age(row.created_at)} ago"),
    ):
        if text:
            click.echo(f"  {word:<11}{render.safe(text)}")
    if view.progress is not None:
        share = f"{view.progress['percent']:g}% {view.progress['text']}"
        word = "progress" if row.state is RunState.RUNNING else "got to"
        click.echo(f"  {word:<11}{render.safe(share)}")
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
        conclude(client.runs.get(run), as_json=as_json)
