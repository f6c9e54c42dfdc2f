import contextlib
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import threading
import time

import pytest

from tests.e2e import installation
from tests.e2e.installation import HEADWAY, alive, behaving, good_manifest, wait_for


@pytest.mark.parametrize(
    ("behaviour", "grace", "words"),
    [
        ("elsewhere", "5s", ["connection refused", "127.0.0.1:5999", "listen on $PORT"]),
        ("broken", "5s", ['500 {"db": "password refused"}', "serving broken"]),
        ("flaps", "30s", ["became unhealthy"]),
    ],
)
def test_a_release_that_is_not_healthy_is_explained_and_not_kept(headway, behaviour, grace, words):
    app = headway.app(behaviour, "good")
    headway.ok("start", "-e", f"t-{behaviour}", cwd=app)
    fast = f"  health_check: {{type: http, path: /, grace: {grace}, interval: 200ms}}\n"
    manifest = behaving(behaviour, grace=grace)
    manifest = manifest.replace(f"  health_check: {{type: http, path: /, grace: {grace}}}\n", fast)
    headway.app(behaviour, "bad", manifest=manifest + "deploy: {min_healthy_time: 30s}\n")
    done = headway.run("deploy", "-e", f"t-{behaviour}", cwd=app)
    assert done.status == 1, done.all
    for word in words:
        assert word in done.err
    assert "v1 serves everything" in done.err
    assert headway.get(behaviour, f"t-{behaviour}") == (200, "v1 good ")


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("no-such-program", ["exit status 127", "not found"]),
        ("echo starting; sleep 0.1; echo oops >&2; exit 3", ["exit status 3", "oops"]),
        ("true", ["exit status 0", "must keep running"]),
        ("sleep 60", ["within 2 s", "nothing listens on port"]),
    ],
)
def test_a_first_release_that_fails_leaves_nothing_running(headway, command, words):
    name = f"first-{abs(hash(command)) % 10**6}"
    app = headway.app(name, manifest=good_manifest(command, grace="2s"))
    done = headway.run("start", "-e", name, cwd=app)
    assert done.status == 1
    for word in words:
        assert word in done.err, done.err
    wait_for(lambda: not running(headway, name))


def running(headway, environment):
    rows = headway.json("ps", "-e", environment)
    return [c for row in rows for c in row["containers"] if c["state"] not in ("exited", "lost")]


def test_a_process_that_ignores_sigterm_is_killed_after_its_grace(headway):
    manifest = good_manifest(
        extra="processes: {web: {command: 'BEHAVIOUR=deaf python3 server.py', stop_grace: 1s}}\n"
    ).replace("run: {type: process, command: 'python3 server.py'}\n", "")
    app = headway.app("deaf", manifest=manifest)
    headway.ok("start", "-e", "quiet", cwd=app)
    headway.ok("stop", "-e", "quiet", "--all")
    wait_for(lambda: not running(headway, "quiet"))
    events = [
        json.loads(line) for line in headway.ok("events", "-e", "quiet", "--json").splitlines()
    ]
    assert any("did not end in time" in row["because"] for row in events)


def test_daemons_that_fork_away_end_with_their_container(headway):
    app = headway.app(
        "forker",
        manifest=good_manifest("sh run.sh"),
        **{"run.sh": ("setsid sleep 98765 &\nexec python3 server.py\n")},
    )
    headway.ok("start", "-e", "fork", cwd=app)
    assert sleepers()
    headway.ok("envs", "destroy", "fork", "--yes")
    wait_for(lambda: not sleepers())


def sleepers():
    said = subprocess.run(
        ["pgrep", "-f", "^sleep 98765"], capture_output=True, text=True, check=False
    )
    return said.stdout.split()


def test_every_mistake_in_a_manifest_is_shown_with_its_place(headway):
    app = headway.app(
        "wrong", manifest="run: {type: proces}\nenv: [1A]\nscale: {web: many}\nfoo: 1\nfoo: 2\n"
    )
    done = headway.run("apps", "add", str(app))
    assert done.status == 3
    for word in ("headway.yaml:2:13", "did you mean 'process'", "unknown key 'foo'", "here twice"):
        assert word in done.err, done.err
    broken = headway.app("torn", manifest="a: [\n")
    assert "this is not YAML" in headway.run("apps", "add", str(broken)).err


