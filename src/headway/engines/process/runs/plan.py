"""How sandboxes are made, as the launch of the runner says."""

from __future__ import annotations

import json
import os
from typing import Any

from headway.engines.process.runs.output import Logs
from headway.engines.process.zygote.drop import ASIDE, FILES, PROC

_HOST = "host"
_DROP = "import sys; sys.path.append(%r); from headway_zygote import drop; drop.main()"
_ONCE = (
    "import sys; sys.path.insert(0, %r); from headway_zygote import zygote; "
    "del sys.path[0]; zygote.once(%r)"
)


def network_of(job: dict[str, Any]) -> str:
    """Give the network of a job's runs: the node's, or none but a loopback of their own."""
    return _HOST if job["network"] == "internet" else "none"


def is_warm(job: dict[str, Any]) -> bool:
    """Whether runs are forked from what holds the job's module."""
    return bool(job["function"]) and job["start"] == "warm" and job["isolation"] != "strict"


class Plan:
    """The launch of the runner, and what follows from it."""

    def __init__(self, launch: dict[str, Any], private: dict[str, Any]) -> None:
        self.launch = launch
        self.variables: dict[str, str] = private["variables"]
        self.import_s: float = launch["runner"]["import_s"]
        self.logs = Logs(launch["runner"]["logs"], private["secrets"])
        self.uid: int | None = launch["uid"]
        self.has_own_users = self.uid is not None and not any(
            writable for _, _, writable in launch["mounts"]
        )
        """Who may write to the app's volumes is the app's user."""

    def reach(self, job: dict[str, Any]) -> tuple[int, ...]:
        """List the node's ports to which a bridge leads from the loopback of a job's runs."""
        wanted = job["network"] == "dependencies"
        return tuple(self.launch["runner"]["reach"]) if wanted else ()

    def asked(self, run: dict[str, Any]) -> bytes:
        """Say what a zygote is to make for a run: the same for all that are alike, so written once.

        Its number goes before it.
        """
        job = run["job"]
        asked = {
            "uid": self.uid if self.uid is not None else os.getuid(),
            "maps_itself": self.uid is None,
            "own_network": network_of(job) == "none",
            "reach": self.reach(job),
            "disk_bytes": job["resources"]["disk_mib"] << 20,
            "inodes": run["inodes"],
            "rlimits": run["rlimits"],
        }
        return json.dumps(asked).encode().removeprefix(b"{")

    def refusal(self) -> str:
        """Say why a strict run cannot be done here; nothing when it can."""
        missing = list(self.launch["runner"]["missing"])
        if not self.has_own_users:
            missing.append("a user of its own")
        return "this runner cannot give a run: %s" % "; ".join(missing) if missing else ""

    def cold(self, run: dict[str, Any], uid: int | None, group: dict[str, Any]) -> dict[str, Any]:
        """Say how a run is started anew."""
        resources = run["job"]["resources"]
        return {
            **self.launch,
            "uid": uid,
            "seen_as": self.uid,
            "network": network_of(run["job"]),
            "reach": self.reach(run["job"]),
            "group": group,
            "rlimits": run["rlimits"],
            "disk_bytes": resources["disk_mib"] << 20,
            "inodes": run["inodes"],
        }

    def zygote(self, network: str) -> dict[str, Any]:
        """Say how what holds the jobs' modules is started."""
        as_root = self.uid is not None
        aside = ["--perms", "0700", "--dir", ASIDE, "--perms", "0755", "--dir", PROC]
        return {
            **self.launch,
            "argv": [
                self.launch["runner"]["python"],
                "-I",
                "-S",
                "-c",
                _DROP % FILES,
                str(self.uid if as_root else -1),
                self._python(),
            ],
            "network": network,
            "reach": (),
            "seccomp": "",
            # Each run has its own; this would bound all of them together.
            "rlimits": [pair for pair in self.launch["rlimits"] if pair[0] != "RLIMIT_NPROC"],
            "disable_userns": False,
            "starts_as_root": as_root,
            "mounts": [*self.launch["mounts"], *self.zygote_mounts()],
            "more": aside if as_root else [*aside, "--proc", PROC],
        }

    def zygote_mounts(self) -> list[tuple[str, str, bool]]:
        """List the files that run beside the app's own code."""
        runner = self.launch["runner"]
        return [
            (runner["zygote"], FILES + "/headway_zygote", False),
            (runner["making"], FILES + "/making.bpf", False),
            (self.launch["seccomp"] or "/dev/null", FILES + "/filter.bpf", False),
        ]

    def once(self) -> list[str]:
        """Give the program of a function that is started anew."""
        return [self._python(), "-c", _ONCE % (FILES, self.launch["directory"])]

    def _python(self) -> str:
        """Find the app's Python as its own programs would, through its PATH, from out here."""
        for folder in self.variables.get("PATH", "").split(":"):
            for name in ("python3", "python"):
                path = folder + "/" + name
                if folder and os.path.lexists(self._outside(path)):
                    return path
        return str(self.launch["runner"]["python"])

    def _outside(self, path: str) -> str:
        for source, place, _ in self.launch["mounts"]:
            if path.startswith(place + "/"):
                return str(source) + path[len(place) :]
        return path
