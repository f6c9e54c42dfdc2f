"""Jobs by the real command, in real sandboxes: what they give, how they fail, what they break."""

import contextlib
import json
import os
import re
import subprocess
import urllib.request
from pathlib import Path

import pytest

from headway.sdk import Client, RefusedError
from tests.e2e.installation import Installation, alive, good_manifest, wait_for
from tests.e2e.works import COMMANDS, FUNCTIONS, invoked, made, shown, state, works

_CGROUPS = Path("/sys/fs/cgroup")
_ENDED = {"succeeded", "failed", "timed_out", "lost", "dead", "cancelled", "expired"}


@pytest.fixture(scope="session")
def source(headway: Installation) -> Path:
    return works(headway, "works")


@pytest.fixture
def place(headway: Installation, source: Path, request: pytest.FixtureRequest):
    """An environment of the test's own, where the app with all the jobs is."""
    environment = f"e{request.node.name.encode().hex()[-8:]}{len(request.node.name)}"
    headway.ok("start", "-e", environment, cwd=source)
    yield environment
    headway.run("envs", "destroy", environment, "--yes")


def refused(headway: Installation, place: str, *words: str) -> str:
    """Invoke what is refused; gives why."""
    done = invoked(headway, place, *words)
    assert done.status in (2, 3), done.all
    return done.err


def ended(headway: Installation, run: str, within_s: float = 60) -> dict:
    """Wait until a run has ended."""
    wait_for(lambda: state(headway, run) in _ENDED, within_s)
    return shown(headway, run)["run"]


# --- what is asked -------------------------------------------------------------------------------


def test_the_next_command_after_an_app_that_serves_nothing_shows_its_jobs(headway, source, place):
    again = headway.ok("start", "-e", place, cwd=source)
    assert f"next: headway jobs ls -e {place}" in again
    assert "headway open" not in again


def test_the_status_names_a_run_that_can_never_start(headway):
    jobs = "jobs: {big: {command: 'true', resources: {cpu: 500}}}\n"
    headway.ok("start", "-e", "huge", cwd=headway.app("huge", manifest=jobs))
    run = made(headway, "huge", "huge/big")
    wait_for(lambda: "can never start" in headway.ok("status"))
    said = headway.ok("status")
    assert f"{run}: big can never start: " in said
    assert "500 cores" in said
    assert f"next: headway why {run}" in said
    assert "0/0" not in said
    headway.ok("runs", "cancel", run)
    wait_for(lambda: run not in headway.ok("status"))
    headway.ok("envs", "destroy", "huge", "--yes")


def test_a_command_and_a_function_give_results_and_say_how_far_they_are(headway, place):
    done = invoked(headway, place, "greet", '{"name": "ana"}')
    assert (done.status, json.loads(done.out)) == (0, {"said": "hello ana"})
    assert "about to greet" in done.err
    done = invoked(headway, place, "works/add", '{"a": 2}')
    assert (done.status, done.out) == (0, "3\n")
    run = re.search("run (k[a-z0-9]+)", done.err).group(1)
    assert shown(headway, run)["progress"] is None
    text = headway.ok("runs", "show", run)
    assert "succeeded" in text
    assert "50%" not in text
    assert f"{run} is succeeded" in headway.ok("why", run)


def test_a_run_near_its_dependencies_reaches_headway_and_not_the_world(headway, place):
    done = invoked(headway, place, "near")
    assert done.status == 0, done.all
    assert json.loads(done.out) == ["200", "ConnectionRefusedError", "OSError"]


def test_what_is_wrong_is_refused_before_it_is_queued(headway, place):
    assert "name" in refused(headway, place, "greet", "{}")
    assert "a must be a whole number, not" in refused(headway, place, "add", '{"a": "x"}')
    assert "there is no c" in refused(headway, place, "add", '{"a": 1, "c": 1}')
    assert "must be a JSON object" in refused(headway, place, "add", "[]")
    assert "did you mean greet?" in refused(headway, place, "gret")
    assert "cannot be a run's id" in refused(headway, place, "add", '{"a": 1}', "--after", "nosuch")
    assert "in the past" in refused(
        headway, place, "add", '{"a": 1}', "--at", "2020-01-01T00:00:00Z"
    )
    assert "has no offset" in refused(
        headway, place, "add", '{"a": 1}', "--at", "2036-01-01T00:00:00"
    )
    assert not headway.json("runs", "ls", "-e", place).get("rows")


