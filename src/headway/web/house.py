"""What the pages are about: one running control plane."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from headway.control.heart import Heart
from headway.control.world import World
from headway.model.view.check import Check


class House(NamedTuple):
    """One running control plane, as pages see it."""

    world: World
    heart: Heart
    data: Path
    stop: asyncio.Event
    """Set when streams are to end."""
    machine_checks: Sequence[Callable[[], Awaitable[list[Check]]]] = ()
