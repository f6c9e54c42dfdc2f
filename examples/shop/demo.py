"""The shop, from nothing: `make demo` runs this, `make demo-stop` ends it.

Each app becomes a git repository of its own below `.demo/`, or where HEADWAY_DEMO says. Headway is
started, the apps are brought up, an order goes through the whole chain, jobs run now, later, by the
clock and two thousand at once, a change is deployed under load and rolled back, and a second
environment shows that it has none of the first one's data. The first is left running.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

from headway.sdk import Client

SHOP = Path(__file__).resolve().parent
ROOT = SHOP.parent.parent
PLACE = Path(os.environ.get("HEADWAY_DEMO") or ROOT / ".demo")
HEADWAY = str(Path(sys.executable).with_name("headway"))
APPS = ("ids", "catalogue", "postgres", "orders", "mailer", "post", "web")
BURST = 2000
FIRST, SECOND = "shop", "second"
LOAD_THREADS = 4


def main() -> int:
    """Run the demo, or end it."""
    os.environ["HEADWAY_DATA"] = str(PLACE / "data")
    if sys.argv[1:] == ["stop"]:
        return stop()
    began = time.monotonic()
    stop()
    PLACE.mkdir()
    port, http_port = free_port(7070), free_port(7080)
    say("Start headway")
    headway("up", "--detach", "--port", str(port), "--http-port", str(http_port))
    shop = Shop(http_port)
    say("Seven apps, each a git repository of its own")
    for app in APPS:
        make_repository(app)
    headway("apps", "add", *(str(repository(app)) for app in APPS))
    say(f"Config and secrets of the environment {FIRST}")
    configure(FIRST)
    say("The apps with everything they need, in the order in which they need it")
    headway("start", "-e", FIRST, "web", "mailer", "post", "--lease", "8h")
    say("An order through the whole chain: web → catalogue, ids, orders → postgres → mailer")
    number = shop.order(FIRST, "tea", "Ana")
    print(f"order {number} is placed, and listed: {number in shop.page(FIRST, '/orders')}")
    print(f"its mail: {await_mail(FIRST, number)}")
    say("Its receipt: a job that the web app asked for")
    with Client.local() as client:
        show_jobs(client, number)
    say("A change, blue/green, while requests come in")
    deploy_under_load(shop)
    say("And back")
    headway("rollback", "-e", FIRST, "-a", "web")
    check("Buy now" not in shop.page(FIRST, "/"), "the old page is back")
    say(f"A second environment, {SECOND}, beside the first")
    headway("envs", "copy", FIRST, SECOND, "--lease", "1h", "--progress", "quiet")
    orders = shop.page(SECOND, "/orders")
    check(number not in orders, f"{SECOND} has no order of {FIRST}")
    check(number in shop.page(FIRST, "/orders"), f"{FIRST} has its own")
    headway("envs", "diff", FIRST, SECOND)
    headway("envs", "destroy", SECOND, "--yes")
    say(f"Done in {time.monotonic() - began:.0f} s. The shop goes on:")
    headway("status")
    print(f"\n  shop  {shop.url(FIRST, '/')}")
    print(f"  api   http://127.0.0.1:{port}/openapi.json")
    print(f"  more  export HEADWAY_DATA={PLACE / 'data'}; {HEADWAY} --help")
    print("  end   make demo-stop")
    return 0


def stop() -> int:
    """End everything that a demo left running, and remove what it made."""
    if (PLACE / "data").exists():
        subprocess.run([HEADWAY, "down"], check=True)
    shutil.rmtree(PLACE, ignore_errors=True)
    return 0


# --- headway --------------------------------------------------------------------------------------


def headway(*words: str, cwd: Path | None = None) -> None:
    """Run a command of headway's, and show it as a person would type it."""
    print(f"$ headway {' '.join(words).replace(str(ROOT) + '/', '')}", flush=True)
    done = subprocess.run([HEADWAY, *words], check=False, cwd=cwd)
    if done.returncode:
        told = (
            f"headway {words[0]} ended with status {done.returncode}; what runs was left as it is"
        )
        raise SystemExit(
            f"✗ {told}\nnext: export HEADWAY_DATA={PLACE / 'data'}; {HEADWAY} status"
            " · make demo-stop"
        )


