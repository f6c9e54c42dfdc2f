"""What runs get, cannot do, and leave behind; and what a runner lives through."""

import asyncio
import json
import os
from pathlib import Path

import pytest

from headway.engines.process.engine import ProcessEngine
from headway.model.build import Mount
from headway.model.gang import Gang
from headway.model.ids import NodeId, RunId
from headway.model.job import Isolation, JobNetwork, StartMode
from headway.model.order import ObservedState
from headway.model.resources import Resources
from headway.model.run import RunFactState
from headway.ports.engine import EngineError, EngineUnavailable, NoSuchContainer, Runner
from tests.contract.engine.orders import ended, eventually, texts, until
from tests.integration.process_engine import behind
from tests.integration.process_engine.runs import SMALL, job, started

# An agent outlives the engine that started it, on purpose.
pytestmark = pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
with_groups = pytest.mark.skipif(
    not os.access(behind.CGROUPS / "memory", os.W_OK), reason="no control groups"
)

RESULTS = """
import json, os, sys, threading, subprocess, ctypes, signal, time
def greet(name="you", times=1): return {"said": [f"hello {name}"] * times}
def nothing(): pass
def fails(): raise KeyError("missing")
def writes():
    print("to stdout"); print("to stderr", file=sys.stderr)
    subprocess.run(["/bin/sh", "-c", "echo from a child; echo opened > /dev/stdout"])
def large(): return "x" * (1 << 20)
def strange(): return {1, 2}
def not_a_number(): return float("nan")
def leaves(): sys.exit(3)
def drops(): os._exit(7)
def vanishes(): os._exit(0)
def crashes(): ctypes.string_at(0)
def closes(): os.close(1); os.close(2); sys.stdout.close(); return "closed"
def threads():
    done = []
    def work(): time.sleep(0.05); done.append(1); print("late")
    [threading.Thread(target=work).start() for _ in range(4)]
    return done
def calls(): return subprocess.run(["/bin/echo", "hi"], capture_output=True, text=True).stdout
def reads(): return sorted(os.environ)
def variables(): return {k: os.environ[k] for k in ("HEADWAY_RUN", "HEADWAY_JOB", "TOKEN")}
def forges():
    limit = 'x","run":"other","result":1,"limit":"\\n'
    os.write(3, b"0 0 0 no " + json.dumps({"status": 1, "limit": limit}).encode() + b"\\n")
    os._exit(0)
class Marked:
    def call(self, parameters): return ["called", parameters]
class Decorated:
    __headway_job__ = Marked()
decorated = Decorated()
"""


async def test_a_function_gets_its_parameters_by_name_and_gives_a_result(
    engine: ProcessEngine, data: Path
) -> None:
    trial = await started(engine, data, RESULTS, job("greet"), job("nothing"), job("decorated"))
    assert await trial.value("greet") == {"said": ["hello you"]}
    assert await trial.value("greet", name="Zoë", times=2) == {"said": ["hello Zoë"] * 2}
    assert await trial.value("nothing") is None
    assert await trial.value("decorated", a=1) == ["called", {"a": 1}]
    fact = await trial.run("greet", nonsense=1)
    assert (fact.exit.status, fact.failure.type) == (1, "TypeError")


async def test_an_exception_is_told_without_our_own_frames(
    engine: ProcessEngine, data: Path
) -> None:
    trial = await started(engine, data, RESULTS, job("fails"))
    fact = await trial.run("fails")
    assert (fact.exit.status, fact.failure.type, fact.failure.message) == (
        1,
        "KeyError",
        "'missing'",
    )
    assert fact.failure.traceback.count("File ") == 1
    assert "/app/tasks.py" in fact.failure.traceback


async def test_what_a_run_writes_is_its_log(engine: ProcessEngine, data: Path) -> None:
    trial = await started(
        engine, data, RESULTS, job("writes"), job("nothing"), job("threads"), job("closes")
    )
    log = await trial.log(await trial.run("writes"))
    assert ("stderr", "to stderr") in log
    assert [text for stream, text in log if stream == "stdout"] == [
        "from a child",
        "opened",
        "to stdout",
    ]
    fact = await trial.run("nothing")
    assert await trial.log(fact) == []
    assert not list((data / "agent" / "runs").rglob(f"{fact.run}*"))
    assert await trial.log(await trial.run("threads")) == [("stdout", "late")] * 4
    assert await trial.value("closes") == "closed"
    logs = data / "agent" / "runs"
    kept = next(known.run for known in trial.seen if known.run != fact.run)
    await engine.remove_runs({known.run for known in trial.seen} - {kept})
    assert {path.name.split(".")[0] for path in logs.rglob("*.log.*")} == {kept}
    await engine.remove_runs({kept})
    assert not list(logs.rglob("*.log.*"))