def test_a_run_cannot_wait_for_itself(headway, place, sdk):
    run = made(headway, place, "add", '{"a": 1}')
    identity = run[:-4] + "zzzz"
    with pytest.raises(RefusedError, match="wait for itself"):
        sdk.jobs.invoke(place, "add", {"a": 1}, id=identity, after=[{"run": identity}])
    with pytest.raises(RefusedError, match="wait for itself"):
        sdk.jobs.invoke(place, "add", {"a": 1}, key="k", after=[{"job": "add", "key": "k"}])


def test_the_log_of_a_run_can_be_followed(headway, place):
    run = made(headway, place, "talk")
    lines = headway.ok("runs", "logs", "-f", run).splitlines()
    assert [line.partition("line ")[2] for line in lines] == list("01234")
    assert state(headway, run) == "succeeded"


def test_a_failure_shows_its_traceback_and_is_told_by_the_status(headway, place):
    done = invoked(headway, place, "fail")
    assert done.status == 1
    assert 'File "/app/tasks.py"' in done.err
    assert "ValueError: there is no such order" in done.err
    assert "/opt/headway" not in done.err
    run = re.search("run (k[a-z0-9]+)", done.err).group(1)
    assert shown(headway, run)["progress"] == {"percent": 50.0, "text": "half"}
    assert "  got to     50% half" in headway.ok("runs", "show", run)
    assert f"run {place}/works/fail failed " in headway.ok("status", "-e", place)


def test_of_a_command_that_fails_its_last_line_is_told_wherever_its_run_is(headway, place):
    done = invoked(headway, place, "broken")
    assert done.status == 1
    run = re.search("run (k[a-z0-9]+)", done.err).group(1)
    because = "exit status 3, after it wrote “no table orders”"
    assert f"{run} failed: {because}" in done.err
    said = headway.ok("status")
    assert re.search(rf"run {place}/works/broken failed \S+ ago: {because}", said)
    assert f"next: headway why {run} · headway runs again {run}" in said
    assert because in headway.ok("why", run)
    assert because in headway.ok("why", "-e", place, "broken")
    assert because in headway.ok("events", "-e", place)


def test_a_run_that_is_late_catches_what_the_sdk_names_and_shows_its_own_lines_only(headway, place):
    done = invoked(headway, place, "spin")
    assert "tidied: it was told to end" in done.err
    assert "failed: cpu time limit 1 s reached" in done.err
    assert 'File "/app/tasks.py"' in done.err
    assert "Cancelled: it was told to end" in done.err
    assert "headway_zygote" not in done.err


def test_many_runs_are_made_of_the_lines_of_a_file(headway, place, tmp_path):
    lines = tmp_path / "lines"
    lines.write_text('{"a": 1}\n\n{"a": 2, "b": 2}\n')
    words = ("jobs", "invoke", "add", "--each", str(lines), "-e", place)
    found = headway.ok(*words, "--tag", "team=red").splitlines()
    assert [ended(headway, run)["result"] for run in found] == [2, 4]
    rows = headway.json("runs", "ls", "-e", place, "--tag", "team=red")["rows"]
    assert [row["id"] for row in rows] == found[::-1]
    lines.write_text('{"a": 1}\n[2]\n')
    assert "line 2 is no JSON object" in headway.run(*words).err
    lines.write_text('{"a": 1}\n{"a": "x"}\n')
    assert "runs[1]: a" in headway.run(*words).err
    assert len(headway.json("runs", "ls", "-e", place)["rows"]) == 2


def test_a_run_waits_for_one_that_is_to_come_by_its_key(headway, place):
    waiting = made(headway, place, "add", '{"a": 1}', "--after", "talk=today", "--key", "after")
    assert "for the success of talk with the key today" in headway.ok("why", waiting)
    made(headway, place, "talk", '{"seconds": 0}', "--key", "today")
    assert ended(headway, waiting)["state"] == "succeeded"


