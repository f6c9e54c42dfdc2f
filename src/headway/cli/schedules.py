"""`schedules`: jobs by the clock."""

import click

from headway.cli import render
from headway.cli.following import WAIT_HELP, follow
from headway.cli.options import (
    chosen_environment,
    env_option,
    json_option,
    listed_env_option,
    print_json,
)
from headway.model.schedule import ScheduleState
from headway.sdk import Client


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
            render.shortened(_because(row.state), 60) or "-",
        )
        for row in rows
    ]
    head = ("SCHEDULE", "WHEN", "NEXT", "LAST RUN", "BECAUSE")
    click.echo(
        render.table(lines, head) if lines else "no schedule yet. next: headway docs schedules"
    )


def _because(state: ScheduleState) -> str:
    return state.because if state.live else "no release that serves declares it"


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
        identity = client.schedules.run(chosen_environment(client, environment), schedule).id
        if wait:
            follow(client, identity, as_json=as_json)
        elif as_json:
            print_json(client.runs.get(identity))
        else:
            click.echo(identity)
            click.echo(f"next: headway runs show {identity}", err=True)


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
