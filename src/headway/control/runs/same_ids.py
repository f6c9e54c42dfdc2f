"""Ids that those chose who ask for runs: asking again makes no second run."""

from collections.abc import Sequence

from headway.control.errors import Conflict
from headway.model.run import Run
from headway.ports.store import Reader


def already_there(reader: Reader, rows: Sequence[Run]) -> dict[str, Run]:
    """Give the runs that have the ids of those that are asked for: a request may have come again.

    Raises:
        Conflict: One is of another job, so what is asked for would never be done.
    """
    there: dict[str, Run] = reader.get_all(Run, {row.id for row in rows})
    for row in rows:
        known = there.get(row.id)
        if known is not None and _place(known) != _place(row):
            raise Conflict("run-id-taken", f"{row.id} is another run", hint="choose a new id")
    return there


def _place(run: Run) -> tuple[str, str, str]:
    return run.environment, run.app, run.job