async def test_the_log_of_a_run_can_be_followed_to_its_end(
    engine: ProcessEngine, data: Path
) -> None:
    code = "import time\ndef slow():\n  for n in range(3): print(n, flush=True); time.sleep(0.1)\n"
    trial = await started(engine, data, code, job("slow"))
    task = trial.send("slow")
    await trial.began(task)
    assert [text for _, text in await trial.log(task, follow=True)] == ["0", "1", "2"]


async def test_what_a_run_forges_is_of_no_other_run_and_cuts_nobody_off(
    engine: ProcessEngine, data: Path
) -> None:
    trial = await started(engine, data, RESULTS, job("forges"), job("nothing"))
    fact = await trial.run("forges")
    assert (fact.exit.status, fact.limit, bytes(fact.result)) == (1, "", b"null")
    assert await trial.value("nothing") is None
    assert "other" not in {known.run for known in trial.seen}


async def test_results_that_are_no_json_or_too_large_are_failures(
    engine: ProcessEngine, data: Path
) -> None:
    names = ("large", "strange", "not_a_number")
    trial = await started(engine, data, RESULTS, *(job(name) for name in names))
    for name, kind in zip(names, ("ResultError", "TypeError", "ValueError"), strict=True):
        fact = await trial.run(name)
        assert (fact.exit.status, fact.limit, fact.failure.type) == (1, "result", kind)
        assert bytes(fact.result) == b"null"


async def test_every_way_to_end_is_told_as_it_was(engine: ProcessEngine, data: Path) -> None:
    names = ("leaves", "drops", "vanishes", "crashes")
    trial = await started(engine, data, RESULTS, *(job(name) for name in names))
    ends = {name: (await trial.run(name)).exit for name in names}
    assert (ends["leaves"].status, ends["drops"].status) == (3, 7)
    assert ends["crashes"].signal == 11
    assert ends["vanishes"].status == 1
    assert "before its function returned" in ends["vanishes"].reason


async def test_a_function_that_ends_itself_by_a_signal_ends(
    engine: ProcessEngine, data: Path
) -> None:
    code = (
        "import os, signal, subprocess, sys\n"
        "def kills(number): os.kill(os.getpid(), number); return 'lived'\n"
        "def raises(number): signal.raise_signal(number); return 'lived'\n"
        "def handled():\n"
        "  signal.signal(signal.SIGUSR1, lambda *_: print('heard'))\n"
        "  os.kill(os.getpid(), signal.SIGUSR1); os.kill(os.getpid(), 0)\n"
        "  os.kill(os.getpid(), signal.SIGCHLD)\n"
        "  pid = os.fork()\n"
        "  if not pid: os.kill(os.getpid(), signal.SIGKILL)\n"
        "  return os.waitpid(pid, 0)[1]\n"
        "def aborts(): os.abort()\n"
        "def exits(): sys.exit('no more')\n"
    )
    cold = job("anew", function="tasks:kills", start=StartMode.COLD)
    names = ("kills", "raises", "handled", "aborts", "exits")
    trial = await started(engine, data, code, *(job(name) for name in names), cold)
    for name, number in (("kills", 9), ("kills", 10), ("raises", 9), ("anew", 9), ("anew", 10)):
        assert (await trial.run(name, number=number)).exit.signal == number, (name, number)
    fact = await trial.run("kills", number=15)
    assert (fact.exit.status, fact.failure.type, fact.cancelled) == (1, "Cancelled", False)
    assert await trial.value("handled") == 9
    assert (await trial.run("aborts")).exit.signal == 6
    assert (await trial.run("exits")).exit.status == 1


