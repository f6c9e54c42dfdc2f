import json
import os
import re
import socket
import subprocess
import threading
import time
import urllib.request

from tests.e2e.installation import behaving, free_port, good_manifest, wait_for


def test_an_app_is_started_changed_rolled_back_and_ended(headway):
    shop = headway.app("shop", "one")
    out = headway.ok("start", "-e", "life", cwd=shop)
    assert "healthy" in out
    assert headway.get("shop", "life") == (200, "v1 one ")
    (shop / "text").write_text("two")
    assert "undo with" in headway.ok("deploy", "-e", "life", cwd=shop)
    assert headway.get("shop", "life")[1].startswith("v2 two")
    headway.ok("rollback", "-e", "life", cwd=shop)
    assert headway.get("shop", "life")[1].startswith("v1 one")
    kinds = [row["kind"] for row in headway.json("history", "-e", "life", "-a", "shop")]
    assert kinds == ["rollback", "deploy", "start"]
    headway.ok("envs", "destroy", "life", "--yes")
    assert headway.get("shop", "life")[0] == 404
    assert headway.run("envs", "show", "life").status == 3


def test_what_has_a_port_of_its_machine_is_rolled_back_on_that_machine(headway):
    port = free_port()
    manifest = good_manifest().replace("name: http\n", f"name: http\n  host_port: {port}\n")
    fixed = headway.app("fixed", "one", manifest)
    headway.ok("start", "-e", "port", cwd=fixed)
    (fixed / "text").write_text("two")
    refused = headway.run("deploy", "-e", "port", "--canary", "10", cwd=fixed)
    assert refused.status == 3, refused.all
    assert f"one machine has port {port} once" in refused.err
    headway.ok("deploy", "-e", "port", cwd=fixed)
    headway.ok("rollback", "-e", "port", cwd=fixed)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as answer:
        assert answer.read().decode().startswith("v1 one")
    headway.ok("envs", "destroy", "port", "--yes")


def copies_in(headway, environment):
    (member,) = headway.json("ps", "-e", environment)
    return [row["id"] for row in member["containers"] if row["state"] == "healthy"]


def test_what_serves_is_not_disturbed_by_one_whose_port_a_stranger_has(headway):
    serving = headway.app("serving", "one")
    headway.ok("start", "-e", "beside", cwd=serving)
    before = copies_in(headway, "beside")
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = stranger.getsockname()[1]
        fixed = good_manifest().replace("name: http\n", f"name: http\n  host_port: {port}\n")
        headway.app("serving", "two", fixed)
        who = f"port {port} is taken by "
        assert who in headway.ok("deploy", "-e", "beside", "--plan", cwd=serving)
        refused = headway.run("deploy", "-e", "beside", cwd=serving)
        assert refused.status == 1, refused.all
        assert who in refused.all
        assert f"pid {os.getpid()}" in refused.all
        assert copies_in(headway, "beside") == before
        assert headway.get("serving", "beside") == (200, "v1 one ")
    wait_for(lambda: who not in headway.ok("deploy", "-e", "beside", "--plan", cwd=serving))
    headway.ok("deploy", "-e", "beside", cwd=serving)
    assert "two" in headway.get("serving", "beside")[1]
    headway.ok("envs", "destroy", "beside", "--yes")


def test_the_same_source_again_changes_nothing(headway):
    same = headway.app("same")
    headway.ok("start", "-e", "again", cwd=same)
    headway.ok("deploy", "-e", "again", cwd=same)
    assert headway.get("same", "again")[1].startswith("v1")


def test_dependencies_start_first_and_are_found_by_variables(headway):
    headway.app("store-room")
    front = headway.app(
        "front",
        manifest=good_manifest(
            'COLOUR="$SERVICE_STORE_ROOM_HTTP_PROTO://$SERVICE_STORE_ROOM_HTTP_HOST" '
            "python3 server.py",
            extra="dependencies: [store-room]\n",
        ),
    )
    headway.ok("apps", "add", str(front.parent / "store-room"))
    headway.ok("start", "-e", "pair", cwd=front)
    assert "http://store-room.pair.localhost" in headway.get("front", "pair")[1]
    refused = headway.run("stop", "-e", "pair", "store-room")
    assert refused.status == 3
    assert "front runs in pair and needs store-room" in refused.err


