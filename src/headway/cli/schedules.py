"""`schedules`: jobs by the clock."""

import click

from headway.cli import render
from headway.cli.options import (
    chosen_environment,
    env_option,
    json_option,
    listed_env_option,
    print_json,
)
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
            render.safe(row.state.because)[:60] or "-",
        )
        for row in rows
    ]
    head = ("SCHEDULE", "WHEN", "NEXT", "LAST RUN", "BECAUSE")
    click.echo(
        render.table(lines, head) if lines else "no schedule yet. next: headway docs schedules"
    )


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