async def test_a_run_may_start_processes_and_sees_its_variables(
    engine: ProcessEngine, data: Path
) -> None:
    trial = await started(
        engine,
        data,
        RESULTS,
        job("calls"),
        job("variables"),
        job("writes"),
        variables={"TOKEN": "hunter2-hunter2"},
        secrets=("TOKEN",),
    )
    assert await trial.value("calls") == "hi\n"
    found = await trial.value("variables")
    assert found["TOKEN"] == "hunter2-hunter2"
    assert found["HEADWAY_JOB"] == "variables"


async def test_a_run_sees_nothing_of_what_was_done_ahead_of_it(
    engine: ProcessEngine, data: Path
) -> None:
    anew = job("anew", function="tasks:reads", start=StartMode.COLD)
    trial = await started(engine, data, RESULTS, job("reads"), anew)
    assert await trial.value("reads") == await trial.value("anew")


async def test_a_run_is_told_of_its_locks_and_the_next_in_its_process_is_not(
    engine: ProcessEngine, data: Path
) -> None:
    names = "HEADWAY_LOCKS", "HEADWAY_FENCE"
    code = f"import os\ndef told(): return [os.environ.get(name) for name in {names}]\n"
    script = 'echo "\\"$HEADWAY_LOCKS $HEADWAY_FENCE\\"" > $HEADWAY_RESULT'
    trial = await started(
        engine,
        data,
        code,
        job("told", reuse=2),
        job("anew", function="tasks:told", start=StartMode.COLD),
        job("shell", command=script),
    )
    for name in ("told", "anew", "shell"):
        fact = await trial.ended(trial.send_holding(name, "a", "b", fence=7))
        expected = "a b 7" if name == "shell" else ["a b", "7"]
        assert json.loads(bytes(fact.result)) == expected
    assert await trial.value("told") == [None, None]
    assert await trial.value("anew") == [None, None]


async def test_a_run_is_told_of_its_gang(engine: ProcessEngine, data: Path) -> None:
    names = [f"HEADWAY_GANG{word}" for word in ("", "_NUMBER", "_SIZE", "_NODES")]
    code = f"import os\ndef told(): return [os.environ.get(name) for name in {names}]\n"
    trial = await started(engine, data, code, job("told", reuse=2))
    members, nodes = (RunId("r0"), RunId("r1")), (NodeId("here"), NodeId("there"))
    gang = Gang(number=1, members=members, nodes=nodes)
    fact = await trial.ended(trial.send_holding("told", fence=0, gang=gang))
    assert json.loads(bytes(fact.result)) == ["r0", "1", "2", "here there"]
    assert await trial.value("told") == [None] * 4


async def test_secrets_are_left_out_of_the_logs_of_runs(engine: ProcessEngine, data: Path) -> None:
    code = "import os\ndef tells(): print('it is', os.environ['TOKEN'])\n"
    trial = await started(
        engine,
        data,
        code,
        job("tells"),
        variables={"TOKEN": "hunter2-hunter2"},
        secrets=("TOKEN",),
    )
    assert await trial.log(await trial.run("tells")) == [("stdout", "it is [TOKEN]")]


# --- started anew --------------------------------------------------------------------------------


async def test_a_command_reads_its_parameters_and_writes_its_result(
    engine: ProcessEngine, data: Path
) -> None:
    script = 'cat; echo; echo "$HEADWAY_PARAMETERS"; pwd; echo "[1,\n2]" > $HEADWAY_RESULT'
    trial = await started(engine, data, "", job("shell", command=script))
    fact = await trial.run("shell", a=1)
    assert (fact.exit.status, bytes(fact.result)) == (0, b"[1, 2]")
    assert [text for _, text in await trial.log(fact)] == ['{"a": 1}', '{"a": 1}', "/app"]


async def test_the_ends_of_commands(engine: ProcessEngine, data: Path) -> None:
    trial = await started(
        engine,
        data,
        "",
        job("three", command="exit 3"),
        job("killed", command="kill -9 $$"),
        job("words", command="echo words >&3"),
        job("large", command="head -c 3000000 /dev/zero >&3; sleep 60"),
        job("silent", command="true"),
    )
    assert (await trial.run("three")).exit.status == 3
    assert (await trial.run("killed")).exit.signal == 9
    for name in ("words", "large"):
        fact = await trial.run(name)
        assert (fact.exit.status, fact.limit) == (1, "result")
    assert await trial.value("silent") is None