def test_unknown_apps_and_cycles_are_named(headway):
    one = headway.app("ring-a", manifest=good_manifest(extra="dependencies: [ring-b]\n"))
    two = headway.app("ring-b", manifest=good_manifest(extra="dependencies: [ring-a]\n"))
    headway.ok("apps", "add", str(one))
    unknown = headway.run("start", "-e", "loop", "ring-a")
    assert unknown.status == 3
    assert "ring-b, which ring-a needs" in unknown.err
    headway.ok("apps", "add", str(two))
    cycle = headway.run("start", "-e", "loop", "ring-a")
    assert "ring-a → ring-b → ring-a" in cycle.err or "ring-b → ring-a → ring-b" in cycle.err
    assert headway.run("envs", "show", "loop").status == 3


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (
            "command: 'echo compiling; echo broken >&2; exit 2'",
            ["build of", "exit status 2", "broken"],
        ),
        ("{command: sleep 1000, timeout: 1s}", ["time limit 1 s reached", "build.timeout"]),
        (
            "{command: 'dd if=/dev/zero of=f bs=1M count=900; sleep 9', resources: {disk: 20MiB}}",
            ["build.resources.disk"],
        ),
        ("command: no-such-compiler", ["exit status 127", "not on this machine"]),
    ],
)
def test_a_build_that_fails_is_explained(headway, build, words):
    name = f"build-{abs(hash(build)) % 10**6}"
    text = build if build.startswith("{") else f"{{{build}}}"
    app = headway.app(name, manifest=good_manifest(extra=f"build: {text}\n"))
    done = headway.run("start", "-e", name, cwd=app)
    assert done.status == 1
    for word in words:
        assert word in done.err, done.err


def test_a_build_command_makes_what_is_deployed(headway):
    app = headway.app(
        "made",
        manifest=good_manifest(
            extra="build: {command: mkdir out && cp server.py out/ && echo built > out/text, "
            "output: out}\n"
        ),
    )
    headway.ok("start", "-e", "factory", cwd=app)
    assert headway.get("made", "factory")[1] == "v1 built "


def test_a_second_up_says_that_one_runs(headway):
    done = headway.run("up", "-d", "--port", "1", "--http-port", "2")
    assert done.status == 1
    assert f"pid {headway.pid()}" in done.err
    assert "headway down && headway up -d --nodes 2" in headway.run("up", "--nodes", "2").err


def test_one_that_does_not_answer_in_time_is_ended_and_says_how_far_it_came(own):
    own.up()
    own.ok("down", "--keep")
    ports = ("--port", str(own.port), "--http-port", str(own.http_port))
    with busy(own.data / "headway.db"):
        done = own.run("up", "-d", *ports, "--within", "3s")
    assert done.status == 1
    assert "after 3s it had not begun to listen" in done.err
    assert f"next: headway up -d {' '.join(ports)} --within 12s · headway doctor" in done.err
    assert not own.is_up()
    own.up()


@contextlib.contextmanager
def busy(database):
    """Hold a database so that nobody else can open it."""
    holder = sqlite3.connect(database, isolation_level=None)
    holder.execute("PRAGMA locking_mode = EXCLUSIVE")
    holder.execute("BEGIN IMMEDIATE")
    yield
    holder.close()


def test_what_a_headway_that_cannot_be_told_has_started_ends_with_it(own, monkeypatch, capsys):
    own.up()
    app = own.app("left")
    own.ok("start", "-e", "left", cwd=app)
    monkeypatch.setattr(installation, "HEADWAY", str(own.folder / "gone" / "headway"))
    ended = own.down()
    assert {name.partition(" ")[0] for name in ended} & {"haproxy", "bwrap"}
    assert own.processes() == {}
    said = capsys.readouterr().out
    assert "headway down left" in said
    assert "gone/headway" in said


