"""`runs dead`: the dead-letter list, shown, replayed or emptied."""

from typing import Any

import click

from headway.cli import render
from headway.cli.errors import FAILED, Failed
from headway.cli.options import (
    Unclear,
    chosen_environment,
    json_option,
    listed_env_option,
    print_json,
)
from headway.model.ids import environment_name
from headway.sdk import Client


@click.command()
@click.argument("run", nargs=-1)
@listed_env_option
@click.option("-j", "--job", help="Only of this job.")
@click.option("-q", "--queue", help="Only of this queue.")
@click.option("--replay", is_flag=True, help="Make each of them again.")
@click.option("--empty", is_flag=True, help="Take each of them off the list.")
@json_option
def dead(
    run: tuple[str, ...], replay: bool, empty: bool, as_json: bool, **question: str | None
) -> None:
    """Show the dead-letter list, replay it or empty it.

    All of it, or the RUNs that are named. It is shown of all environments, and replayed or emptied
    of one.
    """
    if replay and empty:
        raise click.UsageError("choose --replay or --empty")
    if run and not (replay or empty):
        raise Unclear("say --replay or --empty", "headway runs show RUN")
    with Client.local() as client:
        if run and not question["job"]:  # their ids say where they are
            question["environment"] = None
        all_of_it = (replay or empty) and not run  # nobody means those of other environments, too
        if (question["job"] or all_of_it) and question["environment"] is None:
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
        (
            row.id,
            f"{environment_name(row.environment)}/{row.app}/{row.job}",
            render.age(row.ended_at),
            render.shortened(row.because, 80),
        )
        for row in rows
    ]
    if not lines:
        _say_none(())
        return
    click.echo(render.table(lines, ("RUN", "JOB", "AGE", "BECAUSE")))
    click.echo("next: headway runs dead --replay, or --empty")
