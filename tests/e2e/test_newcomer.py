"""What people do in their first days, and two things at once."""

import fcntl
import json
import os
import pty
import signal
import socket
import subprocess

import pytest

from tests.e2e.installation import HEADWAY, free_port, good_manifest, wait_for

MANUAL = "deploy: {strategy: canary, canary: {judgement: manual, steps: [{weight: 10%}]}}\n"


@pytest.fixture
def paused(headway):
    """An app whose canary waits for a person."""
    name = f"canary-{os.urandom(3).hex()}"
    app = headway.app(name, "one", manifest=good_manifest(extra=MANUAL))
    headway.ok("start", "-e", name, cwd=app)
    (app / "text").write_text("two")
    assert "waits for `headway promote`" in headway.ok("deploy", "-e", name, cwd=app)
    yield name, app
    headway.run("envs", "destroy", name, "--yes")


def test_a_deployment_behind_a_canary_says_so_and_ends(headway, paused):
    name, app = paused
    (app / "text").write_text("three")
    done = headway.run("deploy", "-e", name, cwd=app)
    assert done.status == 8
    assert "queued behind dep-" in done.err
    assert "headway promote dep-" in done.err
    assert "--replace" in done.err
    queued = headway.json("history", "-e", name, "-a", name)[0]
    assert queued["because"].startswith("behind dep-")


def test_a_rollback_during_a_canary_ends_it_and_stays_where_it_was(headway, paused):
    name, app = paused
    headway.ok("rollback", "-e", name, cwd=app)
    assert headway.json("status", "-e", name)["environments"][0]["members"][0]["live"] == 1
    assert {headway.get(name, name)[1] for _ in range(30)} == {"v1 one "}


def test_deploying_what_serves_already_changes_nothing(headway):
    app = headway.app("same")
    headway.ok("start", "-e", "same", cwd=app)
    said = headway.ok("deploy", "-e", "same", cwd=app)
    assert "this serves already" in said
    assert "headway redeploy" in said
    assert len(headway.json("history", "-e", "same", "-a", "same")) == 1
    headway.ok("config", "set", "-e", "same", "COLOUR=red", "--no-deploy", cwd=app)
    headway.ok("deploy", "-e", "same", cwd=app)
    assert headway.get("same", "same")[1] == "v2 one red"


def test_an_app_that_needs_config_is_started_by_the_commands_that_are_named(headway):
    """Headway does not know it yet: it cannot start without its config, nor be told before."""
    manifest = good_manifest(extra="env: [TOKEN, COLOUR]\n")
    app = headway.app("keyed", manifest=manifest)
    refused = headway.run("start", "-e", "keyed", cwd=app)
    assert refused.status == 3
    assert "next: headway config set -e keyed -a keyed COLOUR=… TOKEN=…" in refused.err
    done = headway.run("config", "set", "-e", "keyed", "-a", "keyed", "COLOUR=red", cwd=app)
    assert done.status == 0, done.all
    assert "keyed is new: sent from this directory" in done.err
    assert "next: headway config set -e keyed -a keyed TOKEN=…" in done.out
    said = headway.ok("config", "set", "-e", "keyed", "TOKEN=x", cwd=app)
    assert "next: headway start -e keyed keyed" in said
    headway.ok("start", "-e", "keyed", "keyed", cwd=app)
    assert headway.get("keyed", "keyed")[1] == "v1 one red"


def test_config_of_an_app_that_is_neither_known_nor_here_is_refused(headway, tmp_path):
    done = headway.run("config", "set", "-e", "keyed", "-a", "nowhere", "A=1", cwd=tmp_path)
    assert done.status == 3
    assert "there is no app nowhere" in done.err


def test_a_procfile_release_line_runs_once_before_traffic(headway):
    procfile = "web: python3 server.py\nrelease: echo migrated\n"
    manifest = "expose: [{name: http, health_check: {type: http, path: /}}]\n"
    app = headway.app("heroku", manifest=manifest, Procfile=procfile)
    headway.ok("start", "-e", "heroku", cwd=app)
    view = headway.json("status", "-e", "heroku")["environments"][0]["members"][0]
    assert view["wanted"] == 1
    assert "migrated" in headway.ok("logs", "-e", "heroku")


