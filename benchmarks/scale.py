"""What a run costs, and how soon it begins, with many that wait and with a long history."""

import os
import sqlite3
import time
from functools import partial
from pathlib import Path

from benchmarks.figure import Figure, percentile
from benchmarks.work import Work, work

WAITING = tuple(map(int, os.environ.get("WAITING", "10000,100000,1000000").split(",")))
HISTORY = tuple(map(int, os.environ.get("HISTORY", "1000000,10000000").split(",")))
ALONE = 60
MANY = 3_000
BATCH = 100
_TICK = os.sysconf("SC_CLK_TCK")


def run() -> list[Figure]:
    """Fill the store directly while headway is down, and measure after each step.

    All of the history is kept while it is measured. At the end half of it is not, and is being
    forgotten meanwhile.
    """
    figures: list[Figure] = []
    with work() as own:
        own.restart(partial(_keep, own, 2 * max(HISTORY)))
        own.hold("held")
        own.send(own.client, "held", 1)
        floor = _measured(own)
        figures += _shown("nothing waits", floor, floor, 0.0)
        for state, counts, words in (
            ("queued", WAITING, "wait in a paused queue"),
            ("succeeded", HISTORY, "are history"),
        ):
            there = 0
            for count in counts:
                took = own.restart(partial(_fill, own, state, there, count))
                there = count
                figures += _shown(f"{count:,} {words}", _measured(own), floor, took)
        took = own.restart(partial(_keep, own, there // 2))
        figures += _shown(f"{there // 2:,} are being forgotten", _measured(own), floor, took)
    return figures


def _keep(own: Work, runs: int) -> None:
    """Set how many ended runs are kept."""
    (own.place.data / "settings.yaml").write_text(f"runs_kept: {runs}\n")


def _measured(own: Work) -> tuple[float, float]:
    """Give the median wait in ms, and the control plane's processor time for a run in µs."""
    own.warm_up()
    own.lines.take(3)
    waits = own.latency("reused", ALONE)
    before = _cpu(own.place.pid())
    own.throughput("reused", MANY, BATCH)
    time.sleep(0.5)
    return percentile(waits, 0.5), 1e6 * (_cpu(own.place.pid()) - before) / MANY


def _shown(
    what: str, found: tuple[float, float], floor: tuple[float, float], took: float
) -> list[Figure]:
    rows = zip(
        ("enqueue to first line, p50", "processor for a run"),
        ("ms", "µs"),
        found,
        floor,
        strict=True,
    )
    figures = [
        Figure(
            what=f"{what}: {words}",
            value=value,
            unit=unit,
            against=f"of an empty store {least:.2f} {unit}",
            ratio=value / least,
            goal="at most 1.5×",
            holds=value / least <= 1.5,
        )
        for words, unit, value, least in rows
    ]
    if took:
        figures.append(Figure(what=f"{what}: headway up again in", value=took, unit="s"))
    return figures


def _fill(own: Work, state: str, there: int, count: int) -> None:
    """Copy a run that the API made, in the store itself."""
    connection = sqlite3.connect(Path(own.place.data) / "headway.db")
    owner = "%/held" if state == "queued" else "%/reused"
    cursor = connection.execute(
        "SELECT * FROM runs WHERE owner LIKE ? AND state = ? LIMIT 1", (owner, state)
    )
    names = [column[0] for column in cursor.description]
    row = dict(zip(names, cursor.fetchone(), strict=True))
    identity, doc = row["id"], row["doc"].decode()
    copied = [name for name in names if name not in ("ordinal", "id", "doc")]
    connection.executemany(
        f"INSERT INTO runs (id, doc, {', '.join(copied)}) "
        f"VALUES (?, ?, {', '.join('?' for _ in copied)})",
        (
            (made, doc.replace(identity, made).encode(), *(row[name] for name in copied))
            for made in (f"{state[0]}{number:015d}" for number in range(there, count))
        ),
    )
    connection.commit()
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    os.sync()  # what the kernel still has to write of this, runs would wait for


def _cpu(pid: int) -> float:
    words = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / _TICK