def test_config_makes_a_release_and_secrets_never_show(headway):
    painted = headway.app("painted", manifest=good_manifest(extra="env: [COLOUR]\n"))
    headway.ok("apps", "add", str(painted))
    missing = headway.run("start", "-e", "art", cwd=painted)
    assert missing.status == 3
    assert "painted needs COLOUR" in missing.err
    headway.ok("config", "set", "-e", "art", "--secret", "COLOUR", cwd=painted, stdin="crimson")
    headway.ok("start", "-e", "art", cwd=painted)
    assert headway.get("painted", "art")[1].endswith("crimson")
    headway.ok("config", "set", "-e", "art", "COLOUR=azure-blue", cwd=painted)
    assert headway.get("painted", "art")[1] == "v2 one azure-blue"
    shown = headway.ok("config", "get", "-e", "art", cwd=painted)
    diff = headway.ok("config", "diff", "v1", "v2", "-e", "art", cwd=painted)
    assert "COLOUR  (secret)" in shown
    assert "crimson" not in diff
    assert "COLOUR: (secret) → (secret)" in diff
    kept = b"".join(
        path.read_bytes()
        for path in headway.data.rglob("*")
        if path.is_file() and path.stat().st_size
    )
    assert b"crimson" not in kept
    assert b"azure-blue" not in kept


def test_secrets_are_left_out_of_logs(headway):
    loud = headway.app(
        "loud",
        manifest=good_manifest(
            'echo "the key is $KEY"; exec python3 server.py', extra="env: [KEY]\n"
        ),
    )
    headway.ok("apps", "add", str(loud))
    headway.ok("config", "set", "-e", "noise", "-a", "loud", "--secret", "KEY=opensesame")
    headway.ok("start", "-e", "noise", cwd=loud)
    logs = headway.ok("logs", "-e", "noise", "loud")
    assert "the key is [KEY]" in logs
    assert "opensesame" not in logs


def test_a_plan_says_what_would_be_done_and_does_nothing(headway):
    planned = headway.app("planned", "one")
    plan = headway.ok("start", "-e", "paper", "--plan", cwd=planned)
    assert "start web.1 (v1)" in plan
    assert headway.run("envs", "show", "paper").status == 3
    headway.ok("start", "-e", "paper", cwd=planned)
    (planned / "text").write_text("two")
    plan = headway.ok("deploy", "-e", "paper", "--plan", "--strategy", "blue-green", cwd=planned)
    order = [
        plan.index(what)
        for what in ("start web.1 (v2)", "lead all requests to v2", "drain web.1 (v1)")
    ]
    assert order == sorted(order)
    assert headway.get("planned", "paper")[1].startswith("v1 one")


def test_a_canary_takes_its_share_and_waits_to_be_promoted(headway):
    bird = headway.app("bird", "one")
    headway.ok("start", "-e", "mine", cwd=bird)
    (bird / "text").write_text("two")
    out = headway.ok("deploy", "-e", "mine", "--canary", "20", cwd=bird)
    assert "headway promote" in out
    answers = [headway.get("bird", "mine")[1][:2] for _ in range(100)]
    assert 15 <= answers.count("v2") <= 25
    headway.ok("promote", "-e", "mine", cwd=bird)
    wait_for(lambda: headway.asked("environments/mine")["members"][0]["live"] == 2)
    assert {headway.get("bird", "mine")[1][:2] for _ in range(20)} == {"v2"}


def test_requests_are_answered_while_everything_is_replaced(headway):
    busy = headway.app("busy", "one", manifest=good_manifest(extra="scale: {web: 2}\n"))
    headway.ok("start", "-e", "rush", cwd=busy)
    answers: list[int] = []
    stopping = threading.Event()

    def ask(path: str) -> None:
        while not stopping.is_set():
            answers.append(headway.get("busy", "rush", path)[0])

    threads = [threading.Thread(target=ask, args=(path,)) for path in ("/", "/", "/slow?0.4")]
    for thread in threads:
        thread.start()
    for number, strategy in enumerate(("rolling", "blue-green", "rolling")):
        (busy / "text").write_text(f"number {number}")
        headway.ok("deploy", "-e", "rush", "--strategy", strategy, cwd=busy)
    headway.ok("scale", "web=1", "-e", "rush", cwd=busy)
    stopping.set()
    for thread in threads:
        thread.join()
    assert set(answers) == {200}
    assert len(answers) > 50