def test_stop_without_a_name_stops_the_app_of_the_directory_only(headway):
    one, two = headway.app("stop-one"), headway.app("stop-two")
    for app in (one, two):
        headway.ok("start", "-e", "halves", cwd=app)
    headway.ok("stop", "-e", "halves", cwd=one)
    states = {
        row["app"]: row["state"]
        for row in headway.json("status", "-e", "halves")["environments"][0]["members"]
    }
    assert states == {"stop-one": "stopped", "stop-two": "healthy"}
    refused = headway.run("stop", "-e", "halves")
    assert refused.status == 2
    assert "--all" in refused.err


def test_a_stopped_app_stays_stopped_when_its_deployment_fails(headway):
    app = headway.app("resting")
    headway.ok("start", "-e", "rest", cwd=app)
    headway.ok("stop", "-e", "rest", cwd=app)
    (app / "headway.yaml").write_text("name: resting\n" + good_manifest("exit 3", grace="5s"))
    assert headway.run("deploy", "-e", "rest", cwd=app).status == 1
    assert (
        headway.json("status", "-e", "rest")["environments"][0]["members"][0]["state"] == "stopped"
    )
    wait_for(lambda: headway.get("resting", "rest")[0] == 503)
    (app / "headway.yaml").write_text("name: resting\n" + good_manifest())
    headway.ok("deploy", "-e", "rest", cwd=app)
    assert headway.get("resting", "rest")[0] == 200


def test_who_waits_is_told_when_the_environment_is_destroyed_and_its_history_stays(headway):
    app = headway.app("doomed", manifest=good_manifest("sleep 600", grace="60s"))
    process = subprocess.Popen(
        [HEADWAY, "start", "-e", "doom"],
        cwd=app,
        env=headway.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for(lambda: "probing" in headway.run("status", "-e", "doom").out)
    headway.ok("envs", "destroy", "doom", "--yes", "--reason", "not needed")
    _, said = process.communicate(timeout=30)
    assert process.returncode == 1, said
    assert "doom has ended meanwhile: not needed" in said or "doomed" in said, said
    (row,) = headway.json("history", "-e", "doom", "-a", "doomed")
    assert row["kind"] == "start"


def test_a_lease_is_shortened_only_when_that_is_meant(headway):
    app = headway.app("leased")
    headway.ok("start", "-e", "leased", "--lease", "8h", cwd=app)
    done = headway.run("extend", "2h", "-e", "leased")
    assert done.status == 3
    assert "--shorten" in done.err
    headway.ok("extend", "2h", "-e", "leased", "--shorten")
    headway.ok("extend", "9h", "-e", "leased")
    headway.ok("extend", "never", "-e", "leased")


def test_secrets_that_one_side_lacks_are_told_apart(headway):
    app = headway.app("sides")
    headway.ok("start", "-e", "left", cwd=app)
    headway.ok("start", "-e", "right", cwd=app)
    headway.ok("config", "set", "-e", "left", "--secret", "API_KEY=hush", cwd=app)
    said = headway.ok("envs", "diff", "left", "right")
    assert "API_KEY: (secret) | (not set)" in said
    assert "hush" not in said


def test_a_required_key_of_what_serves_is_not_taken_away(headway):
    app = headway.app("needs", manifest="env: [GREETING]\n" + good_manifest())
    headway.ok("apps", "add", str(app))
    headway.ok("config", "set", "-e", "needs", "GREETING=hi", cwd=app)
    headway.ok("start", "-e", "needs", cwd=app)
    done = headway.run("config", "unset", "-e", "needs", "GREETING", cwd=app)
    assert done.status == 3
    assert "needs GREETING" in done.err


def test_a_name_that_cannot_be_is_refused_before_anything_else(headway):
    app = headway.app("named", manifest="env: [GREETING]\n" + good_manifest())
    done = headway.run("start", "-e", "My Env", cwd=app)
    assert done.status == 3
    assert "cannot name an environment" in done.err


def test_a_plan_to_destroy_names_what_cannot_be_brought_back(headway):
    manifest = good_manifest(extra="volumes: [{name: files, path: /data}]\n")
    app = headway.app("keeper", manifest=manifest)
    headway.ok("start", "-e", "keeper", cwd=app)
    said = headway.ok("envs", "destroy", "keeper", "--plan")
    assert "delete volume files with all its data" in said
    done = headway.run("envs", "destroy", "keeper")
    assert done.status == 2
    assert "--yes" in done.err


def test_a_missing_package_is_named(headway):
    app = headway.app("imports", manifest=good_manifest("python3 app.py"))
    (app / "app.py").write_text("import flask_nowhere\n")
    done = headway.run("start", "-e", "imports", cwd=app)
    assert done.status == 1
    assert "flask_nowhere is not installed: add its package to requirements.txt" in done.err


def test_up_listens_where_it_listened_before(own):
    own.up()
    own.kill(own.pid())
    own.ok("up", "-d")
    assert json.loads((own.data / "server.json").read_text())["url"].endswith(f":{own.port}")


def test_a_refused_up_leaves_nothing_behind(own, headway):
    for option, taken in (("--port", headway.port), ("--http-port", headway.http_port)):
        ports = {"--port": own.port, "--http-port": own.http_port} | {option: taken}
        words = [str(word) for pair in ports.items() for word in pair]
        assert own.run("up", "-d", *words).status == 1
        left = subprocess.run(
            ["pgrep", "-af", str(own.data)], capture_output=True, text=True, check=False
        )
        assert left.stdout == ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP, signal.SIGTERM])