def configure(environment: str) -> None:
    """Give the apps what their manifests require; secrets go through standard input."""
    for app in ("postgres", "orders", "mailer"):
        set_secret(environment, app, "POSTGRES_PASSWORD", "demo-only-password")
    set_secret(environment, "web", "SESSION_SECRET", "demo-only-session-secret")


def set_secret(environment: str, app: str, key: str, value: str) -> None:
    """Set a secret without it standing in anybody's list of processes."""
    words = ["config", "set", "-e", environment, "-a", app, "--secret", key]
    print(f"$ headway {' '.join(words)}", flush=True)
    subprocess.run([HEADWAY, *words], check=True, input=value, text=True)


def await_mail(environment: str, number: str) -> str:
    """Look into the mailer's volume until the order's mail is there."""
    words = [HEADWAY, "exec", "-e", environment, "mailer", "--", "ls", "/outbox"]
    for _ in range(100):
        done = subprocess.run(words, check=False, capture_output=True, text=True)
        for name in done.stdout.split():
            if number in name:
                return f"/outbox/{name}"
        time.sleep(0.2)
    raise SystemExit(f"no mail of order {number} came: {done.stdout}{done.stderr}")


# --- jobs ------------------------------------------------------------------------------------------


def show_jobs(client: Client, number: str) -> None:
    """A job asked for by an app, one at a time, one by the clock, and many at once."""
    (receipt,) = client.runs.page(environment=FIRST, job="receipt", tag=[], limit=1).rows
    done = client.runs.wait(receipt.id, 60)
    check(number in client.runs.result(done), f"run {done.id} wrote the receipt of {number}")
    say("A reminder at a time")
    soon = (datetime.now(UTC) + timedelta(seconds=2)).isoformat(timespec="seconds")
    headway("jobs", "invoke", "-e", FIRST, "reminder", json.dumps({"number": number}), "--at", soon)
    (reminder,) = client.runs.page(environment=FIRST, job="reminder", limit=1).rows
    print(client.runs.result(client.runs.wait(reminder.id, 60)))
    say("An export every night, and now")
    headway("schedules", "ls", "-e", FIRST)
    headway("jobs", "invoke", "-e", FIRST, "nightly-export", '{"shop": "main"}')
    say(f"{BURST} runs at once, each in a sandbox of its own")
    burst(client)


def burst(client: Client) -> None:
    """Make many runs, and say how far they are until all have ended."""
    began = time.monotonic()
    wishes = [{"parameters": {"letter": letter}} for letter in range(BURST)]
    client.jobs.invoke_many(FIRST, "stamp", wishes)
    print(f"accepted in {time.monotonic() - began:.2f} s")
    left = BURST
    while left:
        (queue,) = [row for row in client.queues.all(FIRST) if row.app == "post"]
        left = queue.waiting + queue.running
        if sys.stdout.isatty():
            print(f"\r{BURST - left:5} of {BURST} done", end="", flush=True)
        time.sleep(0.1)
    took = time.monotonic() - began
    print(f"\r{BURST} of {BURST} done in {took:.1f} s: {BURST / took:.0f} a second")
    page = client.runs.page(environment=FIRST, job="stamp", state=["succeeded"], limit=1000)
    check(len(page.rows) == min(BURST, 1000), "they succeeded")


# --- repositories ---------------------------------------------------------------------------------


def repository(app: str) -> Path:
    """Give the directory of an app's repository."""
    return PLACE / "repositories" / app


def make_repository(app: str) -> None:
    """Make a git repository of an app's folder."""
    place = repository(app)
    shutil.copytree(SHOP / app, place, ignore=shutil.ignore_patterns("__pycache__"))
    git(place, "init", "--quiet", "--initial-branch=main")
    commit(place, f"The shop's {app}")


def commit(place: Path, subject: str) -> None:
    """Commit everything."""
    git(place, "add", "--all")
    git(
        place, "-c", "user.name=Demo", "-c", "user.email=demo@example.com", "commit", "-qm", subject
    )