def test_a_lease_that_ends_ends_the_environment(headway):
    brief = headway.app("brief")
    headway.ok("start", "-e", "short", "--lease", "1m", cwd=brief)
    headway.ok("extend", "3s", "-e", "short", "--shorten")
    wait_for(lambda: not headway.has("short"))
    wait_for(lambda: headway.get("brief", "short")[0] == 404)
    lines = headway.ok("events", "--limit", "500", "--json").splitlines()
    kinds = {json.loads(line)["kind"] for line in lines}
    assert {"lease.warning", "environment.ended"} <= kinds


def test_volumes_are_kept_over_releases_and_gone_with_the_environment(headway):
    command = "date +%s%N >> /keep/starts; cp /keep/starts /tmp/s; exec python3 server.py"
    keeper = headway.app(
        "keeper",
        manifest=good_manifest(command, extra="volumes: [{name: keep, path: /keep}]\n"),
    )
    headway.ok("start", "-e", "vault", cwd=keeper)
    (keeper / "text").write_text("two")
    headway.ok("deploy", "-e", "vault", cwd=keeper)
    lines = headway.ok("exec", "-e", "vault", "keeper", "--", "cat", "/keep/starts")
    assert len(lines.split()) == 2
    headway.ok("envs", "copy", "vault", "vault-two")
    lines = headway.ok("exec", "-e", "vault-two", "keeper", "--", "cat", "/keep/starts")
    assert len(lines.split()) == 1
    volumes = headway.data / "volumes"
    headway.ok("envs", "destroy", "vault", "--yes")
    assert not [path for path in volumes.iterdir() if path.name.startswith("vault~")]


def test_a_one_off_runs_in_the_release_and_gives_its_status(headway):
    tool = headway.app("tool")
    headway.ok("start", "-e", "shed", cwd=tool)
    done = headway.run(
        "run", "-e", "shed", "--", "sh", "-c", "cat /app/text; echo no >&2; exit 7", cwd=tool
    )
    assert (done.status, done.out.strip(), done.err.strip()) == (7, "one", "no")
    status = headway.run(
        "exec", "-e", "shed", "tool", "--", "sh", "-c", "read x; echo $x; exit 4", stdin="hi\n"
    )
    assert (status.status, status.out) == (4, "hi\n")


def test_the_release_command_runs_before_requests_and_a_failing_one_keeps_the_old(headway):
    moved = headway.app(
        "moved", manifest=good_manifest(extra="release: echo migrated; test -f /app/ok\n"), ok=""
    )
    headway.ok("start", "-e", "sea", cwd=moved)
    (moved / "ok").unlink()
    (moved / "text").write_text("two")
    done = headway.run("deploy", "-e", "sea", cwd=moved)
    assert done.status == 1
    assert "migrated" in done.err
    assert headway.get("moved", "sea")[1].startswith("v1")
    (view,) = headway.json("status", "-e", "sea")["environments"]
    last = view["members"][0]["deployment"]["id"]
    said = headway.ok("status", "-e", "sea")
    assert re.search(rf"moved v2 was not kept .* ago: .*\n    next: headway why {last}\n", said)


def test_why_and_logs_follow_survive_a_restart_of_the_control_plane(own):
    own.up()
    talker = own.app(
        "talker",
        manifest=good_manifest("(while sleep 0.1; do echo tick; done) & exec python3 server.py"),
    )
    own.ok("start", "-e", "talk", cwd=talker)
    import subprocess

    from tests.e2e.installation import HEADWAY

    following = subprocess.Popen(
        [HEADWAY, "logs", "-f", "-e", "talk", "--json"],
        env=own.env,
        stdout=subprocess.PIPE,
        text=True,
    )
    cursors = []

    def read(count: int) -> None:
        import json

        while len(cursors) < count:
            cursors.append(json.loads(following.stdout.readline())["line"]["cursor"])

    read(10)
    own.kill(own.pid())
    time.sleep(0.5)
    own.up()
    read(30)
    following.terminate()
    following.wait()
    following.stdout.close()
    assert cursors == sorted(set(cursors))
    assert "talker" in own.ok("why", "talker", "-e", "talk")