def test_a_key_gives_the_run_that_there_is_and_unique_one_at_a_time(headway, place):
    first = made(headway, place, "add", '{"a": 1}', "--key", "order-7")
    assert made(headway, place, "add", '{"a": 2}', "--key", "order-7") == first
    held = made(headway, place, "held", "--unique", "u")
    assert made(headway, place, "held", "--unique", "u") == held
    headway.ok("runs", "cancel", held)
    assert ended(headway, held)["state"] == "cancelled"
    assert made(headway, place, "held", "--unique", "u") != held


def test_a_run_is_made_again_with_others_and_the_dead_are_replayed(headway, place):
    done = invoked(headway, place, "perish")
    assert done.status == 1
    assert "dead: attempt 2 of 2: ValueError: down" in done.err
    assert done.err.count("· attempt 1 failed: ValueError: down") == 1
    dead = headway.json("runs", "dead", "-e", place)[0]["id"]
    assert "nobody is dead" in headway.ok("runs", "dead", "-e", place, "--job", "add")
    for deed in ("--replay", "--empty"):
        assert headway.ok("runs", "dead", "-e", place, "--job", "add", deed) == "nobody is dead\n"
    for words in ((), ("--replay",), ("--empty",)):
        unknown = headway.run("runs", "dead", "-e", place, "--job", "perisch", *words)
        assert (unknown.status, "hint: did you mean perish?" in unknown.err) == (3, True)
    replay = headway.ok("runs", "dead", dead, "-e", place, "--job", "works/perish", "--replay")
    assert f"{dead} again as " in replay
    assert "none of these is on the" in headway.ok("runs", "dead", dead, "--empty")
    wait_for(lambda: headway.json("runs", "dead", "-e", place))
    (other,) = headway.json("runs", "dead", "-e", place)
    done = headway.run("runs", "again", other["id"], '{"good": true}')
    assert (done.status, done.out.strip()) == (0, '"up at attempt 1"')
    assert headway.ok("runs", "dead", "-e", place).strip() == "nobody is dead"


def metrics(headway: Installation) -> dict[str, str]:
    """Give what Prometheus is told."""
    token = (headway.data / "token").read_text().strip()
    request = urllib.request.Request(f"http://127.0.0.1:{headway.port}/metrics")
    request.add_header("authorization", f"Bearer {token}")
    with urllib.request.urlopen(request) as answer:
        lines = answer.read().decode().splitlines()
    return dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))


# --- queues, schedules, releases -----------------------------------------------------------------


def test_queues_are_paused_drained_and_resumed(headway, place):
    headway.ok("queues", "pause", "works/narrow", "-e", place, "--reason", "stocktaking")
    run = made(headway, place, "turn")
    assert "was paused by" in headway.ok("why", run)
    assert "stocktaking" in headway.ok("why", run)
    headway.ok("queues", "drain", "works/narrow", "-e", place)
    assert ended(headway, run)["state"] == "succeeded"
    assert "takes no runs" in refused(headway, place, "turn")
    assert "draining by" in headway.ok("queues", "ls", "-e", place)
    headway.ok("queues", "resume", "works/narrow", "-e", place)
    held = made(headway, place, "held")
    wait_for(lambda: state(headway, held) == "running")
    waiting = made(headway, place, "turn")
    assert "queue narrow: 1 of 1 run" in headway.ok("why", waiting)
    told = metrics(headway)
    for word in ("waiting", "running"):
        name = f'headway_queue_{word}{{app="works",environment="{place}",queue="narrow"}}'
        assert told[name] == "1.0", word
    assert "headway_runs_dead" in told
    headway.ok("runs", "cancel", held)
    assert ended(headway, waiting)["state"] == "succeeded"
    headway.ok("queues", "pause", "works/unheard-of", "-e", place)
    assert "unheard-of" in headway.ok("queues", "ls", "-e", place)


def test_schedules_are_listed_paused_and_resumed(headway, place):
    assert "12-31T23:00:00Z" in headway.ok("schedules", "ls", "-e", place)
    headway.ok("schedules", "pause", "works/yearly", "-e", place)
    for noun in ("schedules", "jobs"):
        assert re.search(r"paused by \S+ \d+s ago", headway.ok(noun, "ls", "-e", place))
    assert "next" in headway.ok("schedules", "resume", "yearly", "-e", place)
    assert headway.run("schedules", "pause", "never", "-e", place).status == 3