async def test_a_function_that_is_started_anew_is_the_same(
    engine: ProcessEngine, data: Path
) -> None:
    trial = await started(
        engine,
        data,
        RESULTS,
        job("greet", start=StartMode.COLD),
        job("fails", start=StartMode.COLD),
        job("absent", function="tasks:absent", start=StartMode.COLD),
    )
    assert await trial.value("greet", name="Zoë") == {"said": ["hello Zoë"]}
    assert (await trial.run("fails")).failure.type == "KeyError"
    assert (await trial.run("absent")).failure.type == "AttributeError"


async def test_a_strict_run_is_refused_where_it_cannot_be_given_what_it_asks(
    engine: ProcessEngine, data: Path
) -> None:
    strict = job("greet", isolation=Isolation.STRICT)
    trial = await started(engine, data, RESULTS, strict)
    fact = await trial.run("greet")
    node, *_ = await engine.nodes()
    if os.geteuid() == 0 and not node.limits:
        assert fact.exit.status == 0
    else:
        assert (fact.exit.status, fact.failure.type) == (1, "IsolationError")
    volume = await engine.volume("demo~7f3a2c/web", "data")
    mount = Mount(source=volume, path="/data", writable=True)
    trial = await started(engine, data, RESULTS, strict, mounts=(mount,))
    assert (await trial.run("greet")).failure.type == "IsolationError"


async def test_runs_of_an_app_with_volumes_write_to_them(engine: ProcessEngine, data: Path) -> None:
    volume = Path(await engine.volume("demo~7f3a2c/web", "data"))
    mount = Mount(source=str(volume), path="/data", writable=True)
    code = "def keeps(): open('/data/file', 'w').write('kept')\n"
    shell = job("shell", command="echo kept > /data/other")
    trial = await started(engine, data, code, job("keeps"), shell, mounts=(mount,))
    assert await trial.value("keeps") is None
    assert await trial.value("shell") is None
    assert {path.name for path in volume.iterdir()} == {"file", "other"}


async def test_what_a_run_tells_in_our_name_ends_only_that_run(
    engine: ProcessEngine, data: Path
) -> None:
    code = (
        "import os, time\n"
        "LINES = ['0 nan 0 ok 1', '0 0 0 no []', '0 0 0 ok NaN', '7 0 0 ok 1', 'P',\n"
        "         'x' * 4000000,\n"
        "         '0 0 0 ok ' + '[' * 5000 + ']' * 5000, '0 0 0 ok \"' + chr(92) + 'ud800\"',\n"
        '         \'0 0 0 no {"status": "x"}\']\n'
        "def lies(line):\n"
        "    data = LINES[line].encode() + b'\\n'\n"
        "    while data: data = data[os.write(3, data):]\n"
        "    time.sleep(60)\n"
        "def honest(): return 1\n"
    )
    trial = await started(engine, data, code, job("lies"), job("honest"))
    for line in range(9):
        fact = await trial.run("lies", timeout_s=0.5, line=line)
        assert fact.exit.status != 0, line
    assert await trial.value("honest") == 1


# --- limits --------------------------------------------------------------------------------------

LIMITS = """
import os, signal, time
from pathlib import Path
def sleeps(s=60):
    print("up", flush=True)
    time.sleep(s)
def tidies():
    try: time.sleep(60)
    finally: print("tidied")
def stubborn():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("up", flush=True)
    while True: time.sleep(1)
def swallows():
    while True:
        try: time.sleep(60)
        except BaseException: pass
def eats(): return len(bytearray(300 << 20))
def fills():
    with open("/tmp/big", "wb") as f:
        while True: f.write(bytes(1 << 20))
def bomb():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    count = 0
    while True:
        try:
            if os.fork() == 0: os.setsid()
            count += 1
        except OSError: pass
def daemons():
    for n in range(5):
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0: time.sleep(600)
            os._exit(0)
    Path("/dev/shm/left").write_text("x")
    Path("/tmp/left").write_text("x")
    return "gone"
"""


async def test_a_late_run_is_told_to_end_and_named(engine: ProcessEngine, data: Path) -> None:
    trial = await started(
        engine,
        data,
        LIMITS,
        job("tidies"),
        job("stubborn"),
        job("swallows"),
        job("shell", command="sleep 60"),
    )
    fact = await trial.run("tidies", timeout_s=0.3)
    assert (fact.limit, fact.exit.reason, fact.failure.type) == (
        "time",
        "time limit 0.3 s reached",
        "Cancelled",
    )
    assert await trial.log(fact) == [("stdout", "tidied")]
    for name in ("stubborn", "swallows"):
        fact = await trial.run(name, timeout_s=0.3)
        assert (fact.limit, fact.exit.signal) == ("time", 9)
    fact = await trial.run("shell", timeout_s=0.3)
    assert (fact.limit, fact.exit.signal, fact.cancelled) == ("time", 15, False)


