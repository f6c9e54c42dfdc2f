"""What a planted bug is, and the world in which it shows."""

from collections.abc import Callable
from typing import NamedTuple

import msgspec
import pytest

from headway.model.scenario import Faults, Scenario
from headway.sim.everything import everything
from headway.sim.tunnel import run

_HARSH = Faults(
    plane_kills_hour=6,
    await_kills_share=0.001,
    runner_kills_hour=6,
    container_kills_hour=6,
    engine_cuts_hour=12,
    line_cuts_hour=20,
    node_deaths_hour=2,
    unavailable_share=0.05,
    lost_answers_share=0.05,
    slow_share=0.1,
    twice_share=0.3,
    spot_notices_hour=2,
    machine_losses_hour=2,
    provider_cuts_hour=2,
    provider_silent_share=0.05,
    provider_lost_share=0.05,
    slow_s=20,
    away_s=30,
)


class World(NamedTuple):
    """A made-up world in which more goes wrong than in most."""

    seed: int
    hours: float
    faults: tuple[tuple[str, float], ...] = ()
    """Which go wrong in it more often, or less, than in others."""

    def __str__(self) -> str:
        return ", ".join(
            (
                f"seed {self.seed}, {self.hours:g} h",
                *(f"{name} {often:g}" for name, often in self.faults),
            )
        )

    def scenario(self) -> Scenario:
        faults = msgspec.structs.replace(_HARSH, **dict(self.faults))
        return msgspec.structs.replace(everything(self.seed, self.hours), faults=faults)

    def broken(self) -> str | None:
        """Say what does not hold in it; it ends there."""
        broken = run(self.scenario()).broken
        return None if broken is None else f"{broken.invariant}: {broken.what}"


class Bug(NamedTuple):
    """A mistake that a person could have made in the control plane."""

    plant: Callable[[pytest.MonkeyPatch], None]
    world: World
    """In which it was found last: the search begins there."""
    by: str = ""
    """The invariant that it breaks; empty: it breaks several, and any will do."""

    def broken(self, world: World) -> str | None:
        """Say what does not hold in a world in which it is planted."""
        with pytest.MonkeyPatch.context() as patch:
            self.plant(patch)
            return world.broken()

    def is_found(self, world: World) -> bool:
        """Say whether what it breaks does not hold in a world in which it is planted."""
        broken = self.broken(world)
        return broken is not None and broken.startswith(f"{self.by}: " if self.by else "")


def found_by(
    seed: int, hours: float = 1, *, by: str = "", **faults: float
) -> Callable[[Callable[[pytest.MonkeyPatch], None]], Bug]:
    """Make a bug of a function that plants it, and keep with it the world that finds it."""
    return lambda plant: Bug(plant, World(seed, hours, tuple(faults.items())), by)