def test_schedules_that_cannot_be_are_refused_with_their_place(headway):
    wrong = COMMANDS.replace("0 0 1 1 *", "0 0 30 2 *").replace("Europe/Berlin", "Europe/Berln")
    app = works(headway, "wrong", manifest=wrong)
    done = headway.run("start", "-e", "wrong", cwd=app)
    line = 1 + (app / "headway.yaml").read_text().splitlines().index(
        next(text for text in wrong.splitlines() if "yearly" in text)
    )
    assert done.status == 3
    assert f"headway.yaml:{line}:" in done.err
    assert "never comes: February has no day 30" in done.err
    assert "did you mean 'Europe/Berlin'?" in done.err
    unknown = COMMANDS.replace("{job: turn, cron", "{job: nosuch, cron")
    app = works(headway, "wrong", manifest=unknown)
    done = headway.run("start", "-e", "wrong", cwd=app)
    assert done.status != 0
    assert "nosuch" in done.err
    unfit = COMMANDS.replace("{job: turn, cron", "{job: greet, parameters: {name: 7}, cron")
    app = works(headway, "wrong", manifest=unfit)
    done = headway.run("start", "-e", "wrong", cwd=app)
    assert done.status != 0
    assert "schedule yearly gives greet wrong parameters: name must be a text, not 7" in done.err


def test_a_new_release_takes_over_what_is_queued_but_not_what_is_pinned(headway, sdk):
    app = works(headway, "movers")
    headway.ok("start", "-e", "moves", cwd=app)
    headway.ok("queues", "pause", "movers/default", "-e", "moves")
    run = made(headway, "moves", "release")
    pinned = sdk.jobs.invoke("moves", "release", release=1)
    works(headway, "movers", FUNCTIONS.replace('"one"', '"two"'))
    headway.ok("deploy", "-e", "moves", cwd=app)
    headway.ok("queues", "resume", "movers/default", "-e", "moves")
    assert ended(headway, run)["result"] == "two"
    assert ended(headway, pinned)["result"] == "one"
    releases = {ended(headway, one)["attempts"][0]["release"] for one in (run, pinned)}
    assert releases == {1, 2}
    assert made(headway, "moves", "release", "--release", "1")
    done = headway.run("jobs", "invoke", "turn", "-e", "moves", "--release", "9")
    assert "there is no v9 of movers in moves" in done.err
    headway.ok("envs", "destroy", "moves", "--yes")


# --- what misbehaves -----------------------------------------------------------------------------


def test_a_run_that_does_not_listen_is_killed(headway, place):
    run = made(headway, place, "stubborn")
    wait_for(lambda: state(headway, run) == "running")
    assert f"cancelling {run}" in headway.ok("runs", "cancel", run)
    row = ended(headway, run)
    assert (row["state"], row["attempts"][0]["exit"]["signal"]) == ("cancelled", 9)


def test_limits_are_named(headway, place):
    assert "timed_out: time limit 1 s reached" in invoked(headway, place, "late").err
    assert "memory limit 64 MiB reached" in invoked(headway, place, "eat").err


def test_results_that_are_none_are_told(headway, place):
    assert "the result is not JSON" in invoked(headway, place, "garbled").err
    assert "cannot be written as JSON: it is of type object" in invoked(headway, place, "odd").err
    assert "cannot be written as JSON: it is inf" in invoked(headway, place, "infinite").err


def test_every_strange_end_is_an_end(headway, place):
    assert "before its function returned" in invoked(headway, place, "leave").err
    assert "before its function returned" in invoked(headway, place, "shut-all").err
    assert "signal 11" in invoked(headway, place, "crash").err
    assert invoked(headway, place, "mute").out.strip() == '"done"'
    done = invoked(headway, place, "bomb")
    assert done.status in (0, 1)
    assert "annot fork" in done.err
    assert processes_of(headway, place, "/bin/sh -c b()") == []


def test_a_log_has_an_end(headway, place):
    done = invoked(headway, place, "noisy")
    assert done.status == 0
    run = re.search("run (k[a-z0-9]+)", done.err).group(1)
    text = headway.ok("runs", "logs", run)
    assert 100_000 < len(text) < 3_000_000
    assert "the last line" in text[-200:]


