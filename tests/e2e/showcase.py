"""A place worth looking at: what is healthy, broken and moving, on three nodes."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import DEVNULL, Popen

from tests.e2e.installation import HEADWAY, Installation, behaving, good_manifest, wait_for
from tests.e2e.works import made, state

ENVIRONMENT, SECOND = "shop", "review-204"
SMALL = "resources: {cpu: 0.1, max_mem: 64MiB}\n"
JOBS = """\
processes: {}
jobs:
  receipt:
    command: echo "receipt of order $HEADWAY_RUN is written"
    resources: {cpu: 0.1, max_mem: 64MiB}
  reindex:
    command: |
      for product in $(seq 420); do
        echo "::progress $product/900 product $product of 900"
        [ $((product % 20)) = 0 ] && echo "product $product is in the index"
      done
      exec sleep 900
    resources: {cpu: 0.1, max_mem: 64MiB}
    expected: 10m
    grace: 1s
  charge:
    command: |
      echo "charging a card"
      echo "payments.example answers 503: try again later" >&2
      exit 75
    delivery: at_least_once
    retries: 1
    resources: {cpu: 0.1, max_mem: 64MiB}
  newsletter: {command: echo sent, queue: mail, resources: {cpu: 0.1, max_mem: 64MiB}}
queues: {mail: {concurrency: 2}}
schedules:
  nightly-export: {job: receipt, cron: "0 2 * * *", timezone: Europe/Berlin}
  hourly-index: {job: reindex, cron: "5 * * * *"}
"""
POOL = """\
name: ci
dedicated: true
types: [{name: small, cpu: 4, memory: 8GiB, price_hour: 0.2}]
scaling: {nodes_max: 4, idle: 10m}
"""


@contextmanager
def showcase(folder: Path) -> Iterator[tuple[Installation, dict[str, str]]]:
    """The place, and what its pages are called by."""
    folder.chmod(0o755)
    own = Installation(folder)
    own.data.mkdir()
    own.data.chmod(0o711)
    ports = ("--port", str(own.port), "--http-port", str(own.http_port))
    waiting: list[Popen[bytes]] = []
    try:
        own.ok("up", "-d", "--nodes", "3", *ports)
        wait_for(lambda: len(own.asked("nodes")) == 3, within_s=60)
        names = {**_services(own), **_jobs(own), **_machines(own, waiting)}
        _asked(own)
        yield own, {"environment": ENVIRONMENT, **names}
    finally:
        for process in waiting:
            process.kill()
            process.wait()
        own.down()


def _services(own: Installation) -> dict[str, str]:
    """Five apps in two environments: a canary that waits, and a release that was refused."""
    needs = {"ids": "", "catalogue": "", "orders": "ids", "web": "catalogue, orders"}
    for app, needed in needs.items():
        more = f"{SMALL}dependencies: [{needed}]\n" + ("scale: {web: 2}\n" if app == "web" else "")
        own.ok("apps", "add", str(own.app(app, manifest=good_manifest(extra=more))))
    values = ("CURRENCY=EUR", "FLAGS=new-basket")
    own.ok("config", "set", "-e", ENVIRONMENT, "-a", "web", *values)
    secret = ("config", "set", "-e", ENVIRONMENT, "-a", "web", "--secret", "SESSION_SECRET")
    own.ok(*secret, stdin="made of thirty-two random letters")
    own.ok("start", "-e", ENVIRONMENT, "web", "--lease", "8h")
    own.ok("start", "-e", SECOND, "orders", "--lease", "40m")
    own.ok("start", "-e", "review-198", "ids", "--lease", "40m")
    own.ok("envs", "destroy", "review-198", "--yes", "--reason", "its branch was merged")
    broken = behaving("broken", grace="3s", extra=SMALL + "dependencies: [ids]\n")
    orders = own.app("orders", "two", manifest=broken)
    own.run("deploy", "-e", ENVIRONMENT, "--reason", "prices with tax", cwd=orders)
    web = own.folder / "apps" / "web"
    (web / "text").write_text("two")
    own.ok("deploy", "-e", ENVIRONMENT, "--canary", "20", "--reason", "buy now", cwd=web)
    return {
        "app": "web",
        "name": "review-198",
        "life": own.json("envs", "past", "review-198")["life"]["id"].partition("~")[2],
        "number": "1",
        "deployment": own.json("history", "-e", ENVIRONMENT, "-a", "orders")[0]["id"],
        "canary": own.json("history", "-e", ENVIRONMENT, "-a", "web")[0]["id"],
    }


def _jobs(own: Installation) -> dict[str, str]:
    """Runs that went well, one under way, some that are dead, and a queue that is held up."""
    own.ok("start", "-e", ENVIRONMENT, cwd=own.app("post", manifest=JOBS))
    own.ok("queues", "pause", "-e", ENVIRONMENT, "post/mail", "--reason", "the mail server moves")
    done = [made(own, ENVIRONMENT, "receipt") for _ in range(6)]
    dead = [made(own, ENVIRONMENT, "charge") for _ in range(2)]
    for _ in range(4):
        made(own, ENVIRONMENT, "newsletter")
    running = made(own, ENVIRONMENT, "reindex")
    ended = ("succeeded", "failed", "dead")
    wait_for(lambda: all(state(own, run) in ended for run in (*done, *dead)), within_s=120)
    wait_for(lambda: state(own, running) == "running", within_s=60)
    wait_for(lambda: "product 420" in own.ok("runs", "logs", running), within_s=60)
    return {"job": "charge", "run": dead[0], "running": running, "queue": "mail"}


def _machines(own: Installation, waiting: list["Popen[bytes]"]) -> dict[str, str]:
    """A pool, a node that is being emptied, and a lock that somebody waits for."""
    (own.folder / "ci.yaml").write_text(POOL)
    own.ok("pools", "apply", "ci.yaml")
    held = own.json("leases", "acquire", "migration", "--for", "1h", "--reason", "tables of orders")
    words = [HEADWAY, "leases", "acquire", "migration", "--wait", "30m", "--reason", "new index"]
    waiting.append(Popen(words, env=own.env, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL))
    wait_for(lambda: len(own.json("leases", "ls", "migration")) == 2, within_s=60)
    first, *_, last = [row["node"]["id"] for row in own.json("nodes", "ls")]
    own.ok("nodes", "drain", last, "--no-wait", "--within", "2h", "--reason", "a new disk")
    return {"pool": "ci", "node": last, "busy": first, "lease": held["lease"]["id"]}


def _asked(own: Installation) -> None:
    """Requests, so that traffic has something to show."""
    for _ in range(120):
        for app in ("web", "catalogue"):
            own.get(app, ENVIRONMENT)
