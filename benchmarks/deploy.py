"""From `headway deploy` to all requests at the new release, and an environment of five apps.

The apps' own start-up is what the same command takes in the same sandbox, from its process to its
first good answer; the rest is headway's share.
"""

import statistics
import time
from datetime import datetime

from benchmarks.figure import Figure
from benchmarks.place import app, installation

ROUNDS = 7
APPS = 5


def run() -> list[Figure]:
    """Measure deployments of one app, then environments of five apps that need one another."""
    with installation() as place:
        return [*_deployments(place), *_environments(place)]


def _deployments(place) -> list[Figure]:
    folder = app(place, "quick")
    place.ok("start", "-e", "bench", cwd=folder)
    whole: list[float] = []
    own: list[float] = []
    server: list[float] = []
    for number in range(ROUNDS):
        (folder / "text").write_text(f"round {number}")
        began = time.perf_counter()
        place.ok("deploy", "-e", "bench", "--strategy", "blue-green", cwd=folder)
        whole.append(time.perf_counter() - began)
        (row,) = place.json("history", "-e", "bench", "-a", "quick", "--limit", "1")
        server.append(_seconds(row["created_at"], row["ended_at"]))
        own.append(_own_start(place, "bench", "quick"))
    share = statistics.median([a - b for a, b in zip(whole, own, strict=True)])
    return [
        Figure(
            what="deploy, command to 100 % of requests", value=statistics.median(whole), unit="s"
        ),
        Figure(what="  in the control plane", value=statistics.median(server), unit="s"),
        Figure(what="  of that the app's own start-up", value=statistics.median(own), unit="s"),
        Figure(
            what="  headway's share, 0.5 s min_healthy_time included",
            value=share,
            unit="s",
            against="the app's own start-up",
            ratio=share / statistics.median(own),
            goal="under 1 s",
            holds=share < 1,
        ),
    ]


def _own_start(place, environment: str, name: str) -> float:
    """Seconds from the process to its first good answer, for the slowest container."""
    rows = place.json("ps", "-e", environment)
    newest = [
        container
        for member in rows
        if member["app"] == name
        for container in member["containers"]
        if container["state"] == "healthy"
    ]
    return max(_seconds(row["started_at"], row["healthy_at"]) for row in newest)


def _environments(place) -> list[Figure]:
    folders = [
        app(
            place,
            f"app-{number}",
            extra=f"dependencies: [app-{number - 1}]\n" if number in (2, 4) else "",
        )
        for number in range(1, APPS + 1)
    ]
    place.ok("apps", "add", *map(str, folders))
    names = [folder.name for folder in folders]
    place.ok("start", "-e", "warm", *names)
    whole: list[float] = []
    own: list[float] = []
    for number in range(3):
        began = time.perf_counter()
        place.ok("start", "-e", f"env-{number}", *names)
        whole.append(time.perf_counter() - began)
        starts = {name: _own_start(place, f"env-{number}", name) for name in names}
        # Two apps start behind another one: the longest way through the tree is the apps' own.
        own.append(max(starts["app-1"] + starts["app-2"], starts["app-3"] + starts["app-4"]))
        place.ok("envs", "destroy", f"env-{number}", "--yes")
    share = statistics.median([a - b for a, b in zip(whole, own, strict=True)])
    return [
        Figure(
            what="environment of five apps, caches warm", value=statistics.median(whole), unit="s"
        ),
        Figure(what="  of that the apps' own start-up", value=statistics.median(own), unit="s"),
        Figure(
            what="  headway's share",
            value=share,
            unit="s",
            against="the apps' own start-up",
            ratio=share / statistics.median(own),
            goal="under 3 s",
            holds=share < 3,
        ),
    ]


def _seconds(began: str, ended: str) -> float:
    read = datetime.fromisoformat
    return (read(ended) - read(began)).total_seconds()