def test_runs_cannot_harm_what_made_them_nor_those_beside_them(headway, place):
    beside = made(headway, place, "talk", '{"seconds": 3}')
    wait_for(lambda: state(headway, beside) == "running")
    done = invoked(headway, place, "patricide")  # what it can kill is its own
    assert done.status == 0 or "killed by signal 9" in done.err
    assert invoked(headway, place, "bury").out.strip() == "1500"
    assert invoked(headway, place, "bury").out.strip() == "1500"
    assert invoked(headway, place, "add", '{"a": 4}').out.endswith("5\n")
    row = ended(headway, beside)
    assert (row["state"], len(row["attempts"])) == ("succeeded", 1)


# --- the end of an environment -------------------------------------------------------------------


def test_an_environment_ends_with_all_its_runs_and_leaves_nothing(headway, source, sdk):
    headway.ok("start", "-e", "doomed", cwd=source)
    sdk.jobs.invoke_many("doomed", "turn", [{"delay_s": 3600}] * 50 + [{}] * 300)
    going = [made(headway, "doomed", name) for name in ("endless", "stubborn", "held")]
    wait_for(lambda: {state(headway, run) for run in going[:2]} == {"running"})
    rows = [shown(headway, run)["run"] for run in going]
    (owner,) = {row["environment"] for row in rows}
    runners = {one["runner"] for row in rows for one in row["attempts"]}
    wait_for(lambda: processes_of(headway, "doomed", "sleep 3600"))
    headway.ok("envs", "destroy", "doomed", "--yes", "--no-wait")
    again = headway.run("envs", "destroy", "doomed", "--yes")
    assert again.status == 0 or "no environment" in again.err
    wait_for(lambda: all(state(headway, run) in _ENDED for run in going), 10)
    assert {state(headway, run) for run in going} == {"cancelled"}
    wait_for(lambda: not processes_of(headway, "doomed", "sleep 3600"))
    wait_for(lambda: not left_of(headway, runners))
    rows = headway.json("runs", "ls", "-n", "1000", "-s", "queued", "-s", "waiting")["rows"]
    assert [row for row in rows if row["environment"] == owner] == []


# --- what containers may ask ---------------------------------------------------------------------

_ASKING = """\
import json, os, sys, urllib.error, urllib.request
url = os.environ["HEADWAY_URL"]
def ask(method, path, body=None):
    request = urllib.request.Request(
        url + path, json.dumps(body).encode() if body is not None else None,
        {"authorization": "Bearer " + os.environ["HEADWAY_TOKEN"],
         "content-type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)
status, said = ask("POST", "/v1/jobs/add/runs", {"parameters": {"a": 7}})
found = {"made": status}
found["seen"] = ask("GET", "/v1/runs/" + said["ids"][0])[0]
for name, (method, path, body) in json.loads(sys.argv[1]).items():
    found[name] = ask(method, path, body)[0]
print(json.dumps({"run": said["ids"][0], **found}))
"""


def test_a_container_makes_runs_of_its_own_environment_and_nothing_else(headway, place):
    services = COMMANDS.replace("processes: {}\n", good_manifest())
    app = works(headway, "asker", manifest=services)
    (app / "ask.py").write_text(_ASKING)
    headway.ok("start", "-e", "asking", cwd=app)
    theirs = made(headway, place, "add", '{"a": 1}')
    questions = {
        "other": ("POST", "/v1/jobs/add/runs", {"environment": place, "parameters": {"a": 1}}),
        "their run": ("GET", f"/v1/runs/{theirs}", None),
        "their log": ("GET", f"/v1/runs/{theirs}/logs", None),
        "all runs": ("GET", "/v1/runs", None),
        "trick": ("GET", "/v1/runs/../environments", None),
        "cancel": ("POST", f"/v1/runs/{theirs}/cancel", {}),
        "jobs": ("GET", "/v1/jobs", None),
        "environments": ("GET", "/v1/environments", None),
        "destroy": ("DELETE", f"/v1/environments/{place}", None),
        "hold": ("PUT", "/v1/environments/asking/apps/asker/queues/default/hold", {"paused": True}),
    }
    out = headway.ok(
        "exec", "-e", "asking", "asker", "--", "python3", "/app/ask.py", json.dumps(questions)
    )
    said = json.loads(out)
    run = said.pop("run")
    assert (said.pop("made"), said.pop("seen")) == (200, 200)
    assert set(said.values()) <= {403, 404}, said
    assert {said[name] for name in said if name != "trick"} == {403}, said
    assert ended(headway, run)["result"] == 8
    headway.ok("envs", "destroy", "asking", "--yes")