@pytest.mark.parametrize("which", ["--port", "--http-port"])
def test_a_port_that_is_taken_is_named_with_its_holder(own, which):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        ports = {"--port": str(own.port), "--http-port": str(own.http_port), which: str(port)}
        done = own.run("up", "-d", *[word for pair in ports.items() for word in pair])
    assert done.status == 1
    assert f"port {port}" in done.err
    assert f"pid {os.getpid()}" in done.err


def test_a_missing_sandbox_is_said_where_it_is_wanted(own):
    own.env["HEADWAY_BWRAP"] = "/nonexistent"
    own.up()
    app = own.app("lonely")
    done = own.run("start", "-e", "void", cwd=app)
    assert done.status == 1
    assert "no sandbox" in done.err


def test_a_missing_haproxy_is_said_with_where_it_was_looked_for_and_leaves_nothing(own):
    own.env["HEADWAY_HAPROXY"] = "/nonexistent"
    done = own.run("up", "-d", "--port", str(own.port), "--http-port", str(own.http_port))
    assert done.status == 1
    assert "no HAProxy 2.6 or newer" in done.err
    assert "/nonexistent does not run" in done.err
    assert "apt-get install haproxy" in done.err
    left = subprocess.run(
        ["pgrep", "-f", f"up --data {own.data}"], capture_output=True, text=True, check=False
    )
    assert left.stdout == ""


