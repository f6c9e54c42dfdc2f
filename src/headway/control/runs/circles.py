"""Runs that would wait for one another for ever."""

from collections.abc import Iterator, Sequence

from headway.control.errors import Invalid
from headway.model.run import After, Run, key_name
from headway.ports.store import Reader

_LOOKED_AT_MAX = 20_000


def refuse_circles(reader: Reader, rows: Sequence[Run]) -> None:
    """Refuse new runs that would wait, through others or through keys, for themselves.

    A run can be named by its key before it is there, so a circle may close with its last run only.

    Raises:
        Invalid: They do; the text names the circle.
    """
    if not any(row.after for row in rows):
        return
    new = _New(rows)
    done: set[str] = set()
    for first in rows:
        if not first.after or first.id in done:
            continue
        path, places = [first], {first.id: 0}
        ways = [_awaited(reader, new, first)]
        while path:
            other = next(ways[-1], None)
            if other is None:
                ended = path.pop().id
                done.add(ended)
                del places[ended], ways[-1]
            elif other.id in places:
                raise _circle(path[places[other.id] :])
            elif other.id not in done:
                places[other.id] = len(path)
                path.append(other)
                ways.append(_awaited(reader, new, other))
            if len(done) + len(path) > _LOOKED_AT_MAX + len(rows):
                raise Invalid("after-too-long", "it would follow too many runs that wait")


class _New:
    """Runs that are about to be written down, by what they may be named by."""

    def __init__(self, rows: Sequence[Run]) -> None:
        self.ids = {row.id: row for row in rows}
        self.keys = {row.key_name: row for row in rows if row.key_name is not None}


def _awaited(reader: Reader, new: _New, run: Run) -> Iterator[Run]:
    for after in run.after:
        other = _found(reader, new, run, after)
        if other is not None and other.after and not other.is_ended:
            yield other


def _found(reader: Reader, new: _New, run: Run, after: After) -> Run | None:
    if after.run is not None:
        return new.ids.get(after.run) or reader.get(Run, after.run)
    name = key_name(run.environment, run.app, after.job, after.key)
    there = reader.find(Run, key_name=name, newest_first=True, limit=1)
    return there[0] if there else new.keys.get(name)


def _circle(runs: Sequence[Run]) -> Invalid:
    names = [f"{run.job} {run.key or run.id}" for run in runs]
    told = " → ".join([*names, names[0]]) if len(names) < 10 else f"{len(names)} runs in a circle"
    return Invalid("after-circle", f"they would wait for one another for ever: {told}")
