"""`jobs`: what can be run."""

from collections.abc import Iterable, Iterator
from typing import IO, Any

import click
import msgspec

from headway.cli import render
from headway.cli.following import WAIT_HELP, follow
from headway.cli.options import (
    Duration,
    chosen_environment,
    env_option,
    json_option,
    listed_env_option,
    print_json,
)
from headway.cli.parameters import Instant, InstantOrLength, Parameters
from headway.formats.units import counted, render_duration
from headway.model.job import OneFails
from headway.model.resources import cores
from headway.model.run import Run
from headway.model.view.job import JobView
from headway.sdk import Client

_AT_ONCE = 1000
"""Runs made by one request."""


@click.group()
def jobs() -> None:
    """Jobs: what can be run, now, later, or by the clock."""


@jobs.command(name="ls")
@listed_env_option
@json_option
def list_jobs(environment: str | None, as_json: bool) -> None:
    """List jobs."""
    with Client.local() as client:
        rows = client.jobs.all(environment)
    if as_json:
        print_json(rows)
        return
    lines = [
        (
            f"{row.environment}/{row.app}/{row.job.name}",
            str(row.running),
            str(row.waiting),
            ",".join(_schedules(row)) or "-",
            f"{row.last.state.value} {render.age(row.last.created_at)} ago" if row.last else "-",
        )
        for row in rows
    ]
    head = ("JOB", "RUNNING", "QUEUED", "SCHEDULES", "LAST")
    none = "no job yet. next: headway docs jobs"
    click.echo(render.table(lines, head) if lines else none)


def _schedules(view: JobView) -> Iterator[str]:
    paused = {one.name: f"{one.name} ({render.paused(one.by, one.at)})" for one in view.paused}
    for name in view.schedules:
        yield paused.get(name, name)


@jobs.command(name="show")
@click.argument("job")
@env_option
@json_option
def show_job(job: str, environment: str | None, as_json: bool) -> None:
    """Show a job: what it takes, and its limits."""
    with Client.local() as client:
        view = client.jobs.get(chosen_environment(client, environment), job)
    print_json(view) if as_json else _show_job(view)


def _show_job(view: JobView) -> None:
    job = view.job
    click.echo(f"{view.app}/{job.name} · v{view.release} in {view.environment}")
    if job.doc:
        click.echo(f"  {render.safe(job.doc)}")
    what = f"python {job.function}" if job.function else f"command {render.safe(job.command)}"
    click.echo(f"  {what}")
    retries = f", {counted(job.retries.most, 'retry')}" if job.attempts_max > 1 else ""
    click.echo(f"  {job.delivery.value}{retries.replace('retrys', 'retries')}")
    click.echo(
        f"  {cores(job.resources.cpu)}, {job.resources.memory_mib} MiB, "
        f"{render_duration(job.timeout_s)}, network {job.network.value}, queue {job.queue}"
    )
    if job.gang:
        others = ", ".join(f"{count} of {name}" for name, count in job.gang.items())
        fails = "all end" if job.when_one_fails is OneFails.END else "the others go on"
        click.echo(f"  starts together with {others}; when one fails, {fails}")
    if job.locks:
        click.echo(f"  holds the {'locks' if job.locks[1:] else 'lock'} {', '.join(job.locks)}")
    if job.parameters is not None:
        click.echo(f"  parameters {msgspec.json.encode(job.parameters).decode()}")
    if view.schedules:
        click.echo(f"  by the clock: {', '.join(_schedules(view))}")
    click.echo(f"  {view.running} running, {view.waiting} queued")
    click.echo(f"next: headway jobs invoke -e {view.environment} {view.app}/{job.name} '{{…}}'")