def test_a_one_off_ends_with_its_terminal(headway, number):
    app = headway.app("oneoff")
    headway.ok("start", "-e", "oneoff", cwd=app)
    mark = 4000 + number
    process = subprocess.Popen(
        [HEADWAY, "run", "-e", "oneoff", "-a", "oneoff", "--", "sleep", str(mark)],
        env=headway.env,
        stderr=subprocess.PIPE,
    )
    wait_for(lambda: is_running(f"sleep {mark}"))
    assert "oneoff/run." in headway.ok("ps", "-e", "oneoff")
    process.send_signal(number)
    process.communicate(timeout=15)
    wait_for(lambda: not is_running(f"sleep {mark}"))


def test_a_command_that_ignores_the_end_of_its_terminal_ends_all_the_same(headway):
    app = headway.app("stubborn")
    headway.ok("start", "-e", "stubborn", cwd=app)
    script = 'trap "" HUP TERM; while :; do sleep 4999; done'
    pid, terminal = pty.fork()
    if pid == 0:
        words = ["headway", "exec", "-e", "stubborn", "stubborn", "sh", "-c", script]
        os.execve(HEADWAY, words, headway.env)
    wait_for(lambda: is_running("sleep 4999"))
    os.close(terminal)
    os.waitpid(pid, 0)
    wait_for(lambda: not is_running("sleep 4999"))


def test_a_terminal_in_a_container_of_its_own_leaves_none_behind(headway):
    app = headway.app("passing")
    headway.ok("start", "-e", "passing", cwd=app)
    pid, terminal = pty.fork()
    if pid == 0:
        words = ["headway", "run", "-t", "-e", "passing", "-a", "passing", "--", "sleep", "4998"]
        os.execve(HEADWAY, words, headway.env)
    wait_for(lambda: is_running("sleep 4998"))
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    os.close(terminal)
    wait_for(lambda: "passing/run." not in headway.ok("ps", "-e", "passing"))


def test_a_long_command_runs_and_one_that_is_too_long_is_said(headway):
    app = headway.app("wordy")
    headway.ok("start", "-e", "wordy", cwd=app)
    said = headway.ok("exec", "-e", "wordy", "wordy", "sh", "-c", f"echo ok # {'x' * 30_000}")
    assert said == "ok\n"
    done = headway.run("exec", "-e", "wordy", "wordy", "sh", "-c", f"echo ok # {'x' * 70_000}")
    assert done.status == 1
    assert "put it into a script" in done.err


def test_ports_that_are_all_taken_are_said_where_one_is_wanted(own):
    own.data.mkdir(mode=0o711)
    port = free_port()
    (own.data / "settings.yaml").write_text(f"tcp_port_first: {port}\ntcp_port_last: {port}\n")
    own.up()
    manifest = "run: {command: python3 server.py}\nexpose: [{name: db, protocol: tcp}]\n"
    own.ok("start", "-e", "one", cwd=own.app("first", manifest=manifest))
    second = own.app("second", manifest=manifest)
    done = own.run("start", "-e", "one", cwd=second)
    assert done.status == 1
    assert "no port is free for db" in done.err
    own.ok("envs", "destroy", "one", "--yes")
    assert f"tcp://127.0.0.1:{port}" in own.ok("start", "-e", "two", cwd=second)


