"""All that one decision sees."""

from collections.abc import Sequence

import msgspec

from headway.calculate.placement.crowd import Crowd
from headway.calculate.placement.crowds import Crowds
from headway.calculate.placement.held import FOREVER
from headway.calculate.placement.prospect import Prospect
from headway.calculate.placement.table import Table
from headway.calculate.placement.wanted import Wanted

LATER = 0.6
"""What it costs when a node has to be there longer for it, against a whole node left unused: all of
it where at its end the node would be there for nothing else. LAVA (Google, MLSys 2025) puts this
before everything; weighed, it wastes less where containers live long (benchmarks/packing)."""


class Scope(msgspec.Struct, eq=False, gc=False):
    """A demand, the nodes, and what is known of both."""

    table: Table
    crowds: Crowds
    wanted: Wanted
    prospect: Prospect
    now: float
    ends: float
    """When it is thought to end, if it begins now; both in seconds."""
    among: frozenset[int] | None = None
    """Only these rows."""
    but: frozenset[int] = frozenset()
    """Not these rows."""

    @property
    def is_for_ever(self) -> bool:
        """Whether nobody knows when it ends.

        Then what is left of a node counts squared, as little
        of everything is of more use than much of one thing: fewer nodes. Where containers come and
        go, plain shares need fewer node-hours (both in benchmarks/packing).
        """
        return self.ends >= FOREVER

    @property
    def is_whole(self) -> bool:
        """Whether all nodes are looked at, so that what is found is true of the demand."""
        return self.among is None and not self.but

    @property
    def crowd(self) -> Crowd | None:
        """Its like, where there are any."""
        return self.crowds.of.get(self.wanted.crowd) if self.wanted.crowd else None

    def groups(self) -> Sequence[frozenset[int] | None]:
        """Give the values of the first tag of `spread`, those with fewest of its like first.

        None: values do not matter, or none has more than another. Nodes are not grouped, as there
        are many: they are a penalty.
        """
        tags, crowd = self.wanted.spread, self.crowd
        if not tags or tags[0] == "node" or crowd is None:
            return (None,)
        counts = crowd.by_value(tags[0], self.table.tags)
        by_count: dict[int, set[int]] = {}
        for number in self.table.values[tags[0]].values():
            by_count.setdefault(counts.get(number, 0), set()).add(number)
        return [frozenset(by_count[count]) for count in sorted(by_count)]
