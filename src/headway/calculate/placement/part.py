"""What one of those asks for that start together."""

from typing import NamedTuple

from headway.model.demand import Demand


class Part(NamedTuple):
    """What one member asks for."""

    job: str
    alone: Demand
    with_runner: Demand
    """Where no runner of its release is."""
