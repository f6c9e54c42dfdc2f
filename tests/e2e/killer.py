"""Kills processes of a headway at seeded random moments."""

import os
import random
import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Mapping

from tests.e2e.installation import Installation, wait_for

Find = Callable[[Installation], list[int]]
"""Gives the processes of which one may be killed."""
SEED = int(os.environ.get("CRASH_SEED", "20261121"))


class Killer(threading.Thread):
    """Kills one process after another, and starts the control plane again as a service would."""

    def __init__(
        self, own: Installation, kills: int, found: Mapping[str, Find], shares: tuple[str, ...]
    ) -> None:
        super().__init__()
        self.own = own
        self.kills = kills
        self.found = found
        self.shares = shares
        """What may be killed; what is named twice is killed twice as often."""
        self.random = random.Random(SEED)
        self.killed: Counter[str] = Counter()
        self.allowed = kills
        """So many kills there may be by now."""
        self.stopping = threading.Event()

    def run(self) -> None:
        while self.killed.total() < self.kills:
            if self.stopping.wait(self.random.uniform(0.1, 1.5)):
                return
            if self.killed.total() >= self.allowed:
                continue
            which = self.random.choice(self.shares)
            pid = self.pid_of(which)
            if pid is None:
                continue
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
            self.killed[which] += 1
            if which == "control plane":
                wait_for(lambda: self.own.run("up", "-d", *self.ports()).status == 0, within_s=90)

    def ports(self) -> list[str]:
        return ["--port", str(self.own.port), "--http-port", str(self.own.http_port)]

    def pid_of(self, which: str) -> int | None:
        try:
            pids = self.found[which](self.own)
        except (OSError, ValueError):
            return None
        return self.random.choice(pids) if pids else None

    def end(self) -> None:
        self.stopping.set()
        if self.is_alive():
            self.join()


def control_plane(own: Installation) -> list[int]:
    return [own.pid()]


def agent(own: Installation) -> list[int]:
    return [int((own.data / "agent" / "agent.lock").read_text())]


def pids(*command: str) -> list[int]:
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    return [int(word) for word in said.stdout.split()]
