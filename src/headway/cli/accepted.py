"""What is set in motion without waiting for it: who does so still hears what is in its way."""

from typing import Protocol

import click
import msgspec

from headway.cli import render
from headway.cli.options import Showing, print_json
from headway.model.view.change import Started


class Ask(Protocol):
    """Sets something in motion, or only says what would be."""

    def __call__(self, *, plan: bool) -> Started:
        """Do it, or rehearse it."""


def foreseen(ask: Ask, showing: Showing) -> Started:
    """Ask for it as it is to be shown; where nobody waits, with the obstacles of a rehearsal."""
    if showing.plan or showing.wait:
        return ask(plan=showing.plan)
    obstacles = ask(plan=True).obstacles
    return msgspec.structs.replace(ask(plan=False), obstacles=obstacles)


def show_accepted(started: Started, following: str, showing: Showing) -> None:
    """Show what was accepted, and what is in its way."""
    if showing.as_json:
        print_json(started)
        return
    for line in render.obstacles(started.obstacles):
        click.echo(line, err=True)
    click.echo(f"next: {following}")