async def test_a_run_can_be_cancelled(engine: ProcessEngine, data: Path) -> None:
    trial = await started(
        engine,
        data,
        LIMITS,
        job("tidies"),
        job("stubborn"),
        job("shell", command="trap '' TERM; while :; do sleep 1; done"),
    )
    tidy, stubborn, shell = (trial.send(name) for name in ("tidies", "stubborn", "shell"))
    for task in (tidy, stubborn, shell):
        await trial.began(task)
        await asyncio.sleep(0.2)
        trial.line.cancel(task.run, 0.3)
    facts = [await trial.ended(task) for task in (tidy, stubborn, shell)]
    assert [fact.cancelled for fact in facts] == [True] * 3
    assert [fact.exit.signal for fact in facts] == [None, 9, 9]
    assert [fact.limit for fact in facts] == [""] * 3
    trial.line.cancel(tidy.run, 0)
    trial.line.cancel("no-such-run", 0)


@with_groups
async def test_the_memory_limit_is_enforced_and_named(engine: ProcessEngine, data: Path) -> None:
    trial = await started(
        engine,
        data,
        LIMITS,
        job("eats"),
        job("shell", command="python3 -c 'bytearray(300 << 20)'"),
    )
    for name in ("eats", "shell"):
        fact = await trial.run(name)
        assert (fact.limit, fact.exit.signal, fact.exit.oom) == ("memory", 9, True)
        assert fact.exit.reason.startswith("memory limit 128 MiB reached; peak 12")


async def test_the_disk_of_a_run_is_bounded_and_named(engine: ProcessEngine, data: Path) -> None:
    trial = await started(engine, data, LIMITS, job("fills"))
    fact = await trial.run("fills")
    assert (fact.limit, fact.exit.reason) == ("disk", "disk limit 16 MiB reached")


@with_groups
async def test_a_fork_bomb_is_bounded_and_leaves_nothing(engine: ProcessEngine, data: Path) -> None:
    trial = await started(engine, data, LIMITS, job("bomb"), job("sleeps"))
    fact = await trial.run("bomb", timeout_s=0.5)
    assert (fact.limit, fact.exit.signal) == ("time", 9)
    assert await trial.value("sleeps", s=0) is None
    await _nothing_is_left(trial.id)


@with_groups
async def test_what_a_run_leaves_lying_about_is_gone(engine: ProcessEngine, data: Path) -> None:
    trial = await started(
        engine,
        data,
        LIMITS,
        job("daemons"),
        job("shell", command="setsid sleep 600 & setsid sleep 600 & true"),
    )
    for _ in range(5):
        assert await trial.value("daemons") == "gone"
        assert await trial.value("shell") is None
    await _nothing_is_left(trial.id)
    mounts = Path("/proc/self/mounts").read_text()
    assert trial.id not in mounts


async def _nothing_is_left(container: str) -> None:
    """Wait until only parked processes have groups, and these one process each."""

    def settled() -> bool:
        pids = sorted((behind.CGROUPS / "pids" / "headway").glob(f"{container}.*.*"))
        counts = [len((folder / "cgroup.procs").read_text().split()) for folder in pids]
        return len(counts) <= 16 and all(count == 1 for count in counts)

    await eventually(settled, "nothing of ended runs is left")


# --- isolation -----------------------------------------------------------------------------------

