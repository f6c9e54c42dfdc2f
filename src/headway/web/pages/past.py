"""An environment that has ended: what it was, why it ended, and what is kept of it."""

from headway.control.environments import past
from headway.control.queries import events
from headway.control.requests import RunQuestion
from headway.control.runs import runs
from headway.model.environment import EnvironmentState
from headway.model.happening import Happening, happenings
from headway.model.past import PastView
from headway.model.run import Run
from headway.web import links
from headway.web.page import Ask, Crumb, Page, View

_RUNS, _EVENTS, _LOOKED_AT = 15, 20, 300


class PastPage(View, kw_only=True):
    """One life of an environment."""

    past: PastView
    runs: tuple[Run, ...] = ()
    happened: tuple[Happening, ...] = ()
    """The newest first."""

    @property
    def title(self) -> str:
        """Its id, which no other one has."""
        return self.past.life.id

    @property
    def crumbs(self) -> tuple[Crumb, ...]:
        """The way to it."""
        return (Crumb("Environments", "/envs"), Crumb("Ended", "/envs?show=ended"))

    @property
    def goes_to(self) -> str:
        """One that has not ended is shown as it is."""
        life = self.past.life
        return "" if life.state is EnvironmentState.ENDED else links.environment(life.name)


async def _see(ask: Ask) -> PastPage:
    identity = f"{ask.names['name']}~{ask.names['life']}"
    view = await past.life(ask.world, identity)
    done = await runs.listing(ask.world, RunQuestion(environment=identity, limit=_RUNS))
    newest = await events.page(ask.world, environment=identity, limit=_LOOKED_AT, newest_first=True)
    told = [event for event in newest if not event.kind.startswith("run.")]
    return PastPage(past=view, runs=done.rows, happened=happenings(told, _EVENTS))


OFFERS = (Page("/envs/{name}~{life}", "past.html", _see),)
