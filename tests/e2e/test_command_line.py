"""The command itself: its answers for people and programs, its streams over kills, its limits."""

import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Iterator

import pytest

from tests.e2e.installation import HEADWAY, Installation, alive, good_manifest, wait_for

BURST = """\
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        if self.path == "/burst":
            for number in range(300):
                print("line", number, flush=True)
            self.wfile.write(b"300 lines")
    def log_message(self, *_): pass
print("ready", flush=True)
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""


@pytest.fixture(scope="module")
def shaken(tmp_path_factory) -> Iterator[Installation]:
    """An installation whose control plane is killed now and then, with one app in it."""
    folder = tmp_path_factory.mktemp("shaken")
    folder.chmod(0o755)
    installation = Installation(folder)
    installation.up()
    app = installation.app("talker", manifest=good_manifest("python3 burst.py"))
    (app / "burst.py").write_text(BURST)
    installation.ok("start", "-e", "talk", cwd=app)
    yield installation
    installation.down()


@pytest.fixture(scope="module")
def calm(headway) -> Installation:
    """The shared installation, with one app in it that no test changes."""
    app = headway.app("calm")
    headway.ok("start", "-e", "calm", cwd=app)
    return headway


class Running:
    """A command that runs on, and the lines it has said so far."""

    def __init__(self, installation: Installation, *words: str) -> None:
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [HEADWAY, *words],
            cwd=installation.folder,
            env=installation.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reading = threading.Thread(target=self._read)
        self._reading.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def end(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        status = self.process.wait(15)
        self._reading.join()
        assert self.process.stdout is not None
        self.process.stdout.close()
        return status


READING = [
    ("ps", "-e", "calm"),
    ("status",),
    ("envs", "ls"),
    ("envs", "show", "calm"),
    ("apps", "ls"),
    ("builds", "ls"),
    ("builds", "ls", "-a", "calm"),
    ("apps", "show", "calm"),
    ("history", "-e", "calm", "-a", "calm"),
    ("config", "get", "-e", "calm", "-a", "calm"),
    ("why", "calm", "-e", "calm"),
    ("plan",),
    ("nodes",),
    ("routes",),
    ("doctor",),
    ("version",),
]


@pytest.mark.parametrize("words", READING, ids=" ".join)
def test_what_reads_answers_people_and_programs(calm, words):
    text = calm.run(*words)
    assert text.status in (0, 1), text.all
    assert text.out.strip()
    assert "\x1b" not in text.out
    assert json.loads(calm.run(*words, "--json").out) is not None


@pytest.mark.slow
def test_the_first_five_minutes(headway):
    folder = headway.folder / "first"
    folder.mkdir()
    (folder / "server.py").write_text((headway.app("seed") / "server.py").read_text())
    (folder / "text").write_text("hello")
    (folder / "Procfile").write_text("web: python3 server.py\n")
    assert "wrote" in headway.ok("init", cwd=folder)
    started = headway.ok("start", "-e", "five", cwd=folder)
    assert f"http://first.five.localhost:{headway.http_port}" in started
    assert "next: headway" in started
    address = headway.ok("open", "first", "-e", "five", "--print").strip()
    assert address == f"http://first.five.localhost:{headway.http_port}"
    assert headway.get("first", "five")[1].startswith("v1 hello")
    (folder / "text").write_text("again")
    done = headway.ok("deploy", "-e", "five", cwd=folder)
    assert "undo with: headway rollback" in done
    headway.ok("rollback", "-e", "five", cwd=folder)
    wait_for(lambda: headway.get("first", "five")[1].startswith("v1 hello"))


def test_a_command_in_a_container_has_its_input_output_and_status(calm):
    script = "cat; echo oops >&2; exit 5"
    done = calm.run("exec", "-e", "calm", "calm", "sh", "-c", script, stdin="typed")
    assert (done.status, done.out, done.err) == (5, "typed", "oops\n")
    size = 2 * 1024 * 1024
    counted = calm.run("exec", "-e", "calm", "calm.1", "wc", "-c", stdin="x" * size)
    assert counted.out.strip() == str(size)


@pytest.mark.parametrize("thing", ["web", "web.1", "calm/web", "calm/web.1"])
def test_a_copy_is_entered_read_and_explained_by_the_names_that_ps_shows(calm, thing):
    assert calm.ok("exec", "-e", "calm", thing, "--", "echo", "here") == "here\n"
    assert "calm/web.1@v1 serving" in calm.ok("logs", "-e", "calm", thing)
    assert f"{thing} is healthy: " in calm.ok("why", "-e", "calm", thing)


def in_terminal(installation: Installation, *words: str) -> tuple[int, str]:
    """Run a command in a terminal of 60 columns and 12 rows."""
    pid, terminal = pty.fork()
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 12, 60, 0, 0))
        os.execve(HEADWAY, ["headway", *words], installation.env)
    said = b""
    ends_at = time.monotonic() + 30
    while time.monotonic() < ends_at:
        ready, _, _ = select.select([terminal], [], [], 1)
        try:
            part = os.read(terminal, 65536) if ready else None
        except OSError:
            break
        if part == b"":
            break
        said += part or b""
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), said.decode(errors="replace")


def test_a_command_in_a_terminal_has_one_of_its_size(calm):
    status, said = in_terminal(
        calm, "exec", "-e", "calm", "calm", "sh", "-c", "test -t 0 && stty size; exit 3"
    )
    assert status == 3, said
    assert "12 60" in said


def test_no_color_is_obeyed_in_a_terminal(calm):
    _, said = in_terminal(calm, "logs", "-e", "calm", "--tail", "1")
    assert "serving" in said
    assert "\x1b[3" not in said


@pytest.mark.parametrize("words", [("clam",), ("-a", "clam"), ("calm.9",)])
def test_the_log_of_what_is_not_there_is_refused(calm, words):
    done = calm.run("logs", "-e", "calm", *words)
    assert done.status == 3, done.all


def test_the_logs_of_two_apps_are_both_shown(calm):
    other = calm.app("quiet-other")
    calm.ok("start", "-e", "calm", cwd=other)
    said = calm.ok("logs", "-e", "calm", "calm", "quiet-other")
    assert "calm/web.1" in said
    assert "quiet-other/web.1" in said


def test_a_plan_leaves_the_source_that_start_uses_as_it_was(headway):
    app = headway.app("planned")
    headway.ok("start", "-e", "planned", cwd=app)
    before = headway.json("apps", "show", "planned")["source"]
    (app / "text").write_text("something else")
    headway.ok("deploy", "-e", "planned", "--plan", cwd=app)
    assert headway.json("apps", "show", "planned")["source"] == before


def test_a_reader_that_has_seen_enough_is_no_failure(calm):
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as pipe:
        done = subprocess.run(
            [HEADWAY, "events"], env=calm.env, stdout=pipe, stderr=subprocess.PIPE, check=False
        )
    assert done.stderr == b""
    assert done.returncode == 0


@pytest.mark.slow
def test_following_loses_no_line_that_was_written_while_the_control_plane_was_dead(shaken):
    following = Running(shaken, "logs", "-f", "-e", "talk", "--json")
    try:
        wait_for(lambda: "ready" in following.text)
        assert shaken.get("talker", "talk", "/burst")[0] == 200
        wait_for(lambda: following.text.count("line 299") == 1)
        shaken.kill(shaken.pid())
        assert shaken.get("talker", "talk", "/burst")[0] == 200
        shaken.up()
        wait_for(lambda: following.text.count("line 299") == 2)
    finally:
        following.end()
    seen = [json.loads(line)["line"]["text"] for line in following.lines if line.startswith("{")]
    missing = [number for number in range(300) if seen.count(f"line {number}") != 2]
    assert missing == []


@pytest.mark.slow
def test_a_one_off_goes_on_over_a_kill_and_its_status_arrives(shaken):
    script = "echo begun; sleep 3; echo ended; exit 4"
    running = Running(shaken, "run", "-e", "talk", "-a", "talker", "--", "sh", "-c", script)
    try:
        wait_for(lambda: running.lines)
        shaken.kill(shaken.pid())
        shaken.up()
        wait_for(lambda: running.process.poll() is not None)
    finally:
        status = running.end()
    assert running.lines == ["begun", "ended"]
    assert status == 4


def test_down_ends_no_process_that_only_has_the_number_of_a_dead_control_plane(tmp_path, own):
    data = tmp_path / "left-behind"
    data.mkdir()
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        found = {"url": "http://127.0.0.1:9", "pid": stranger.pid}
        (data / "server.json").write_text(json.dumps(found))
        own.run("down", "--keep", "--data", str(data))
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


@pytest.mark.slow
def test_up_in_the_foreground_ends_its_control_plane_when_it_is_told_to_end(own):
    words = ["up", "--port", str(own.port), "--http-port", str(own.http_port)]
    process = subprocess.Popen([HEADWAY, *words], env=own.env, stdout=subprocess.DEVNULL)
    wait_for((own.data / "server.json").exists)
    control_plane = own.pid()
    process.terminate()
    process.wait(15)
    wait_for(lambda: not alive(control_plane), within_s=3)