def test_behaviours_are_told_apart(headway):
    """A crash after it was live is followed by another container, and said."""
    fragile = headway.app("fragile", manifest=behaving("good"))
    headway.ok("start", "-e", "glass", cwd=fragile)
    (row,) = headway.json("ps", "-e", "glass")[0]["containers"]
    headway.run(
        "exec",
        "-e",
        "glass",
        "fragile",
        "--",
        "sh",
        "-c",
        "kill -9 2",
    )
    wait_for(
        lambda: [
            c
            for c in headway.json("ps", "-e", "glass")[0]["containers"]
            if c["id"] != row["id"] and c["state"] == "healthy"
        ]
    )
    assert headway.get("fragile", "glass")[0] == 200


def test_another_app_than_the_directory_holds_is_refused_with_both_ways_on(headway):
    app = headway.app("held")
    headway.ok("start", "-e", "holding", cwd=app)
    done = headway.run("deploy", "-e", "holding", "-a", "nope", cwd=app)
    assert done.status == 1
    assert f"{app} holds held, not nope" in done.err
    assert f"next: headway deploy {app} -e holding -a held · headway deploy DIRECTORY" in done.err


def test_an_app_is_started_from_a_branch_or_a_commit_that_is_kept(headway):
    app = headway.app("stem")

    def git(*words: str) -> str:
        who = ("-c", "user.name=Demo", "-c", "user.email=demo@example.com")
        done = subprocess.run(
            ["git", *who, *words], cwd=app, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    git("init", "-q", "-b", "main")
    git("add", "-A")
    git("commit", "-qm", "one")
    headway.ok("start", "-e", "stem-a", cwd=app)
    git("switch", "-qc", "next")
    (app / "text").write_text("two")
    git("commit", "-qam", "two")
    headway.ok("deploy", "-e", "stem-a", cwd=app)
    assert "v1" in headway.ok("start", "-e", "stem-b", "stem@main", "--plan")
    headway.ok("start", "-e", "stem-b", "stem@main")
    assert headway.get("stem", "stem-b") == (200, "v1 one ")
    headway.ok("start", "-e", "stem-c", f"stem@{git('rev-parse', 'next')[:8]}")
    assert headway.get("stem", "stem-c") == (200, "v1 two ")
    refused = headway.run("start", "-e", "stem-d", "stem@gone")
    assert refused.status == 3
    assert "headway keeps no source of stem from 'gone'" in refused.err
    assert "it keeps next, " in refused.err
    headway.ok("start", "-e", "stem-d", "stem")  # one of before is used once, not from then on
    assert headway.get("stem", "stem-d") == (200, "v1 two ")
    for name in ("stem-a", "stem-b", "stem-c", "stem-d"):
        headway.ok("envs", "destroy", name, "--yes", "--no-wait")


def test_what_config_would_start_again_is_told_first_and_each_change_can_be_read(headway):
    app = headway.app("dial")
    headway.ok("start", "-e", "dialling", cwd=app)
    where = ("-e", "dialling", "-a", "dial")
    plan = headway.ok("config", "set", *where, "COLOUR=red", "--plan")
    assert "v2" in plan
    assert "COLOUR" not in headway.ok("config", "get", *where)
    headway.ok("config", "set", *where, "COLOUR=red")
    headway.ok("config", "set", *where, "SIZE=1", "--no-deploy")
    headway.ok("config", "set", *where, "SIZE=2", "--no-deploy")
    first = headway.ok("config", "history", "1", *where)
    assert "COLOUR" in first
    assert "in v2" in first
    assert "values are not kept" in headway.ok("config", "history", "2", *where)
    assert headway.run("config", "history", "9", *where).status == 3
    headway.ok("config", "unset", *where, "SIZE", "--no-deploy")
    assert "SIZE" not in headway.ok("config", "get", *where)
    assert "in v" not in headway.ok("config", "history", "4", *where)
    headway.ok("envs", "destroy", "dialling", "--yes", "--no-wait")