APART = """
import os, socket
def leaves():
    for place in ("/tmp", "/home", "/dev/shm"): open(place + "/file", "w").close()
    return [os.listdir(place) for place in ("/tmp", "/home", "/dev/shm")]
def looks(): return [os.listdir(place) for place in ("/tmp", "/home", "/dev/shm")]
def processes(): return [name for name in os.listdir("/proc") if name.isdigit()]
def connects():
    try: socket.create_connection(("1.1.1.1", 53), timeout=2).close()
    except OSError as e: return e.errno
def devices(): return [line.split(":")[0].strip() for line in open("/proc/net/dev")][2:]
def loopback():
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()
    return True
def status():
    wanted = ("Cap", "NoNewPrivs", "Seccomp:", "Groups")
    lines = open("/proc/self/status").read().splitlines()
    return dict(line.split(":\\t") for line in lines if line.startswith(wanted))
def descriptors(): return sorted(int(name) for name in os.listdir("/proc/self/fd"))[:-1]
def maps(): return [open("/proc/self/uid_map").read().split(), os.getuid(), os.getgid()]
def writable():
    found = []
    for p in ("/", "/usr", "/etc", "/dev", "/run", "/app", "/proc/sys/kernel"):
        try: open(p + "/x", "w"); found.append(p)
        except OSError: pass
    try: open("/proc/sys/kernel/pid_max", "w"); found.append("pid_max")
    except OSError: pass
    return found
def calls():
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    return [libc.mount(b"none", b"/tmp", b"tmpfs", 0, None), libc.unshare(0x10000000),
            libc.umount2(b"/tmp", 2), libc.syscall(56, 0x10000000 | 17, 0, 0, 0, 0),
            libc.ptrace(0, 0, 0, 0)]
def hidden():
    found = []
    for name in ("keys", "key-users", "interrupts", "kcore", "timer_list", "slabinfo"):
        try:
            if open("/proc/" + name, "rb").read(10): found.append(name)
        except OSError: pass
    return found
def proc_aside(): return os.path.exists("/run/headway/proc")
"""


async def test_a_run_sees_nothing_of_another(engine: ProcessEngine, data: Path) -> None:
    names = ("leaves", "looks", "processes", "proc_aside")
    trial = await started(engine, data, APART, *(job(name) for name in names))
    assert await trial.value("leaves") == [["file"]] * 3
    assert await trial.value("looks") == [[]] * 3
    assert await trial.value("processes") == ["1"]
    assert await trial.value("proc_aside") is False


async def test_the_network_of_a_run(engine: ProcessEngine, data: Path) -> None:
    open_ = job("all_devices", function="tasks:devices", network=JobNetwork.INTERNET)
    names = ("connects", "devices", "loopback")
    trial = await started(engine, data, APART, *(job(name) for name in names), open_)
    assert await trial.value("connects") == 101
    assert await trial.value("devices") == ["lo"]
    assert await trial.value("loopback") is True
    assert len(await trial.value("all_devices")) > 1


async def test_a_run_can_do_nothing_to_the_machine(engine: ProcessEngine, data: Path) -> None:
    names = ("status", "descriptors", "writable", "calls", "hidden")
    trial = await started(engine, data, APART, *(job(name) for name in names))
    status = await trial.value("status")
    assert {status[name] for name in status if name.startswith("Cap")} == {"0" * 16}
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    assert await trial.value("descriptors") == [0, 1, 2, 3]
    assert await trial.value("writable") == []
    assert await trial.value("calls") == [-1] * 5
    assert await trial.value("hidden") == []


@as_root
async def test_each_run_is_a_user_of_its_own(engine: ProcessEngine, data: Path) -> None:
    trial = await started(engine, data, APART, job("maps"))
    found = [await trial.value("maps") for _ in range(3)]
    outer = {maps[1] for maps, _, _ in found}
    assert len(outer) == 3
    assert "0" not in outer
    assert {uid for _, uid, _ in found} == {int(maps[0]) for maps, _, _ in found}
    assert all(gid == uid for _, uid, gid in found)


# --- robustness ----------------------------------------------------------------------------------


async def test_a_runner_that_is_killed_is_lost_at_once(engine: ProcessEngine, data: Path) -> None:
    trial = await started(engine, data, LIMITS, job("sleeps"), job("shell", command="sleep 600"))
    for name in ("sleeps", "shell"):
        await trial.began(trial.send(name))
    pids = [
        int(pid)
        for folder in (behind.CGROUPS / "pids" / "headway").glob(f"{trial.id}*")
        for pid in (folder / "cgroup.procs").read_text().split()
    ]
    behind.kill(behind.processes(data, trial.id)["shim"])
    fact = await ended(engine, trial.id)
    assert fact.state is ObservedState.LOST
    with pytest.raises(EngineUnavailable):
        await trial.ended(trial.send("sleeps"))
    with pytest.raises(NoSuchContainer):
        await engine.attach(trial.id)
    await eventually(lambda: not any(map(behind.lives, pids)), "its processes are gone")
    await eventually(lambda: not behind.groups_below(trial.id), "its groups are gone")