def test_a_request_of_a_gigabyte_is_refused_at_once(headway):
    token = (headway.data / "token").read_text()
    with socket.create_connection(("127.0.0.1", headway.port)) as connection:
        connection.sendall(
            f"POST /v1/sources HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
            f"Content-Length: {2**30}\r\n\r\n".encode()
        )
        connection.settimeout(10)
        answer = b""
        while part := connection.recv(65536):
            answer += part
        answer = answer.decode()
    assert "413" in answer.split("\r\n", 1)[0]
    assert "256MiB" in answer


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'{"apps": [1]}', b'{"apps": ["' + b"x" * 100 + b'"]}', b"[" * 100_000],
)
def test_nonsense_to_the_api_is_a_problem_and_never_a_mistake(headway, body):
    import urllib.error
    import urllib.request

    token = (headway.data / "token").read_text()
    request = urllib.request.Request(
        f"http://127.0.0.1:{headway.port}/v1/environments/x/start",
        body,
        {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request)
    with refused.value as answer:
        assert 400 <= answer.code < 500
        assert answer.headers["content-type"] == "application/problem+json"
        assert json.loads(answer.read())["code"]


def test_a_foreign_host_name_and_a_wrong_token_are_refused(headway):
    import urllib.error
    import urllib.request

    url = f"http://127.0.0.1:{headway.port}/v1/apps"
    for headers, status in (({"Host": "evil.example"}, 400), ({"Authorization": "Bearer x"}, 401)):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(urllib.request.Request(url, headers=headers))
        with refused.value as answer:
            assert answer.code == status


def test_ctrl_c_while_waiting_leaves_the_deployment_going_on(headway):
    app = headway.app(
        "slow-start", manifest=good_manifest("sleep 2; exec python3 server.py", grace="20s")
    )
    waiting = subprocess.Popen(
        [HEADWAY, "start", "-e", "patience"],
        cwd=app,
        env=headway.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while "starting" not in waiting.stdout.readline():
        pass
    waiting.send_signal(signal.SIGINT)
    _, err = waiting.communicate(timeout=20)
    assert waiting.returncode == 130
    assert "goes on in the background" in err
    assert err.count("next: ") == 1
    wait_for(lambda: headway.get("slow-start", "patience")[0] == 200)


def test_containers_and_requests_go_on_when_any_process_is_killed(own):
    own.up()
    app = own.app("steady", manifest=good_manifest(extra="scale: {web: 2}\n"))
    own.ok("start", "-e", "storm", cwd=app)
    before = {row["id"] for row in running(own, "storm")}
    failed: list[object] = []
    stopping = threading.Event()

    def ask() -> None:
        while not stopping.is_set():
            try:
                if own.get("steady", "storm")[0] != 200:
                    failed.append("status")
            except OSError as error:
                failed.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    own.kill(agent_pid(own))
    own.kill(own.pid())
    time.sleep(0.3)
    own.up()
    own.kill(agent_pid(own))
    wait_for(lambda: own.run("nodes").status == 0)
    stopping.set()
    asking.join()
    assert failed == []
    assert {row["id"] for row in running(own, "storm")} == before
    (app / "text").write_text("two")
    own.ok("deploy", "-e", "storm", cwd=app)
    assert own.get("steady", "storm")[1].startswith("v2")


def agent_pid(own):
    pid = int((own.data / "agent" / "agent.lock").read_text())
    assert alive(pid)
    return pid


def test_down_stops_everything_and_up_brings_it_back(own):
    own.up()
    app = own.app("phoenix")
    own.ok("start", "-e", "ashes", cwd=app)
    own.ok("down")
    left = subprocess.run(
        ["pgrep", "-f", str(own.data)], capture_output=True, text=True, check=False
    )
    assert left.stdout == ""
    own.up()
    wait_for(lambda: own.get("phoenix", "ashes")[0] == 200)
    rows = own.json("ps", "-e", "ashes")[0]["containers"]
    assert [row["restarts"] for row in rows if row["state"] == "healthy"] == [0]
    shutil.rmtree(own.data, ignore_errors=True)  # of which it tells no more what runs
    said = own.ok("down")
    assert "stopped the control plane" in said
    assert "agent (pid" in said
    assert own.processes() == {}
    with pytest.raises(OSError, match="refused"):
        own.get("phoenix", "ashes")


def fill(path):
    with contextlib.suppress(OSError), path.open("wb") as file:
        while True:
            file.write(b"x" * 65536)
            file.flush()


def test_a_full_disk_is_said_and_recovered_from(own, tmp_path):
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("mounting a small disk needs root")
    own.data.mkdir()
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m,mode=0755", "tmpfs", own.data], check=True
    )
    try:
        own.up()
        app = own.app("small")
        own.ok("start", "-e", "tight", cwd=app)
        filler = own.data / "filler"
        fill(filler)
        (app / "text").write_text("y" * 2_000_000)
        done = own.run("deploy", "-e", "tight", cwd=app)
        assert done.status in (1, 3)
        assert "space" in done.err.lower() or "full" in done.err.lower()
        assert own.get("small", "tight")[0] == 200
        filler.unlink()
        (app / "text").write_text("two")
        own.ok("deploy", "-e", "tight", cwd=app)
        assert (
            own.get("small", "tight")[1].startswith("v2") or "two" in own.get("small", "tight")[1]
        )
    finally:
        own.down()
        subprocess.run(["umount", "-l", own.data], check=True)


def test_nobody_else_on_the_machine_can_read_what_headway_keeps(headway):
    """Containers' users must pass through some directories, and list or read none of them."""
    app = headway.app("private")
    headway.ok("start", "-e", "private", cwd=app)
    files = [path for path in headway.data.iterdir() if path.is_file()]
    assert {"headway.db", "headway.db-wal", "headway.log", "key", "token"} <= {
        path.name for path in files
    }
    for path in files:
        assert path.stat().st_mode & 0o077 == 0, path
    for path in (headway.data, headway.data / "sources", headway.data / "agent"):
        assert path.stat().st_mode & 0o066 == 0, path


def test_settings_with_mistakes_are_refused_with_their_places(own):
    own.data.mkdir(mode=0o711, exist_ok=True)
    (own.data / "settings.yaml").write_text("apps_max: none\nrouter: {idle: 3s}\n")
    done = own.run("up", "-d", "--port", str(own.port), "--http-port", str(own.http_port))
    assert done.status == 1
    assert "settings.yaml:1:11: apps_max must be a whole number" in done.err
    assert "2:10: unknown key 'idle' in router" in done.err
    (own.data / "settings.yaml").write_text("apps_max: 1\nrequest_bytes_max: 64KiB\n")
    own.up()
    assert "default 5000" in own.ok("settings")
    first, second = own.app("first"), own.app("second")
    own.ok("start", "-e", "one", cwd=first)
    done = own.run("start", "-e", "one", cwd=second)
    assert done.status == 3
    assert "headway knows 1 apps already" in done.err
