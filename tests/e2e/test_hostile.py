"""Whatever is written into any field is shown, and rules neither the page nor the terminal."""

import http.client
import io
import json
import tarfile
from urllib.parse import quote, urlencode

import pytest

from headway.web.pages import PAGES
from tests.e2e.browser import address, visiting
from tests.e2e.hostile import HOSTILE, JOB, LINE, SCRIPTS, SERVER, SHORT, ruling, yaml
from tests.e2e.installation import Installation, wait_for

pytestmark = pytest.mark.timeout(300)
_PAGE_BYTES_MAX = 300_000
MANIFEST = f"""\
name: trap
team: {yaml(HOSTILE)}
shepherds: [{yaml(HOSTILE)}]
run: {{type: process, command: python3 server.py}}
env:
- COLOUR
expose:
- name: http
  health_check: {{type: http, path: /, grace: 10s}}
jobs:
  jinx: {{command: python3 job.py}}
  hex: {{command: python3 job.py; exit 3, doc: {yaml(HOSTILE)}}}
queues: {{default: {{concurrency: 2}}}}
schedules:
  nightly: {{job: jinx, cron: '0 3 * * *', parameters: {{x: {yaml(SCRIPTS)}}}}}
"""
BAD = MANIFEST.replace("python3 server.py", "BAD=1 python3 server.py").replace("10s", "2s")


