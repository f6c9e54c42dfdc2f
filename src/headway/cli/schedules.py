"""`schedules`: jobs by the clock."""

import click

from headway.cli import render
from headway.cli.errors import REFUSED, Failed, fail
from headway.cli.following import WAIT_HELP, follow
from headway.cli.options import (
    chosen_environment,
    env_option,
    json_option,
    listed_env_option,
    print_json,
)
from headway.model.schedule import ScheduleState
from headway.model.words import and_more
from headway.sdk import Client

_NAMED = 20


@click.group()
def schedules() -> None:
    """Schedules: jobs by the clock."""


@schedules.command(name="ls")
@listed_env_option
@click.option("-n", "--next", "count", type=click.IntRange(0, 100), default=1)
@json_option
def list_schedules(environment: str | None, count: int, as_json: bool) -> None:
    """List schedules with their next times."""
    with Client.local() as client:
        rows = client.schedules.all(environment, count)
    if as_json:
        print_json(rows)
        return
    lines = [
        (
            f"{row.environment}/{row.state.app}/{row.state.name}",
            f"{row.state.schedule.cron} {row.state.schedule.timezone}",
            render.paused(row.state.paused_by, row.state.paused_at)
            if row.state.paused
            else " ".join(f"{at:%Y-%m-%dT%H:%M:%SZ}" for at in row.next) or "never",
            row.state.last_run or "-",
            _because(row.state)[:60] or "-",
        )
        for row in rows
    ]
    head = ("SCHEDULE", "WHEN", "NEXT", "LAST RUN", "BECAUSE")
    click.echo(
        render.table(lines, head) if lines else "no schedule yet. next: headway docs schedules"
    )


def _because(state: ScheduleState) -> str:
    return render.safe(state.because) if state.live else "no release that serves declares it"


@schedules.command()
@click.argument("schedule")
@env_option
@click.option("--wait/--no-wait", default=True, help=WAIT_HELP)
@json_option
def run(schedule: str, environment: str | None, wait: bool, as_json: bool) -> None:
    """Make a run of its job now, with its parameters.

    Its times stay as they are, and other schedules do not wait for this run.
    """
    with Client.local() as client:
        name = chosen_environment(client, environment)
        state = _named(client, name, schedule)
        declared = state.schedule
        identity = client.jobs.invoke(
            name,
            f"{state.app}/{declared.job}",
            declared.parameters,
            schedule=declared.name,
            tags={"schedule": declared.name},
        )
        if wait:
            follow(client, identity, as_json=as_json)
            return
        print_json(client.runs.get(identity)) if as_json else click.echo(
            f"{identity}\nnext: headway runs show {identity}"
        )


def _named(client: Client, environment: str, name: str) -> ScheduleState:
    states = [view.state for view in client.schedules.all(environment, 0)]
    found = [state for state in states if name in (state.name, f"{state.app}/{state.name}")]
    if len(found) == 1:
        return found[0]
    full = sorted(f"{state.app}/{state.name}" for state in found or states)
    there = and_more(full[:_NAMED], len(full)) or "none"
    fail(
        f"several apps have a schedule {name} in {environment}: say {there}"
        if found
        else f"there is no schedule {name}: {environment} has {there}",
        f"headway schedules ls -e {environment}",
    )
    raise Failed(REFUSED)


@schedules.command(name="pause")
@click.argument("schedule")
@env_option
def pause_schedule(schedule: str, environment: str | None) -> None:
    """Have no time make a run until it is resumed."""
    with Client.local() as client:
        client.schedules.pause(chosen_environment(client, environment), schedule)
    click.echo(f"paused {schedule}")


@schedules.command(name="resume")
@click.argument("schedule")
@env_option
def resume_schedule(schedule: str, environment: str | None) -> None:
    """Have it go on; times that came meanwhile make no runs."""
    with Client.local() as client:
        view = client.schedules.resume(chosen_environment(client, environment), schedule)
    following = f", next {view.next[0]:%Y-%m-%d %H:%M:%S} UTC" if view.next else ""
    click.echo(f"resumed {schedule}{following}")