def git(place: Path, *words: str) -> None:
    """Run git in a repository."""
    subprocess.run(["git", "-C", str(place), *words], check=True)


# --- the shop, as its customers see it --------------------------------------------------------------


class Shop:
    """Asks the shop through headway's router."""

    def __init__(self, http_port: int) -> None:
        self.http_port = http_port

    def url(self, environment: str, path: str) -> str:
        """Give the address of a page."""
        return f"http://web.{environment}.localhost:{self.http_port}{path}"

    def ask(
        self, environment: str, path: str, form: dict[str, str] | None = None
    ) -> tuple[str, str]:
        """Give a page, and where it was found in the end.

        Not every machine resolves names below localhost, so the name goes into the Host header.
        """
        host = f"web.{environment}.localhost"
        data = urllib.parse.urlencode(form).encode() if form else None
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.http_port}{path}", data, {"Host": host}
        )
        opener = urllib.request.build_opener(_Stay())
        try:
            with opener.open(request, timeout=30) as answer:
                return answer.read().decode(), answer.headers.get("location", "")
        except urllib.error.HTTPError as error:
            if error.code == 303:
                return "", error.headers["location"]
            raise

    def page(self, environment: str, path: str) -> str:
        """Give a page."""
        return self.ask(environment, path)[0]

    def order(self, environment: str, product: str, name: str) -> str:
        """Place an order, and give its number."""
        sku = (
            product
            if f'"{product}"' in self.page(environment, "/")
            else first_product(self, environment)
        )
        form = {"sku": sku, "quantity": "2", "name": name, "email": "ana@example.com"}
        _, location = self.ask(environment, "/orders", form)
        number = location.rpartition("#")[2]
        check(bool(number), f"order placed, {location}")
        return number


class _Stay(urllib.request.HTTPRedirectHandler):
    """Leaves redirects to who asked."""

    def redirect_request(self, *_: object) -> None:
        """Follow nothing."""
        return


def first_product(shop: Shop, environment: str) -> str:
    """Give a product that the front page offers."""
    page = shop.page(environment, "/")
    return page.split("/products/", 1)[1].split('"', 1)[0]


def deploy_under_load(shop: Shop) -> None:
    """Deploy a changed page while customers ask, and count who was let down."""
    web = repository("web")
    git(web, "apply", str(SHOP / "changes" / "buy-now.patch"))
    commit(web, "Buy now instead of Order now")
    stopping = threading.Event()
    answers: Counter[str] = Counter()
    lock = threading.Lock()
    threads = [
        threading.Thread(target=customer, args=(shop, stopping, answers, lock))
        for _ in range(LOAD_THREADS)
    ]
    for thread in threads:
        thread.start()
    try:
        headway("deploy", str(web), "-e", FIRST)
        time.sleep(1)
    finally:
        stopping.set()
        for thread in threads:
            thread.join()
    failed = sum(count for word, count in answers.items() if word != "200")
    print(
        f"{sum(answers.values())} requests while it was deployed, {failed} failed: {dict(answers)}"
    )
    check("Buy now" in shop.page(FIRST, "/"), "the new page is there")
    check(failed == 0, "nobody was let down")


def customer(
    shop: Shop, stopping: threading.Event, answers: "Counter[str]", lock: threading.Lock
) -> None:
    """Ask for the front page until it is enough."""
    while not stopping.is_set():
        try:
            shop.page(FIRST, "/")
            word = "200"
        except urllib.error.HTTPError as error:
            word = str(error.code)
        except OSError as error:
            word = type(error).__name__
        with lock:
            answers[word] += 1


# --- small things ---------------------------------------------------------------------------------


def say(what: str) -> None:
    """Announce a part."""
    print(f"\n— {what}", flush=True)


def check(holds: bool, what: str) -> None:
    """End the demo when something is not as it should be."""
    print(f"{'✓' if holds else '✗'} {what}", flush=True)
    if not holds:
        raise SystemExit(1)


def free_port(wanted: int) -> int:
    """Give a port, or the next one that is free."""
    for port in range(wanted, wanted + 200):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise SystemExit(f"no port from {wanted} on is free")


if __name__ == "__main__":
    sys.exit(main())
