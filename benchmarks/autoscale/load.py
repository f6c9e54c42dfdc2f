"""What is to be done: synthetic CI, mixed load, and a recorded cluster."""

import csv
import math
import random
from dataclasses import dataclass
from pathlib import Path

DAY_S, HOUR_S = 86_400.0, 3600.0
FAN = 11


@dataclass(slots=True)
class Job:
    """One thing to run. Times in seconds."""

    at: float
    runs_s: float
    lazy: bool = False
    cpu: float = 1.0
    memory: float = 1.0
    guess_s: float = 0.0
    """How long it is thought to run."""


def guessed(jobs: list[Job], sigma: float, seed: int) -> list[Job]:
    """Guess every duration, wrong by a log-normal factor."""
    chance = random.Random(seed)
    for job in jobs:
        job.guess_s = job.runs_s * math.exp(chance.gauss(0, sigma)) if sigma else job.runs_s
    return jobs


def synthetic_ci(
    seed: int = 1, *, days: int = 5, jobs: int = 21_510, hours: float = 2042
) -> list[Job]:
    """Make a week of CI: commits of working hours fan out, 30 % is lazy, and a burst comes at night."""
    chance = random.Random(seed)
    nightly = jobs // 20 // days
    made: list[Job] = []
    while len(made) < jobs - nightly * days:
        at = _working_time(chance, days)
        build_s = chance.lognormvariate(math.log(150), 0.6)
        made.append(Job(at, build_s, chance.random() < 0.05))
        for _ in range(min(200, int(chance.expovariate(1 / FAN)))):
            lazy = chance.random() < 0.3
            starts = at + build_s + chance.uniform(0, 5)
            made.append(Job(starts, chance.lognormvariate(math.log(220), 0.9), lazy))
    made = made[: jobs - nightly * days]
    for day in range(days):
        at = day * DAY_S + 2 * HOUR_S
        made += [
            Job(at + chance.uniform(0, 60), chance.lognormvariate(math.log(400), 0.7), True)
            for _ in range(nightly)
        ]
    while len(made) < jobs:
        made.append(Job(_working_time(chance, days), 200.0))
    return _sized(made, hours)


def _working_time(chance: random.Random, days: int) -> float:
    """Give a time of a commit: mostly between nine and six, fewer in the evening."""
    while True:
        at = chance.uniform(0, days * DAY_S)
        hour = at % DAY_S / HOUR_S
        busy = 1.0 if 9 <= hour < 18 else 0.35 if 7 <= hour < 22 else 0.06
        if chance.random() < busy:
            return at


def _sized(jobs: list[Job], hours: float) -> list[Job]:
    factor = hours * HOUR_S / sum(job.runs_s for job in jobs)
    for job in jobs:
        job.runs_s = max(5.0, job.runs_s * factor)
    return sorted(jobs, key=lambda job: job.at)


def small_ci(seed: int = 3) -> list[Job]:
    """Make a week of a small team: a tenth of the jobs, in the same bursts."""
    return synthetic_ci(seed, jobs=2_151, hours=204.2)


def mixed_month(seed: int = 2) -> list[Job]:
    """Make a month of CI, batch of several sizes, and long experiments, many to a node of 8 cores."""
    chance = random.Random(seed)
    made = []
    for week in range(4):
        for job in synthetic_ci(seed + week, jobs=6_000, hours=600):
            job.at += week * 7 * DAY_S
            job.cpu, job.memory = chance.choice(((1, 2), (1, 2), (2, 4), (4, 8)))
            made.append(job)
    for _ in range(3_000):
        at = chance.uniform(0, 28 * DAY_S)
        cpu, memory = chance.choice(((2, 16), (1, 8), (4, 4), (0.5, 1)))
        made.append(Job(at, chance.lognormvariate(math.log(900), 1.0), True, cpu, memory))
    for _ in range(150):
        at = chance.uniform(0, 28 * DAY_S)
        made.append(Job(at, chance.uniform(2, 10) * HOUR_S, False, 4, 16))
    return sorted(made, key=lambda job: job.at)


def openb(traces: Path) -> list[Job] | None:
    """Read the recorded GPU cluster's pods as jobs of one worker each; best effort is lazy."""
    path = traces / "openb_pod_list_default.csv"
    if not path.exists():
        return None
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    found = []
    for row in rows:
        if not row["scheduled_time"] or not row["deletion_time"]:
            continue
        runs_s = float(row["deletion_time"]) - float(row["scheduled_time"])
        # What ran for days were services; the last 4,144 of the rest are its busy weeks.
        if 0 < runs_s < 6 * HOUR_S:
            found.append(Job(float(row["creation_time"]), runs_s, row["qos"] == "BE"))
    return sorted(found, key=lambda job: job.at)[-4_144:]