# --- what is killed meanwhile --------------------------------------------------------------------


def test_a_cancellation_reaches_a_run_whose_line_is_cut(own):
    own.up()
    app = works(own, "works")
    own.ok("start", "-e", "cut", cwd=app)
    run = made(own, "cut", "endless")
    wait_for(lambda: state(own, run) == "running")
    agent = int((own.data / "agent" / "agent.lock").read_text())
    own.kill(agent)
    own.ok("runs", "cancel", run)
    own.kill(own.pid())
    own.up()
    assert ended(own, run)["state"] == "cancelled"


def test_asking_again_with_an_id_makes_no_second_run_and_takes_no_room(own):
    own.up()
    app = works(own, "works")
    own.ok("start", "-e", "twice", cwd=app)
    with client(own) as sdk:
        first = sdk.jobs.invoke("twice", "turn")
        assert sdk.runs.wait(first, 20).state.value == "succeeded"
        for _ in range(3):
            assert sdk.jobs.invoke("twice", "turn", id=first) == first
        second = sdk.jobs.invoke("twice", "turn")
        assert sdk.runs.wait(second, 10).state.value == "succeeded"
        assert all(row.running == 0 for row in sdk.queues.all("twice"))


# --- helpers -------------------------------------------------------------------------------------


@contextlib.contextmanager
def client(installation: Installation):
    """Speak to it as Python does."""
    before = os.environ.get("HEADWAY_DATA")
    os.environ["HEADWAY_DATA"] = str(installation.data)
    try:
        with Client.local() as found:
            yield found
    finally:
        if before is None:
            del os.environ["HEADWAY_DATA"]
        else:
            os.environ["HEADWAY_DATA"] = before


@pytest.fixture
def sdk(headway: Installation):
    with client(headway) as found:
        yield found


def processes_of(headway: Installation, environment: str, command: str) -> list[int]:
    """Find what runs in sandboxes of an environment."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if words.startswith(command):
                variables = (path / "environ").read_bytes().decode(errors="replace")
                if f"HEADWAY_ENVIRONMENT={environment}\0" in variables and alive(int(path.name)):
                    found.append(int(path.name))
    return found


def left_of(headway: Installation, runners: set[str]) -> list[str]:
    """List what is left of runners: control groups, mounts, processes."""
    found = [str(path) for name in runners for path in _CGROUPS.glob(f"*/headway-*/{name}*")]
    mounts = Path("/proc/self/mountinfo").read_text()
    found += [name for name in (*runners, str(headway.data)) if name in mounts]
    said = subprocess.run(["pgrep", "-af", "|".join(runners)], capture_output=True, check=False)
    return found + said.stdout.decode().splitlines()


def test_what_can_never_start_is_not_waited_for_unless_that_was_said(headway):
    text = "processes: {}\njobs:\n  huge: {command: echo hi, resources: {cpu: 1000}}\n"
    headway.ok("start", "-e", "vain", cwd=headway.app("vain", manifest=text))
    words = ("jobs", "invoke", "huge", "-e", "vain")
    done = headway.run(*words)
    run = done.err.split()[1]
    assert done.status == 3, done.all
    assert f"{run} cannot start, and stays queued: " in done.err
    assert "1000 cores" in done.err
    assert f"next: headway runs cancel {run} · headway runs wait {run}" in done.err
    done = headway.run(*words, "--json")
    assert (done.status, json.loads(done.out)["in_vain"]) == (3, True)
    with pytest.raises(subprocess.TimeoutExpired):
        headway.run(*words, "--wait", timeout=6)
    headway.ok("envs", "destroy", "vain", "--yes")
