"""Kills control plane, agent, runners and what holds modules, while runs of all kinds are made.

`CRASH_KILLS` and `CRASH_RUNS` say how many (200 and 20,000 for a full run: `make crash`),
`CRASH_SEED` which ones. Each attempt writes to a volume when it begins and when it ends; what
headway says of the runs must agree with that.
"""

import os
import random
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from headway.machine.run_ids import RunIds
from headway.model.run import Run
from headway.sdk import Client, RefusedError, SdkError
from tests.e2e.installation import Installation, wait_for
from tests.e2e.killer import SEED, Killer, agent, control_plane, pids

KILLS = int(os.environ.get("CRASH_KILLS", "6"))
RUNS = int(os.environ.get("CRASH_RUNS", "200"))
BATCH = max(10, min(100, RUNS // 30))
_IDS = RunIds()

MANIFEST = """\
processes: {}
volumes: [{name: book, path: /book}]
queues:
  default: {concurrency: 30}
"""
JOBS = """\
import os, time
from headway.sdk import attempt, job, run_id

SMALL = {"cpu": 0.05, "memory": "32MiB", "timeout": "20s", "grace": "1s"}


def note(what):
    file = os.open("/book/book", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    os.write(file, f"{run_id()} {attempt()} {what}\\n".encode())
    os.close(file)


def work(fails, seconds):
    note("began")
    time.sleep(seconds)
    if fails:
        note("failed")
        raise ValueError("as it was told to")
    note("ended")
    return attempt()


@job(**SMALL)
def once(fails: bool = False, seconds: float = 0.0) -> int:
    return work(fails, seconds)


@job(delivery="at_least_once", retries=20, retry_delay="50ms", retry_delay_max="200ms", **SMALL)
def again(fails: bool = False, seconds: float = 0.0) -> int:
    return work(fails and attempt() < 3, seconds)


@job(start="cold", delivery="at_least_once", retries=20, retry_delay="50ms",
     retry_delay_max="200ms", **SMALL)
def cold(fails: bool = False, seconds: float = 0.0) -> int:
    return work(fails and attempt() < 3, seconds)


@job(reuse=20, **SMALL)
def shared(fails: bool = False, seconds: float = 0.0) -> int:
    return work(fails, seconds)
"""
_ENDED = {"succeeded", "failed", "timed_out", "lost", "dead", "cancelled", "expired"}
KILLED = ("control plane", "agent", "runner", "runner", "zygote", "zygote")
_KINDS = ("once", "once", "again", "again", "again", "shared", "shared", "cold")


def runners(own: Installation) -> list[int]:
    return pids("pgrep", "-f", f"{own.data}/agent/containers/.*-jobs-")


def zygotes(own: Installation) -> list[int]:
    return [one for runner in runners(own) for one in pids("pgrep", "-P", str(runner))]


FOUND = {"control plane": control_plane, "agent": agent, "runner": runners, "zygote": zygotes}


@pytest.fixture
def killed(own: Installation) -> Iterator[Killer]:
    own.up()
    killer = Killer(own, KILLS, FOUND, KILLED)
    yield killer
    killer.end()


@pytest.mark.slow
@pytest.mark.timeout(max(400, KILLS * 30 + RUNS))
def test_every_run_ends_as_is_said_of_it(own: Installation, killed: Killer, monkeypatch) -> None:
    monkeypatch.setenv("HEADWAY_DATA", str(own.data))
    app = own.app("crash", manifest=MANIFEST, **{"tasks.py": JOBS})
    own.ok("start", "-e", "crash", cwd=app)
    killed.start()
    made = make_runs(killed)
    killed.join()
    assert killed.killed.total() == KILLS
    print(SEED, dict(killed.killed), len(made))
    rows = wait_for_all(made)
    check(own, made, rows)
    with Client.local() as client:
        assert all(row.running == row.waiting == 0 for row in client.queues.all("crash"))
        last = client.jobs.invoke("crash", "once")
        assert client.runs.wait(last, 30).state.value == "succeeded"


def make_runs(killed: Killer) -> dict[str, str]:
    """Make runs, a few ahead of those that have ended, with kills all along; gives their jobs."""
    chance = random.Random(SEED + 1)
    made: dict[str, str] = {}
    while len(made) < RUNS or killed.is_alive():
        going = under_way()
        share = max(0, len(made) - going) / RUNS
        killed.allowed = KILLS if len(made) >= RUNS else min(KILLS, 1 + int(KILLS * share))
        if going > 2 * BATCH:
            time.sleep(0.05)
            continue
        kind = chance.choice(_KINDS)
        batch = [wish(chance) for _ in range(1 if chance.random() < 0.3 else BATCH)]
        ids = accepted(kind, batch)
        assert ids == [row["id"] for row in batch]
        if chance.random() < 0.1:  # asked again, as by who heard no answer
            assert accepted(kind, batch) == ids
        made |= dict.fromkeys(ids, kind)
    return made


def under_way() -> int:
    """Count the runs that are queued or run; while nobody answers, many."""
    try:
        with Client.local() as client:
            return sum(row.waiting + row.running for row in client.queues.all("crash"))
    except SdkError:
        return RUNS


def wish(chance: random.Random) -> dict[str, Any]:
    parameters = {
        "fails": chance.random() < 0.1,
        "seconds": chance.choice((0.0, 0.0, 0.0, 0.02, 0.3)),
    }
    found = {"id": _IDS.make(datetime.now(UTC)), "parameters": parameters}
    if chance.random() < 0.3:
        found["key"] = found["id"]
    if chance.random() < 0.1:
        found["delay_s"] = chance.uniform(0.1, 2)
    return found


def accepted(kind: str, batch: list[dict[str, Any]]) -> list[str]:
    """Have runs made; asks again as long as nobody answers."""
    found: list[str] = []

    def done() -> bool:
        try:
            with Client.local() as client:
                found[:] = client.jobs.invoke_many("crash", kind, batch).ids
        except RefusedError:
            raise
        except SdkError:
            return False
        return True

    wait_for(done, within_s=60)
    return found


def wait_for_all(made: dict[str, str]) -> dict[str, Run]:
    """Wait until all have ended, as long as some do; gives them."""
    rows: dict[str, Run] = {}
    patience_s = 120.0
    ends_at = time.monotonic() + patience_s
    while not rows.keys() >= made.keys():
        ended = {row.id: row for row in every_run() if row.is_ended}
        if len(ended) > len(rows):
            ends_at = time.monotonic() + patience_s
        rows = ended
        waiting = list(made.keys() - rows.keys())
        assert time.monotonic() < ends_at, (len(waiting), [shown(run) for run in waiting[:5]])
        time.sleep(0.2 if len(waiting) < 100 else 2)
    return rows


def every_run() -> list[Run]:
    found: list[Run] = []
    before = None
    with Client.local() as client:
        while True:
            page = client.runs.page(environment="crash", limit=1000, before=before)
            found += page.rows
            before = page.before
            if before is None:
                return found


def shown(run: str) -> Any:
    with Client.local() as client:
        return client.runs.get(run), client.why(run).because


def check(own: Installation, made: dict[str, str], rows: dict[str, Run]) -> None:
    """Compare what is said of runs with what they wrote."""
    wrote: dict[str, dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
    lines: Counter[str] = Counter()
    (book,) = (own.data / "volumes").rglob("book/book")
    for line in book.read_text().splitlines():
        run, number, what = line.split()
        wrote[run][what].add(int(number))
        lines[line] += 1
    assert set(wrote) <= set(made)
    assert [line for line, count in lines.items() if count > 1] == []  # no attempt began twice
    for run, kind in made.items():
        row, told = rows[run], wrote[run]
        state, where = row.state.value, (run, kind, dict(told), row)
        if kind in ("once", "shared"):
            assert len(row.attempts) <= 1, where
            assert told["began"] <= {1}, where
            assert state in ("succeeded", "failed", "lost"), where
        else:
            assert state in ("succeeded", "dead"), where
            assert told["began"] <= {one.number for one in row.attempts}, where
        if state == "succeeded":
            assert row.attempts[-1].number in told["ended"], where
            assert bytes(row.result) == str(row.attempts[-1].number).encode(), where
