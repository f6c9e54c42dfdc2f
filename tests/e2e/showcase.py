"""A place worth looking at: what is well, broken, moving and waiting, on three nodes."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from subprocess import DEVNULL, Popen

from headway.sdk import Client
from tests.e2e.installation import HEADWAY, Installation, wait_for
from tests.e2e.showcase_apps import JOBS, POOL, service, written
from tests.e2e.test_access import as_
from tests.e2e.works import state

SHOP, REVIEW = "shop", "review-204"
_LIMIT_S = 120
"""How long whatever is waited for may take on a machine that does much else."""
_PAUSE_S = 0.1
_VISITED = (
    ("web", SHOP, "/"),
    ("web", SHOP, "/basket"),
    ("catalogue", SHOP, "/products/7"),
    ("catalogue", SHOP, "/products/0"),
    ("orders", SHOP, "/orders"),
    ("search", SHOP, "/?q=tea"),
    ("ids", REVIEW, "/next"),
)


@contextmanager
def fresh(folder: Path) -> Iterator[Installation]:
    """A headway that has just been installed, on several nodes, that measures each second."""
    folder.chmod(0o755)
    own = Installation(folder)
    own.data.mkdir()
    own.data.chmod(0o711)
    (own.data / "settings.yaml").write_text("figures_step_s: 1s\n")
    ports = ("--port", str(own.port), "--http-port", str(own.http_port))
    try:
        own.ok("up", "-d", "--nodes", "3", *ports)
        wait_for(lambda: len(own.asked("nodes")["items"]) == 3, _LIMIT_S)
        yield own
    finally:
        own.down()


@contextmanager
def showcase(folder: Path) -> Iterator[tuple[Installation, dict[str, str]]]:
    """The place, and what its pages are called by. It is visited as long as it is there."""
    with fresh(folder) as own:
        names = _apps(own)
        with _visited(own), _waiting(own) as lease:
            names |= _jobs(own)
            names |= _machines(own, names["running"])
            names |= _deployments(own)
            _break(own)
            yield own, {"environment": SHOP, "second": REVIEW, "lease": lease, **names}


def _apps(own: Installation) -> dict[str, str]:
    """Six apps in two environments, and one that has ended."""
    scaled = "scale: {web: 2}\n"
    kept = "volumes:\n- {name: index, path: /index}\n"
    apps = {
        "ids": service(),
        "catalogue": service(),
        "search": service("catalogue", extra=kept),
        "orders": service("ids"),
        "web": service("catalogue, orders, search", extra=scaled),
    }
    folders = [str(written(own, app, manifest, "as it was")) for app, manifest in apps.items()]
    own.ok("apps", "add", *folders)
    _config(own, "web", "FLAGS=new-basket")
    _config(own, "orders", "CURRENCY=EUR", "PRICES=without tax")
    secret = ("config", "set", "-e", SHOP, "-a", "orders", "--secret", "DATABASE_PASSWORD")
    own.ok(*secret, stdin="made of thirty-two random letters")
    own.ok("start", "-e", SHOP, "web", "--lease", "8h")
    own.ok("start", "-e", REVIEW, "orders", "--lease", "40m")
    own.ok("start", "-e", "review-198", "ids", "--lease", "40m")
    own.ok("envs", "destroy", "review-198", "--yes", "--reason", "its branch was merged")
    past = own.json("envs", "past", "review-198")["life"]["id"]
    return {"app": "web", "name": "review-198", "life": past.partition("~")[2]}


def _config(own: Installation, app: str, *values: str) -> None:
    own.ok("config", "set", "-e", SHOP, "-a", app, *values)


def _jobs(own: Installation) -> dict[str, str]:
    """Runs that went well, one at its second attempt, dead ones, and some that wait."""
    own.ok("start", "-e", SHOP, cwd=written(own, "post", JOBS, "the first jobs"))
    own.ok("queues", "pause", "-e", SHOP, "post/mail", "--reason", "the mail server moves")
    own.ok("schedules", "pause", "-e", SHOP, "post/hourly-index")
    readers = ("all", "customers", "staff")
    with Client(f"http://127.0.0.1:{own.port}", (own.data / "token").read_text().strip()) as client:
        (running,) = _made(client, "reindex", {})
        dead = _made(client, "charge", {}, {})
        done = _made(client, "receipt", *({"order": 1010 + n} for n in range(9)))
        _made(client, "newsletter", *({"subject": "Tea!", "readers": one} for one in readers))
        (waiting,) = _made(client, "forecast", {})
    ended = ("succeeded", "failed", "dead")
    wait_for(lambda: all(state(own, run) in ended for run in (*done, *dead)), _LIMIT_S)
    wait_for(lambda: "420/" in str(own.asked(f"runs/{running}").get("progress")), _LIMIT_S)
    return {
        "job": "receipt",
        "run": dead[0],
        "running": running,
        "succeeded": done[0],
        "waiting": waiting,
        "queue": "mail",
        "schedule": "hourly-index",
    }


def _made(client: Client, job: str, *parameters: dict[str, object]) -> list[str]:
    """Make runs of a job, all at once."""
    runs = [{"parameters": one} for one in parameters]
    return list(client.jobs.invoke_many(SHOP, f"post/{job}", runs).ids)


def _machines(own: Installation, running: str) -> dict[str, str]:
    """A pool, and a node that is drained, on which a run is still under way."""
    (own.folder / "ci.yaml").write_text(POOL)
    own.ok("pools", "apply", "ci.yaml")
    drained = own.asked(f"runs/{running}")["run"]["attempts"][-1]["node"]
    busy = next(
        row["node"]["id"] for row in own.asked("nodes")["items"] if row["node"]["id"] != drained
    )
    own.ok("nodes", "drain", drained, "--no-wait", "--within", "2h", "--reason", "a new disk")
    wait_for(lambda: not _served_on(own, drained), _LIMIT_S)
    return {"pool": "ci", "node": drained, "busy": busy}


def _served_on(own: Installation, node: str) -> list[str]:
    """List the containers of services on a node."""
    there: list[str] = own.asked(f"nodes/{node}")["there"]
    return [row for row in there if "/post/" not in row and "under way" not in row]


def _deployments(own: Installation) -> dict[str, str]:
    """One that succeeded, one that was not kept, a canary, and one not well yet."""
    two = service(extra="scale: {web: 2}\n")
    catalogue = written(own, "catalogue", two, "a second copy")
    own.ok("deploy", "-e", SHOP, "--reason", "the sale begins", cwd=catalogue)
    own.ok("apps", "add", str(written(own, "catalogue", two, "products by their colour")))
    _config(own, "orders", "CURRENCY=GBP")
    refused = service("ids", env="DATABASE=refused", grace="10s")
    orders = written(own, "orders", refused, "prices with tax")
    own.run("deploy", "-e", SHOP, "--reason", "prices with tax", cwd=orders)
    web = written(
        own, "web", service("catalogue, orders, search", extra="scale: {web: 2}\n"), "buy now"
    )
    own.ok("deploy", "-e", SHOP, "--canary", "20", "--reason", "buy now", cwd=web)
    slow = written(
        own, "advice", service("ids", env="WARM_S=3000", grace="2h"), "what goes with it"
    )
    own.ok("start", "-e", REVIEW, "--no-wait", cwd=slow)
    wait_for(lambda: "503" in own.asked(f"environments/{REVIEW}/apps/advice")["because"], _LIMIT_S)
    return {
        "served": "catalogue",
        "configured": "orders",
        "number": "2",
        "deployment": _last(own, SHOP, "orders"),
        "canary": _last(own, SHOP, "web"),
        "succeeded_deployment": _last(own, SHOP, "catalogue"),
        "probing": _last(own, REVIEW, "advice"),
        "broken": "search",
    }


def _last(own: Installation, environment: str, app: str) -> str:
    """Give the newest deployment of an app."""
    about = f"environments/{environment}/apps/{app}/deployments"
    identity: str = own.asked(about)["items"][0]["id"]
    return identity


def _break(own: Installation) -> None:
    """Tear the index of the search, which then cannot start again however often it is tried."""
    with suppress(OSError):  # it ends as it answers
        own.get("search", SHOP, "/tear")
    about = f"environments/{SHOP}/apps/search"
    wait_for(lambda: "again after 16 s" in own.asked(about)["because"], _LIMIT_S)


@contextmanager
def _waiting(own: Installation) -> Iterator[str]:
    """A lock that somebody holds, and somebody else waits for; gives the lease."""
    held = own.json("leases", "acquire", "migration", "--for", "1h", "--reason", "tables of orders")
    words = [HEADWAY, "leases", "acquire", "migration", "--wait", "1h", "--reason", "new index"]
    env = as_(own, "developer", "--team", "search").env
    process = Popen(words, env=env, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL)
    try:
        wait_for(lambda: len(own.json("leases", "ls", "migration")) == 2, _LIMIT_S)
        identity: str = held["lease"]["id"]
        yield identity
    finally:
        process.kill()
        process.wait()


@contextmanager
def _visited(own: Installation) -> Iterator[None]:
    """Have the shop asked for things all the while, as customers do."""
    is_over = threading.Event()

    def visit() -> None:
        while not is_over.is_set():
            for app, environment, path in _VISITED:
                with suppress(OSError):
                    own.get(app, environment, path)
            is_over.wait(_PAUSE_S)

    visitor = threading.Thread(target=visit)
    visitor.start()
    try:
        yield
    finally:
        is_over.set()
        visitor.join()
