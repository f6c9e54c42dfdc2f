"""What other apps have on nodes that must be apart from a demand."""

from headway.calculate.placement.table import Table
from headway.calculate.placement.too_few import Copies
from headway.calculate.placement.wanted import crowd_words
from headway.model.demand import Demand


def apart_from(demand: Demand, table: Table) -> list[Copies]:
    """Give the crowds of other apps that are held and must be apart from a demand, by name."""
    own = Copies(crowd_words(demand.crowd), demand, 1)
    app = _app_of(demand.crowd)
    found: dict[str, Copies] = {}
    for row in table.index.values():
        for held in table.held[row].values():
            crowd = held.demand.crowd
            if not crowd or _app_of(crowd) == app:
                continue
            known = found.get(crowd)
            if known is not None:
                found[crowd] = known._replace(wanted=known.wanted + 1)
            elif own.is_apart(other := Copies(crowd_words(crowd), held.demand, 1)):
                found[crowd] = other
    return [found[crowd] for crowd in sorted(found)]


def _app_of(crowd: str) -> tuple[str, ...]:
    """Give the environment and the app of a crowd."""
    return tuple(crowd.split("/")[:2])
