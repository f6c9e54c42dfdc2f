"""A headway of its own for tests: the real command, real sandboxes, a real router."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from headway.sdk.errors import RefusedError
from headway.sdk.transport import Transport

HEADWAY = str(Path(sys.executable).with_name("headway"))

SERVER = """\
import http.server, os, signal, sys, time
behaviour = os.environ.get("BEHAVIOUR", "good")
if behaviour == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
else:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
answers = 0
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        if self.path.startswith("/slow"):
            time.sleep(float(self.path.partition("?")[2] or 1))
        global answers
        answers += 1
        flapped = behaviour == "flaps" and answers > 3
        status = 500 if behaviour == "broken" or flapped else 200
        text = open("/app/text").read().strip()
        body = f"{os.environ['HEADWAY_RELEASE']} {text} {os.environ.get('COLOUR', '')}".encode()
        if behaviour == "broken":
            body = b'{"db": "password refused"}'
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass
    def handle(self):
        try:
            super().handle()
        except ConnectionResetError:
            pass  # whoever asked has gone
print("serving", behaviour, flush=True)
port = 5999 if behaviour == "elsewhere" else int(os.environ["PORT"])
http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""


class Done:
    """What a command said."""

    def __init__(self, process: "subprocess.CompletedProcess[str]") -> None:
        self.status = process.returncode
        self.out = process.stdout
        self.err = process.stderr
        self.all = process.stdout + process.stderr


class Installation:
    """One headway in a directory, on ports of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.port, self.http_port = free_port(), free_port()
        self.env = {**os.environ, "HEADWAY_DATA": str(self.data), "NO_COLOR": "1"}

    def run(
        self, *words: str, cwd: Path | None = None, stdin: str = "", timeout: float = 90
    ) -> Done:
        """Run a command of headway's."""
        return Done(
            subprocess.run(
                [HEADWAY, *words],
                cwd=cwd or self.folder,
                env=self.env,
                input=stdin,
                capture_output=True,
                text=True,
                timeout=timeout,
                check=False,
            )
        )

    def ok(self, *words: str, cwd: Path | None = None, stdin: str = "") -> str:
        """Run a command that must succeed, and give what it said."""
        done = self.run(*words, cwd=cwd, stdin=stdin)
        assert done.status == 0, done.all
        return done.out

    def json(self, *words: str):
        return json.loads(self.ok(*words, "--json"))

    def asked(self, path: str) -> Any:
        """Ask the API itself: who waits would else start a command many times a second."""
        token = (self.data / "token").read_text().strip()
        with closing(Transport(f"http://127.0.0.1:{self.port}", token)) as transport:
            return transport.call("GET", f"/v1/{path}", Any)

    def has(self, environment: str) -> bool:
        """Say whether there is an environment of this name."""
        try:
            self.asked(f"environments/{environment}")
        except RefusedError as refused:
            if refused.status != 404:
                raise
            return False
        return True

    def up(self) -> None:
        ports = ("--port", str(self.port), "--http-port", str(self.http_port))
        self.ok("up", "-d", *ports, "--within", "80s")  # of a machine that is busy with tests

    def down(self) -> list[str]:
        """End everything of it; gives what the command left, which is killed, and says so.

        The command itself may be gone: what it has started is not to outlive the tests.
        """
        try:
            said = self.run("down").all
        except (OSError, subprocess.TimeoutExpired) as error:
            said = str(error)
        left = self.processes()

        def are_gone() -> bool:
            there = self.processes()
            for pid in there:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            return not there

        wait_for(are_gone)
        if left:
            print(f"headway down left {', '.join(left.values())}, killed now: {said}")
        return list(left.values())

    def processes(self) -> dict[int, str]:
        """List what runs of it, by a word of each command that is below its directory."""
        found = {}
        for place in Path("/proc").iterdir():
            if place.name.isdigit() and alive(pid := int(place.name)):
                with suppress(OSError):
                    words = (place / "cmdline").read_bytes().decode(errors="replace").split("\0")
                    if any(word == str(self.data) or f"{self.data}/" in word for word in words):
                        found[pid] = f"{Path(words[0]).name} (pid {pid})"
        return found

    def app(self, name: str, text: str = "one", manifest: str = "", **files: str) -> Path:
        """Write an app's directory."""
        folder = self.folder / "apps" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "server.py").write_text(SERVER)
        (folder / "text").write_text(text)
        body = manifest or good_manifest()
        (folder / "headway.yaml").write_text(f"name: {name}\n{body}")
        for path, content in files.items():
            (folder / path).write_text(content)
        return folder

    def get(
        self, app: str, environment: str, path: str = "/", timeout: float = 10
    ) -> tuple[int, str]:
        """Ask an app through the router."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.http_port}{path}",
            headers={"Host": f"{app}.{environment}.localhost"},
        )
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def is_up(self) -> bool:
        """Say whether its control plane runs."""
        try:
            return alive(self.pid())
        except (OSError, ValueError):
            return False

    def pid(self) -> int:
        return int(json.loads((self.data / "server.json").read_text())["pid"])

    def kill(self, pid: int) -> None:
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not alive(pid))


def good_manifest(command: str = "python3 server.py", grace: str = "30s", extra: str = "") -> str:
    """Describe an app that becomes well, on a busy machine after a while."""
    return (
        f"run: {{type: process, command: '{command}'}}\n"
        "expose:\n"
        "- name: http\n"
        f"  health_check: {{type: http, path: /, grace: {grace}}}\n"
        f"{extra}"
    )


def behaving(behaviour: str, **options: str) -> str:
    """Describe one of which some wait until it has failed."""
    return good_manifest(f"BEHAVIOUR={behaviour} python3 server.py", **{"grace": "5s", **options})


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def wait_for(holds: Callable[[], object], within_s: float = 20) -> None:
    ends_at = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < ends_at, "it did not come true in time"
        time.sleep(0.02)
