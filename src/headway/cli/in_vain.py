"""What would be waited for in vain: apps that find no room, or crash again and again."""

import time
from collections.abc import Iterable
from typing import NoReturn

import click

from headway.cli import render
from headway.cli.errors import REFUSED, Failed, fail
from headway.model.container import ContainerState
from headway.model.view.environment import MemberView
from headway.model.view.standing import HOPELESS, MemberState

_PATIENCE_S = 5.0
"""Room is also made by what others leave, and a copy may come up with its next try."""
_HELD_UP = frozenset({MemberState.QUEUED, MemberState.WAITING})
"""What is in one of these comes on with another only."""


class InVain:
    """Notices when of all that is waited for nothing comes on any more."""

    def __init__(self, environment: str, *, patient: bool) -> None:
        self._environment = environment
        self._patient = patient
        self._since: float | None = None
        """When it was first seen that nothing comes on; None while something does."""
        self._healthy = 0
        """So many copies of what holds up all were healthy at once, at the most."""

    def check(self, members: Iterable[MemberView]) -> None:
        """Give up once nothing has come on for a while: say how many run, why, and what to do.

        Raises:
            Failed: Nothing has.
        """
        hopeless = () if self._patient else _hopeless(members)
        self._note(hopeless)
        if self._since is not None and time.monotonic() - self._since > _PATIENCE_S:
            self._give_up(hopeless)

    def _note(self, hopeless: tuple[MemberView, ...]) -> None:
        """Take over what holds up all now: one more healthy copy than ever is a step on."""
        healthy = sum(map(_come_up, hopeless))
        if not hopeless or healthy > self._healthy:
            self._since, self._healthy = None, max(healthy, self._healthy)
        if hopeless and self._since is None:
            self._since = time.monotonic()

    def _give_up(self, rows: tuple[MemberView, ...]) -> NoReturn:
        for row in rows:
            said = f"{row.app} is {row.state.value}: {render.safe(row.because)}"
            fail(said, *self._nexts(row))
        context = click.get_current_context(silent=True)
        hint = "; --wait waits for it" if context and "wait" in context.params else ""
        click.echo(f"it goes on as soon as that changes{hint}", err=True)
        raise Failed(REFUSED)

    def _nexts(self, row: MemberView) -> tuple[str, str]:
        assert row.deployment is not None  # else it were not under way
        where = f"-e {self._environment}"
        stuck = row.state is MemberState.STUCK
        look = f"headway why {where} {row.app}" if stuck else f"headway logs {where} {row.app}"
        return look, f"headway abort {row.deployment.id}"


def _hopeless(members: Iterable[MemberView]) -> tuple[MemberView, ...]:
    """Give the apps that hold up all; none while one comes on."""
    under_way = [row for row in members if row.deployment and not row.deployment.is_ended]
    if any(row.state not in HOPELESS | _HELD_UP for row in under_way):
        return ()
    return tuple(row for row in under_way if row.state in HOPELESS)


def _come_up(row: MemberView) -> int:
    """Count the healthy copies of what is deployed: those of the release before become fewer."""
    release = row.deployment.release if row.deployment else None
    return sum(
        one.release == release and one.state is ContainerState.HEALTHY for one in row.containers
    )