class Api:
    """The API, for what no command would send."""

    def __init__(self, headway: Installation) -> None:
        self._port = headway.port
        self._token = (headway.data / "token").read_text().strip()

    def ask(self, method: str, path: str, body=None, **query):
        """Ask for something that must be done, and give the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        address = f"/v1/{path}" + (f"?{urlencode(query)}" if query else "")
        sent = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        connection.request(method, address, sent, headers)
        answer = connection.getresponse()
        said = answer.read()
        connection.close()
        assert answer.status == 200, (path, answer.status, said[:500])
        return json.loads(said)

    def send(self, manifest: str) -> str:
        """Send a source that says hostile things of itself."""
        packed = io.BytesIO()
        files = {"headway.yaml": manifest, "server.py": SERVER, "job.py": JOB}
        with tarfile.open(fileobj=packed, mode="w:gz") as tar:
            for name, text in files.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(text.encode())
                tar.addfile(entry, io.BytesIO(text.encode()))
        said = {"commit": HOSTILE, "subject": HOSTILE, "author": HOSTILE, "branch": HOSTILE}
        sent = self.ask("POST", "sources", packed.getvalue(), name="trap", **said)
        return str(sent["digest"])


@pytest.fixture(scope="module")
def trapped(headway):
    """Every field that takes a text has a hostile one; gives what the pages are called by."""
    api = Api(headway)
    api.send(MANIFEST)
    value = {"set": {"COLOUR": {"value": HOSTILE}, "LONG": {"value": LINE[:200_000]}}}
    start = {"apps": ["trap"], "reason": HOSTILE}
    headway.ok("config", "set", "-e", "trapped", "-a", "trap", "COLOUR=blue")
    api.ask("POST", "environments/trapped/start", start)
    member = "environments/trapped/apps/trap"
    wait_for(lambda: api.ask("GET", member)["state"] == "healthy", 60)
    api.ask("PATCH", f"{member}/config", {**value, "reason": HOSTILE})
    wait_for(lambda: api.ask("GET", member)["state"] == "healthy", 60)
    bad = api.send(BAD)
    api.ask("POST", f"{member}/deployments", {"source": bad, "reason": HOSTILE})
    wait_for(lambda: api.ask("GET", member)["deployment"]["ended_at"], 60)
    headway.ok("config", "set", "-e", "gone", "-a", "trap", "COLOUR=blue")
    api.ask("POST", "environments/gone/start", start)
    api.ask("DELETE", "environments/gone", reason=HOSTILE)
    wait_for(lambda: api.ask("GET", "lives/gone")["life"]["state"] == "ended", 60)
    life = api.ask("GET", "lives/gone")["life"]["id"]
    run = {"parameters": {"x": HOSTILE, "long": LINE[:200_000]}, "tags": {"note": SHORT}}
    for job in ("jinx", "hex"):
        asked = {"environment": "trapped", "app": "trap", **run}
        (made,) = api.ask("POST", f"jobs/{job}/runs", asked)["ids"]
        wait_for(lambda made=made: api.ask("GET", f"runs/{made}")["run"].get("ended_at"), 60)
    api.ask("PUT", f"{member}/queues/default/hold", {"paused": True, "reason": HOSTILE})
    lock = api.ask("POST", "leases", {"name": "trap", "reason": HOSTILE})["lease"]["id"]
    node = api.ask("GET", "nodes")["items"][0]["node"]["id"]
    api.ask("POST", f"nodes/{node}/cordon", {"reason": HOSTILE})
    teams = [SHORT]
    token = api.ask("POST", "tokens", {"name": "trapper", "role": "developer", "teams": teams})
    deployment = api.ask("GET", member)["deployment"]["id"]
    container = api.ask("GET", "environments/trapped/containers")[0]["id"]
    yield {
        "environment": "trapped", "app": "trap", "deployment": deployment, "run": made,
        "job": "hex", "node": node, "lease": lock, "container": container, "queue": "default",
        "pool": "default", "number": "2", "name": "gone", "life": life.partition("~")[2],
        "schedule": "nightly",
    }  # fmt: skip
    api.ask("DELETE", f"tokens/{token['token']['id']}")
    api.ask("POST", f"nodes/{node}/uncordon")
    api.ask("POST", f"leases/{lock}/release")
    headway.ok("envs", "destroy", "trapped", "--yes")


_FOUND = """() => {
  const ruling = /[\\0-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u202a-\\u202e\\u2066-\\u2069]/;
  const found = [];
  const walk = document.createTreeWalker(document, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    if (node.nodeType === Node.TEXT_NODE) {
      if (ruling.test(node.data)) found.push("text: " + JSON.stringify(node.data.slice(0, 300)));
      continue;
    }
    for (const { name, value } of node.attributes) {
      if (ruling.test(value)) found.push(`${node.tagName} ${name}: ` + JSON.stringify(value));
      if (name.startsWith("on")) found.push(`${node.tagName} has ${name}`);
      if (/^\\s*javascript:/i.test(value)) found.push(`${node.tagName} ${name} is a script`);
    }
    if (node.tagName === "SCRIPT" && !node.src) found.push("a script in the page");
    if (node.tagName === "BASE") found.push("a base");
    if (node.tagName === "IMG" && !node.src.startsWith(location.origin)) found.push("an image");
  }
  return found;
}"""


def test_every_page_shows_it_and_obeys_nothing(chromium, headway, trapped):
    found: list[str] = []
    with visiting(chromium, headway) as opened:
        for page in PAGES:
            path = address(page.path, trapped)
            answer = opened.page.goto(opened.root + path)
            size = len(answer.body())
            if answer.status != 200 or size > _PAGE_BYTES_MAX:
                found.append(f"{path}: {answer.status}, {size} bytes")
            found += [f"{path}: {what}" for what in opened.page.evaluate(_FOUND)]
            if opened.overflow() > 0:
                found.append(f"{path}: is {opened.overflow()} px wider than the window")
            found += [f"{path}: {what}" for what in opened.wrong]
            opened.wrong.clear()
    assert not found, "\n".join(found)


def test_an_address_may_say_anything(chromium, headway):
    with visiting(chromium, headway) as opened:
        for path in (
            f"/{quote(SCRIPTS, safe='')}",
            f"/envs/{quote(HOSTILE, safe='')}",
            f"/apps/{quote(HOSTILE, safe='')}",
            f"/sign-in?{urlencode({'link': HOSTILE, 'next': HOSTILE})}",
            f"/jump?{urlencode({'q': HOSTILE})}",
            f"/why?{urlencode({'thing': HOSTILE})}",
            f"/events?{urlencode({'app': HOSTILE, 'environment': HOSTILE})}",
        ):
            answer = opened.page.goto(opened.root + path)
            assert answer.status < 500, path
            assert not opened.page.evaluate(_FOUND), path
            told = [what for what in opened.wrong if "Failed to load resource" not in what]
            assert not told, path
            opened.wrong.clear()


COMMANDS = (
    ("status",),
    ("envs", "ls"),
    ("envs", "show", "trapped"),
    ("apps", "ls"),
    ("apps", "show", "trap"),
    ("ps", "-e", "trapped"),
    ("history", "-e", "trapped", "-a", "trap"),
    ("config", "get", "-e", "trapped", "-a", "trap"),
    ("config", "history", "-e", "trapped", "-a", "trap"),
    ("logs", "-e", "trapped", "--tail", "50"),
    ("jobs", "ls", "-e", "trapped"),
    ("jobs", "show", "hex", "-e", "trapped"),
    ("runs", "ls", "-e", "trapped"),
    ("runs", "show", "{run}"),
    ("runs", "logs", "{run}"),
    ("queues", "ls", "-e", "trapped"),
    ("schedules", "ls", "-e", "trapped"),
    ("leases", "ls"),
    ("leases", "show", "{lease}"),
    ("nodes", "ls"),
    ("nodes", "show", "{node}"),
    ("tokens", "ls"),
    ("sessions", "ls"),
    ("events", "--limit", "200"),
    ("why", "trap", "-e", "trapped"),
    ("why", "{run}"),
    ("why", "{node}"),
    ("why", "{deployment}"),
    ("routes",),
    ("plan", "-e", "trapped"),
)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_terminal_obeys_nothing_of_it(headway, trapped, words):
    done = headway.run(*(word.format(**trapped) for word in words))
    assert done.status in (0, 1), done.all[:500]
    assert "Traceback" not in done.err
    assert not ruling(done.all)


def test_a_refusal_rules_no_terminal_either(headway, trapped):
    """It says whose app it is."""
    wish = {"name": "snared", "role": "developer", "teams": [SHORT]}
    secret = Api(headway).ask("POST", "tokens", wish)["secret"]
    other = Installation(headway.folder)
    url = f"http://127.0.0.1:{headway.port}"
    other.env = {**headway.env, "HEADWAY_URL": url, "HEADWAY_TOKEN": secret}
    refused = other.run("redeploy", "-e", "trapped", "-a", "trap")
    headway.ok("tokens", "revoke", "snared")
    assert refused.status == 4
    assert "trap belongs to the team <script>" in refused.err
    assert not ruling(refused.all)