async def test_the_line_lives_on_without_an_agent(engine: ProcessEngine, data: Path) -> None:
    trial = await started(engine, data, RESULTS, job("greet"))
    behind.kill(behind.agent(data))
    assert await trial.value("greet") == {"said": ["hello you"]}
    assert (await until(engine, trial.id, lambda fact: True)).state is ObservedState.RUNNING
    await engine.stop(trial.id, 1)
    assert (await ended(engine, trial.id)).exit.reason == "stopped"


async def test_a_new_line_lists_what_runs_and_what_ended(engine: ProcessEngine, data: Path) -> None:
    trial = await started(engine, data, LIMITS, job("sleeps"))
    over, heard, runs = (trial.send("sleeps", s=s) for s in (0, 0, 600))
    await trial.began(runs)
    fact = await trial.ended(heard)
    await trial.ended(over)
    trial.line.acknowledge([fact])
    first = trial.line
    await asyncio.sleep(0.1)
    await trial.attach()
    listed = {(fact.run, fact.state) for fact in trial.line.listing}
    assert listed == {(over.run, RunFactState.ENDED), (runs.run, RunFactState.BEGAN)}
    with pytest.raises(EngineUnavailable):
        await asyncio.wait_for(_heard_out(first), 5)
    trial.line.cancel(runs.run, 0)
    assert (await trial.ended(runs)).cancelled


async def _heard_out(line: Runner) -> None:
    async for _ in line.facts():
        pass


async def test_runs_go_on_without_a_line_and_are_never_done_twice(
    engine: ProcessEngine, data: Path
) -> None:
    code = "import time\ndef slow(): time.sleep(0.3); print('once')\n"
    trial = await started(engine, data, code, job("slow"))
    task = trial.send("slow")
    trial.line.send([task])
    await trial.began(task)
    await trial.line.close()
    async with asyncio.timeout(20):
        while True:
            await trial.attach()
            if [fact.state for fact in trial.line.listing] == [RunFactState.ENDED]:
                break
            await asyncio.sleep(0.05)
    trial.line.send([task])
    await trial.run("slow")  # by then it would have begun again
    assert await trial.log(task) == [("stdout", "once")]


async def test_a_stopped_runner_lets_runs_end_and_kills_the_rest(
    engine: ProcessEngine, data: Path
) -> None:
    trial = await started(engine, data, LIMITS, job("sleeps"))
    short, long = trial.send("sleeps", s=0.4), trial.send("sleeps", s=600)
    for task in (short, long):
        await trial.began(task)
    await engine.stop(trial.id, 2)
    facts = [await trial.ended(short)]  # by then it knows that it is to end
    late = trial.send("sleeps", s=0)
    facts += [await trial.ended(task) for task in (long, late)]
    assert [fact.exit.status for fact in facts] == [0, None, None]
    assert [fact.cancelled for fact in facts] == [False, True, True]
    assert (await ended(engine, trial.id)).state is ObservedState.EXITED
    assert behind.groups(trial.id) == []


async def test_modules_that_cannot_be_imported_fail_each_run_and_are_tried_again(
    engine: ProcessEngine, data: Path
) -> None:
    trial = await started(engine, data, "import nowhere\n", job("greet"))
    for _ in range(2):
        fact = await trial.run("greet")
        assert (fact.exit.status, fact.failure.type) == (1, "ModuleNotFoundError")
        assert "nowhere" in fact.failure.traceback
    assert any("nowhere" in line for line in await texts(engine, trial.id))
    (data / "slug" / "tasks.py").write_text("import os\nprint('importing')\nos._exit(9)\n")
    fact = await trial.run("greet")
    assert (fact.failure.type, "exit status 9" in fact.failure.message) == ("ImportError", True)
    (data / "slug" / "tasks.py").write_text(RESULTS)
    assert await trial.value("greet") == {"said": ["hello you"]}


