"""An app whose jobs do all that jobs may do, and much that they should not."""

from pathlib import Path

from tests.e2e.installation import Done, Installation

COMMANDS = """\
processes: {}
jobs:
  greet:
    command: |
      echo about to greet
      echo ::progress 3/12 half way
      python3 -c 'import json, os
      given = json.loads(os.environ["HEADWAY_PARAMETERS"])
      json.dump({"said": "hello " + given["name"]}, open(os.environ["HEADWAY_RESULT"], "w"))'
    parameters:
      type: object
      properties: {name: {type: string}}
      required: [name]
      additionalProperties: false
  stubborn: {command: "trap '' TERM; echo deaf; while :; do sleep 0.1; done", grace: 1s}
  late: {command: sleep 60, timeout: 1s, grace: 1s}
  garbled: {command: "echo '{no json' > $HEADWAY_RESULT"}
  noisy:
    command: "yes all work and no play makes a long log | head -c 30000000; echo the last line"
    resources: {log: 1MiB}
  bomb: {command: "b() { b | b & }; b; sleep 1", timeout: 2s, grace: 1s, resources: {processes: 40}}
  broken: {command: "echo reading; echo 'no table orders' >&2; exit 3", delivery: at_most_once}
  held: {command: sleep 60, queue: narrow, grace: 1s}
  turn: {command: echo turn, queue: narrow}
queues:
  narrow: {concurrency: 1}
schedules:
  yearly: {job: turn, cron: "0 0 1 1 *", timezone: Europe/Berlin}
"""

FUNCTIONS = '''\
import os, signal, sys, time
from headway.sdk import Cancelled, attempt, job, progress, run_id


@job(cpu=0.1, memory="64MiB")
def add(a: int, b: int = 1) -> int:
    """Add two numbers."""
    print("adding", a, b)
    progress(50, "half")
    return a + b


@job(cpu=0.1, memory="64MiB")
def talk(seconds: float = 1.0):
    for number in range(5):
        print("line", number, flush=True)
        time.sleep(seconds / 5)


@job(cpu=0.1, memory="64MiB")
def fail():
    progress(50, "half")
    raise ValueError("there is no such order")


@job(cpu=0.1, memory="64MiB", delivery="at_least_once", retries=1, retry_delay="100ms")
def perish(good: bool = False) -> str:
    if not good:
        raise ValueError("down")
    return f"up at attempt {attempt()}"


@job(cpu=0.1, memory="64MiB", cpu_time="1s", timeout="60s")
def spin():
    try:
        while True:
            pass
    except Cancelled as told:
        print("tidied:", told, flush=True)
        raise


@job(cpu=0.1, memory="64MiB")
def eat():
    return len(bytearray(os.urandom(1 << 20) * 200))


@job(cpu=0.1, memory="64MiB")
def mute() -> str:
    os.closerange(0, 3)
    return "done"


@job(cpu=0.1, memory="64MiB")
def shut_all() -> str:
    os.closerange(0, 4096)
    return "done"


@job(cpu=0.1, memory="64MiB")
def crash():
    import ctypes
    ctypes.string_at(0)


@job(cpu=0.1, memory="64MiB")
def leave():
    os._exit(0)


@job(cpu=0.1, memory="64MiB")
def odd():
    return object()


@job(cpu=0.1, memory="64MiB")
def infinite() -> float:
    return float("inf")


@job(cpu=0.1, memory="64MiB", network="dependencies")
def near() -> list[str]:
    import socket, urllib.request
    with urllib.request.urlopen(os.environ["HEADWAY_URL"] + "/healthz", timeout=20) as answer:
        said = [str(answer.status)]
    for place in (("127.0.0.1", 1), ("1.1.1.1", 53)):
        try:
            socket.create_connection(place, timeout=5)
            said.append("reached")
        except OSError as error:
            said.append(type(error).__name__)
    return said


@job(cpu=0.1, memory="64MiB")
def patricide() -> list[str]:
    said = []
    for pid in (os.getppid(), 1, -1):
        if pid:
            try:
                os.kill(pid, signal.SIGKILL)
                said.append(f"{pid} killed")
            except OSError as error:
                said.append(f"{pid} {error.strerror}")
    return said


@job(cpu=0.1, memory="64MiB")
def bury(depth: int = 1500) -> int:
    os.chdir("/tmp")
    for _ in range(depth):
        os.mkdir("deeper")
        os.chdir("deeper")
    return depth


@job(cpu=0.1, memory="64MiB", grace="1s")
def endless(child: bool = True):
    import subprocess
    if child:
        subprocess.Popen(["sleep", "3600"], start_new_session=True)
    time.sleep(3600)


@job(cpu=0.1, memory="64MiB")
def release() -> str:
    return VERSION


VERSION = "one"
'''


def works(
    installation: Installation, name: str, functions: str = FUNCTIONS, **options: str
) -> Path:
    """Write the app."""
    manifest = options.get("manifest", COMMANDS)
    return installation.app(name, manifest=manifest, **{"tasks.py": functions})


def invoked(installation: Installation, environment: str, *words: str, timeout: float = 40) -> Done:
    """Invoke a job."""
    return installation.run("jobs", "invoke", "-e", environment, *words, timeout=timeout)


def made(installation: Installation, environment: str, *words: str) -> str:
    """Make a run, and give its id."""
    done = invoked(installation, environment, "--no-wait", *words)
    assert done.status == 0, done.all
    return done.out.split()[0]


def shown(installation: Installation, run: str) -> dict:
    """Show a run."""
    return installation.asked(f"runs/{run}")


def state(installation: Installation, run: str) -> str:
    """Give what became of a run."""
    return shown(installation, run)["run"]["state"]