def test_apps_that_are_needed_are_found_beside_this_one(headway):
    low = headway.app("beside-low")
    middle = headway.app("beside-middle")
    top = headway.app("beside-top")
    for folder, need in ((middle, "beside-low"), (top, "beside-middle")):
        text = (folder / "headway.yaml").read_text()
        (folder / "headway.yaml").write_text(f"{text}dependencies: [{need}]\n")
    planned = headway.run("start", "-e", "beside", "--plan", cwd=top)
    assert planned.status == 0, planned.err
    assert "found beside-low in ../beside-low" in planned.err
    assert headway.run("apps", "show", "beside-low").status == 3, "a plan leaves nothing"
    headway.ok("start", "-e", "beside", cwd=top)
    states = {
        row["app"] for row in headway.json("status", "-e", "beside")["environments"][0]["members"]
    }
    assert states == {"beside-low", "beside-middle", "beside-top"}
    (low / "headway.yaml").write_text("name: beside-low\n" + good_manifest())


def test_a_copy_is_of_what_serves_and_not_of_what_was_sent_last(headway):
    app = headway.app("original", "one")
    headway.ok("start", "-e", "left-one", cwd=app)
    (app / "text").write_text("two")
    headway.ok("deploy", "-e", "left-one", cwd=app)
    headway.ok("rollback", "-e", "left-one", cwd=app)
    headway.ok("envs", "copy", "left-one", "right-one")
    assert headway.get("original", "right-one")[1] == "v1 one "


def test_json_stays_json_when_a_canary_waits(headway):
    app = headway.app("jsonic", "one", manifest=good_manifest(extra=MANUAL))
    headway.ok("start", "-e", "jsonic", cwd=app)
    (app / "text").write_text("two")
    said = json.loads(headway.ok("deploy", "-e", "jsonic", "--json", cwd=app))
    assert said[0]["phase"] == "paused"
    headway.ok("abort", "-e", "jsonic", "-a", "jsonic")


def is_running(command: str) -> bool:
    return (
        subprocess.run(["pgrep", "-xf", command], capture_output=True, check=False).returncode == 0
    )


def test_a_container_is_stopped_by_its_id_and_followed_by_another(headway):
    app = headway.app("followed")
    headway.ok("start", "-e", "followed", cwd=app)
    (before,) = headway.json("status", "-e", "followed")["environments"][0]["members"][0][
        "containers"
    ]
    headway.ok("stop", before["id"])

    def after():
        rows = headway.json("status", "-e", "followed")["environments"][0]["members"][0][
            "containers"
        ]
        return [row for row in rows if row["state"] == "healthy" and row["id"] != before["id"]]

    wait_for(after)


def test_ctrl_c_while_modules_are_loaded_shows_no_traceback(headway):
    for delay_s in (0.08, 0.1, 0.15, 0.2):  # before, Python itself is being loaded
        process = subprocess.Popen(
            [HEADWAY, "status"], env=headway.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        try:
            process.wait(delay_s)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=15)
        assert b"Traceback" not in said


def test_doctor_looks_at_the_machine_before_anything_runs(own):
    own.data.parent.chmod(0o755)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        own.data.mkdir()
        told = {"port": taken.getsockname()[1], "http_port": own.http_port}
        (own.data / "listen.json").write_text(json.dumps(told))
        said = own.run("doctor")
        checks = {row["name"]: row for row in json.loads(own.run("doctor", "--json").out)}
    assert "this is what the machine would give it\nnext: headway up" in said.out
    assert "✓ isolation: " in said.out
    assert (said.status, checks["api"]["ok"], checks["router"]["ok"]) == (1, False, True)
    assert f"port {told['port']} is taken by " in checks["api"]["detail"]
    assert {"disk", "haproxy", "sandbox", "control groups"} <= set(checks)
    assert [path.name for path in own.data.iterdir()] == ["listen.json"]


def test_a_second_up_while_the_first_is_about_to_start_says_what_to_do(own):
    own.data.mkdir()
    with (own.data / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        said = own.run("up", "-d", "--port", str(own.port), "--http-port", str(own.http_port))
    assert said.status == 1
    assert "next: headway status · headway up, in a moment" in said.err