async def test_modules_whose_import_has_no_end_fail_the_runs_that_wait_for_it(
    engine: ProcessEngine, data: Path
) -> None:
    code = "import time\nprint('connecting', flush=True)\ntime.sleep(3600)\n"
    trial = await started(engine, data, code, job("greet"), import_s=1.0)
    for _ in range(2):
        fact = await trial.run("greet")
        assert (fact.exit.status, fact.failure.type) == (1, "TimeoutError")
        assert fact.failure.message == "the jobs' modules were not imported within 1 s"
        assert fact.failure.traceback == "connecting\n"
    (data / "slug" / "tasks.py").write_text(RESULTS)
    assert await trial.value("greet") == {"said": ["hello you"]}
    await asyncio.sleep(1.5)
    assert await trial.value("greet") == {"said": ["hello you"]}


async def test_runs_may_share_a_process_when_their_job_says_so(
    engine: ProcessEngine, data: Path
) -> None:
    code = (
        "import os, time\ncount = 0\n"
        "def counts():\n  global count\n  count += 1\n  print('run', count)\n  return count\n"
        "def exits():\n  global count\n  count += 1\n  if count == 2: os._exit(4)\n  return count\n"
    )
    trial = await started(engine, data, code, job("counts", reuse=3), job("exits", reuse=100))
    assert [await trial.value("counts") for _ in range(7)] == [1, 2, 3, 1, 2, 3, 1]
    tasks = [trial.send("counts") for _ in range(30)]
    facts = [await trial.ended(task) for task in tasks]
    assert {fact.exit.status for fact in facts} == {0}
    for fact in facts:
        assert await trial.log(fact) == [("stdout", f"run {int(bytes(fact.result))}")]
    tasks = [trial.send("exits") for _ in range(20)]
    ends = [(await trial.ended(task)).exit.status for task in tasks]
    assert set(ends) == {0, 4}


async def test_a_late_run_of_a_shared_process_ends_the_process_and_no_other_run(
    engine: ProcessEngine, data: Path
) -> None:
    shared = job("sleeps", reuse=100, grace_s=30)
    trial = await started(engine, data, LIMITS, shared)
    for _ in range(5):
        assert await trial.value("sleeps", s=0) is None
    late = trial.send("sleeps", timeout_s=0.3)
    others = [trial.send("sleeps", s=0) for _ in range(5)]
    fact = await trial.ended(late)
    assert (fact.limit, fact.failure.type) == ("time", "Cancelled")
    assert [(await trial.ended(task)).exit.status for task in others] == [0] * 5


async def test_many_runs_at_once_all_end_once(engine: ProcessEngine, data: Path) -> None:
    trial = await started(engine, data, RESULTS, job("greet"))
    tasks = [trial.send("greet", name=str(n)) for n in range(200)]
    for task in tasks:
        assert (await trial.ended(task)).exit.status == 0
    ends = [fact.run for fact in trial.seen if fact.state is RunFactState.ENDED]
    assert sorted(ends) == sorted(task.run for task in tasks)


async def test_nobody_enters_a_runner(engine: ProcessEngine, data: Path) -> None:
    trial = await started(engine, data, RESULTS, job("greet"))
    with pytest.raises(EngineError):
        await engine.exec(trial.id, ("/bin/sh",))
    used = await engine.usage(trial.id)
    assert used is not None
    with pytest.raises(NoSuchContainer):
        await engine.attach("no-such-container")


async def test_resources_of_jobs_are_their_own(engine: ProcessEngine, data: Path) -> None:
    code = "import resource\ndef files(): return resource.getrlimit(resource.RLIMIT_NOFILE)[0]\n"
    trial = await started(
        engine,
        data,
        code,
        job("files"),
        job("more", function="tasks:files", resources=Resources(open_files=999)),
    )
    assert await trial.value("files") == SMALL.open_files
    assert await trial.value("more") == 999


@with_groups
async def test_a_runner_that_reserves_no_cores_has_its_part_of_a_busy_machine(
    engine: ProcessEngine, data: Path
) -> None:
    """Each run waits for what it starts; with next to no weight its modules would never load."""
    nothing = Resources(cpu=0, memory_mib=512, processes=1024)
    trial = await started(engine, data, RESULTS, job("greet"), resources=nothing)
    assert await trial.value("greet") == {"said": ["hello you"]}
    weights = {
        (path / file).read_text().strip()
        for path in behind.groups(trial.id)
        for file in ("cpu.shares", "cpu.weight")
        if (path / file).exists()
    }
    assert weights <= {"1024", "100"}
    assert weights
