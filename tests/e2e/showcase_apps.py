"""The apps of the showcase: a small shop, of which some parts do not do as they should."""

from pathlib import Path
from subprocess import run

from tests.e2e.installation import Installation

SERVER = """\
import http.server, json, os, pathlib, sys, time
began, warm_s = time.time(), float(os.environ.get("WARM_S", 0))
torn, database = pathlib.Path("/index/torn"), os.environ.get("DATABASE", "good")
if torn.parent.exists():
    print("reading the index of", os.environ["HEADWAY_RELEASE"], flush=True)
if torn.exists():
    sys.exit("segment 7 of the index is torn: its checksum is not what was written")


def answer(path):
    if time.time() - began < warm_s:
        parts = int(400 * (time.time() - began) / warm_s)
        return 503, {"warming up": f"{parts} of 400 parts are read"}
    if database != "good":
        return 500, {"database": f"password {database}"}
    if path == "/products/0":
        return 404, {"product": "unknown"}
    if path == "/tear":
        torn.touch()
    return 200, {"release": os.environ["HEADWAY_RELEASE"]}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        at = time.perf_counter()
        status, said = answer(self.path)
        body = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()
        if self.path != "/healthz" or status >= 500:
            where = sys.stderr if status >= 500 else sys.stdout
            told = f"\\x1b[{ {2: 32, 4: 33, 5: 31}[status // 100] }m{status}\\x1b[0m"
            took_ms = 1e3 * (time.perf_counter() - at)
            print(f"GET {self.path} {told} {took_ms:.1f} ms", file=where, flush=True)
        if torn.exists():
            print("reading segment 7 failed", file=sys.stderr, flush=True)
            os._exit(3)

    def log_message(self, *_):
        pass

    def handle(self):
        try:
            super().handle()
        except ConnectionResetError:
            pass  # whoever asked has gone


http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""
SMALL = "resources: {cpu: 0.1, max_mem: 64MiB}"
JOBS = """\
team: shop
processes: {}
jobs:
  receipt:
    doc: Writes the receipt of an order.
    command: |
      order=$(python3 -c 'import json, sys; print(json.load(sys.stdin)["order"])')
      echo "::progress 1/3 order $order is read"
      [ "$order" = 1017 ] && { echo "order 1017 has no address" >&2; exit 4; }
      echo "receipt of order $order is written"
      echo "{\\"file\\": \\"receipts/$order.pdf\\", \\"pages\\": 1}" > $HEADWAY_RESULT
      echo "::progress 3/3 written"
    parameters:
      type: object
      properties: {order: {type: integer}, copies: {type: integer, default: 1}}
      required: [order]
    resources: {cpu: 0.1, max_mem: 64MiB}
  reindex:
    doc: Puts every product into the index of the search.
    command: |
      [ $HEADWAY_ATTEMPT = 1 ] && { echo "the catalogue answers 502" >&2; exit 75; }
      for product in $(seq 420); do
        echo "product $product is in the index"
        [ $((product % 60)) = 0 ] && echo "::progress $product/900 products"
      done
      exec sleep 3600
    delivery: at_least_once
    retries: 3
    resources: {cpu: 0.1, max_mem: 64MiB}
    expected: 10m
    grace: 1s
  charge:
    doc: Charges the card of a customer.
    command: |
      echo "charging a card"
      echo "payments.example answers 503: try again later" >&2
      exit 75
    delivery: at_least_once
    retries: 1
    resources: {cpu: 0.1, max_mem: 64MiB}
  newsletter:
    doc: Sends the newsletter.
    command: echo sent
    queue: mail
    parameters:
      type: object
      properties:
        subject: {type: string}
        readers: {enum: [all, customers, staff]}
        only_try: {type: boolean, default: false}
      required: [subject, readers]
    resources: {cpu: 0.1, max_mem: 64MiB}
  forecast:
    doc: Learns what will be sold.
    command: nvidia-smi
    resources: {cpu: 1, max_mem: 256MiB, gpus: 1}
queues: {default: {concurrency: 4}, mail: {concurrency: 2}}
schedules:
  nightly-export:
    job: receipt
    cron: "0 2 * * *"
    timezone: Europe/Berlin
    parameters: {order: 1001}
  hourly-index: {job: reindex, cron: "5 * * * *"}
  weekly-newsletter:
    job: newsletter
    cron: "0 9 * * 1"
    timezone: America/New_York
    parameters: {subject: New this week, readers: customers}
"""
POOL = """\
name: ci
dedicated: true
types: [{name: small, cpu: 4, memory: 8GiB, price_hour: 0.2}]
scaling: {nodes_max: 4, idle: 10m}
"""


def service(
    needs: str = "", *, env: str = "", grace: str = "60s", interval: str = "5s", extra: str = ""
) -> str:
    """Describe a part of the shop that answers requests."""
    return (
        "team: shop\n"
        f"run: {{type: process, command: '{f'{env} python3 server.py'.strip()}'}}\n"
        f"{SMALL}\n"
        f"dependencies: [{needs}]\n"
        "expose:\n"
        "- name: http\n"
        "  health_check:\n"
        f"    {{type: http, path: /healthz, grace: {grace}, interval: {interval}}}\n"
        f"{extra}"
    )


def written(own: Installation, app: str, manifest: str, subject: str) -> Path:
    """Write an app as a commit of its own git repository."""
    folder = own.app(app, subject, manifest, **{"server.py": SERVER})
    if not (folder / ".git").exists():
        _git(folder, "init", "--quiet", "--initial-branch", "main")
    _git(folder, "add", ".")
    _git(folder, "commit", "--quiet", "--message", subject)
    return folder


def _git(folder: Path, *words: str) -> None:
    who = ("-c", "user.name=shop", "-c", "user.email=shop@example.com")
    run(["git", "-C", str(folder), *who, *words], check=True, capture_output=True)
