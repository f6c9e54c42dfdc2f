"""A hundred deployments in a row under load, while control plane and agent are killed at random."""

import os
import random
import signal
import threading
import time

from benchmarks.figure import Figure
from benchmarks.generator import Generator
from benchmarks.place import app, installation

DEPLOYMENTS = int(os.environ.get("DEPLOYMENTS", "100"))
REQUESTS = int(os.environ.get("REQUESTS", "200000"))
STRATEGIES = ("rolling", "blue-green", "canary")
FLOOR_S = 20
SEED = int(os.environ.get("SEED", "1"))


def run() -> list[Figure]:
    """Measure the floor, then the same load with deployments and kills."""
    with installation() as place:
        folder = app(
            place,
            "busy",
            extra=(
                "scale: {web: 2}\n"
                "deploy: {canary: {steps: [{weight: 30, pause: 300ms}], judgement: timed}}\n"
            ),
        )
        place.ok("start", "-e", "rush", cwd=folder)
        floor = Generator(place.http_port, "busy.rush.localhost", FLOOR_S).wait()
        generator = Generator(place.http_port, "busy.rush.localhost")
        began = time.monotonic()
        killer = Killer(place)
        killer.start()
        outcomes = []
        number = 0
        while number < DEPLOYMENTS or (time.monotonic() - began) < _needed_s(floor):
            if number >= DEPLOYMENTS:
                time.sleep(1)
                continue
            (folder / "text").write_text(f"number {number}")
            strategy = STRATEGIES[number % len(STRATEGIES)]
            done = _deploy(place, folder, strategy)
            if done.status:
                print(done.all[-600:])
            outcomes.append(done.status)
            number += 1
        kills = killer.end()
        took = time.monotonic() - began
        loaded = generator.end()
    for failure in loaded["failures"][:10]:
        print("  failed:", failure)
    rate = loaded["made"] / took
    floor_rate = floor["made"] / FLOOR_S
    return [
        Figure(
            what="deployments", value=len(outcomes), unit="", against=f"{kills} kills, seed {SEED}"
        ),
        Figure(
            what="deployments that did not succeed",
            value=sum(1 for status in outcomes if status),
            unit="",
            goal="0",
            holds=not any(outcomes),
        ),
        Figure(
            what="requests made",
            value=loaded["made"],
            unit="",
            goal=f"at least {REQUESTS:,}",
            holds=loaded["made"] >= REQUESTS,
        ),
        Figure(
            what="requests failed",
            value=loaded["failed"],
            unit="",
            against=f"without deployments {floor['failed']}",
            goal="0",
            holds=loaded["failed"] == 0,
        ),
        Figure(
            what="rate",
            value=rate,
            unit="/s",
            against=f"without deployments {floor_rate:,.0f} /s",
            ratio=rate / floor_rate,
        ),
        Figure(
            what="99 of 100 answered within",
            value=loaded["p99_ms"],
            unit="ms",
            against=f"without {floor['p99_ms']:.0f} ms (slow requests take 1,000)",
            ratio=loaded["p99_ms"] / floor["p99_ms"],
        ),
        Figure(
            what="slowest",
            value=loaded["slowest_ms"],
            unit="ms",
            against=f"without {floor['slowest_ms']:.0f} ms",
            ratio=loaded["slowest_ms"] / floor["slowest_ms"],
        ),
    ]


def _deploy(place, folder, strategy: str):
    """Deploy; while no control plane runs, ask again, as a person would."""
    while True:
        done = place.run("deploy", "-e", "rush", "--strategy", strategy, cwd=folder)
        if "does not run here" not in done.err and "nobody answers" not in done.err:
            return done
        time.sleep(0.2)


def _needed_s(floor: dict) -> float:
    """Seconds after which enough requests were made, guessed from the floor with some room."""
    return 1.6 * REQUESTS / (floor["made"] / FLOOR_S)


class Killer(threading.Thread):
    """Kills the control plane or the agent at random moments, and starts what a service would."""

    def __init__(self, place) -> None:
        super().__init__()
        self._place = place
        self._random = random.Random(SEED)
        self._stopping = threading.Event()
        self._kills = 0
        self._ports = ("--port", str(place.port), "--http-port", str(place.http_port))

    def run(self) -> None:
        while not self._stopping.wait(self._random.uniform(1.0, 4.0)):
            place = self._place
            try:
                if self._random.random() < 0.5:
                    place.kill(place.pid())
                    while place.run("up", "-d", *self._ports).status:
                        time.sleep(0.1)
                else:
                    os.kill(int((place.data / "agent" / "agent.lock").read_text()), signal.SIGKILL)
            except (OSError, ValueError):
                continue
            self._kills += 1

    def end(self) -> int:
        self._stopping.set()
        self.join()
        return self._kills