@jobs.command()
@click.argument("job")
@click.argument("parameters", type=Parameters(), default="{}")
@env_option
@click.option("--at", type=Instant(), help="Not before this moment, given with its offset.")
@click.option("--delay", type=Duration(), help="Not before so much later.")
@click.option(
    "--after",
    multiple=True,
    metavar="RUN or JOB=KEY",
    help="Not before this run has succeeded. May be repeated.",
)
@click.option("--key", help="Asking again with the same key gives the run that there is.")
@click.option("--unique", help="While a run with this has not ended, asking gives that one.")
@click.option("--priority", type=click.IntRange(-100, 100), help="Higher ones start first.")
@click.option("--queue", help="Another queue than the job's.")
@click.option("--tag", multiple=True, metavar="NAME=VALUE", help="May be repeated.")
@click.option("--release", type=click.IntRange(1), help="Not by the live release, but by this.")
@click.option(
    "--deadline",
    type=InstantOrLength(),
    help="It expires when it has not begun by then: a moment with its offset, or so long from now.",
)
@click.option(
    "--each",
    type=click.File("rb"),
    metavar="FILE",
    help="A run for each line, which is its parameters as JSON; `-` is standard input.",
)
@click.option("--wait/--no-wait", default=True, help=WAIT_HELP)
@json_option
def invoke(
    job: str,
    parameters: dict[str, Any],
    environment: str | None,
    after: tuple[str, ...],
    tag: tuple[str, ...],
    wait: bool,
    as_json: bool,
    **given: Any,
) -> None:
    """Make a run of a job. PARAMETERS is a JSON object, `@FILE`, or `-`."""
    options = {
        "at": given["at"],
        "delay_s": given["delay"],
        "key": given["key"],
        "unique": given["unique"],
        "priority": given["priority"],
        "queue": given["queue"],
        "deadline_at": given["deadline"],
        "release": given["release"],
    }
    chosen = {key: value for key, value in options.items() if value is not None}
    if given["each"] is not None:
        shared = {**chosen, "after": [_after(run) for run in after], "tags": _tags(tag)}
        _invoke_each(environment, job, given["each"], shared, as_json=as_json)
        return
    with Client.local() as client:
        name = chosen_environment(client, environment)
        wish = {
            "parameters": parameters,
            "after": [_after(run) for run in after],
            "tags": _tags(tag),
            **chosen,
        }
        made = client.jobs.invoke_many(name, job, [wish])
        identity = made.ids[0]
        if False in made.made:
            click.echo(f"· {_was_there(client.runs.get(identity).run, parameters)}", err=True)
        later = bool(given["at"] or given["delay"] or after)
        if not wait or later:
            view = client.runs.get(identity)
            if as_json:
                print_json(view)
                return
            click.echo(identity)
            if later and view.waits:
                click.echo(f"· {view.run.state.value}: {render.safe(view.waits)}", err=True)
            click.echo(f"next: headway runs show {identity}", err=True)
            return
        follow(client, identity, as_json=as_json)


def _was_there(row: Run, parameters: dict[str, Any]) -> str:
    """Say that no run was made, and whether the one that there is was asked for otherwise."""
    said = f"no run was made: {row.id} has this key, from {render.age(row.created_at)} ago"
    if msgspec.json.decode(row.parameters) == parameters:
        return said
    return f"{said}, with other parameters: {render.safe(bytes(row.parameters).decode())}"


def _invoke_each(
    environment: str | None, job: str, lines: IO[bytes], shared: dict[str, Any], *, as_json: bool
) -> None:
    """Make a run for each line, in as few requests as may be; each is all or nothing."""
    if shared.keys() & {"key", "unique"}:
        raise click.UsageError("--each makes many runs: they cannot share a key")
    rows = [{**shared, "parameters": each} for each in _parameters(lines)]
    if not rows:
        raise click.UsageError('--each has no line. Each is an object, such as {"id": 7}')
    with Client.local() as client:
        name = chosen_environment(client, environment)
        for first in range(0, len(rows), _AT_ONCE):
            made = client.jobs.invoke_many(name, job, rows[first : first + _AT_ONCE])
            print_json(made) if as_json else click.echo("\n".join(made.ids))
    if not as_json:
        click.echo(f"next: headway runs ls -e {name} -j {job}", err=True)


def _parameters(lines: IO[bytes]) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            found = msgspec.json.decode(line, type=dict[str, Any])
        except msgspec.DecodeError as error:
            raise click.UsageError(f"line {number} is no JSON object: {error}") from error
        yield found


def _after(text: str) -> dict[str, str]:
    job, equals, key = text.partition("=")
    return {"job": job, "key": key} if equals else {"run": text}


def _tags(pairs: Iterable[str]) -> dict[str, str]:
    found = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise click.UsageError(f"a tag is NAME=VALUE, not {pair!r}")
        found[key] = value
    return found
