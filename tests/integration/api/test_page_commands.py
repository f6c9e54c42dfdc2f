"""What the pages say does the same in a terminal."""

import html
import re

import httpx2
import pytest


def told(browser: httpx2.Client, path: str, **said: str) -> str:
    """The command that stands below a form that says this."""
    page = browser.get(path, params=said, headers={"accept": "text/html"})
    assert page.status_code == 200, page.text
    found = re.search(r"In a terminal: <code>([^<]*)</code>", page.text)
    return html.unescape(found[1]) if found else ""


_APP = "/envs/demo/apps/chat"
_LATER = "only the next release has it"


@pytest.mark.parametrize(
    ("path", "said", "command"),
    [
        ("/leases/acquire", {"name": "m", "length": "2h", "places": "3"}, "--places 3 --for 2h m"),
        ("/leases/acquire", {"kind": "node", "name": "n-1"}, "--node n-1 --for 1h"),
        (
            "/leases/acquire",
            {"kind": "capacity", "name": "p", "cpu": "4", "from": "2026-12-24T18:00Z"},
            "--pool p --cores 4 --from 2026-12-24T18:00:00+00:00 --for 1h",
        ),
        ("/leases/acquire", {"kind": "capacity", "cpu": "4", "from": "x"}, "--from x --for 1h"),
        ("/envs/demo/extend", {"length": "2d", "shorten": "yes"}, "-e demo --shorten 2d"),
        ("/envs/demo/stop", {"reason": "a try"}, "stop -e demo --all --reason 'a try'"),
        (
            f"{_APP}/deploy",
            {"strategy": "canary", "canary": "5", "turn": "have it give way"},
            "deploy -e demo -a chat --strategy canary --canary 5 --replace",
        ),
        (f"{_APP}/deploy", {"what": "again"}, "headway redeploy -e demo -a chat"),
        (f"{_APP}/deploy", {"what": "sha256-of-no-commit"}, ""),
        (
            f"{_APP}/config/set",
            {"key": "A", "more": "B=tulip", "secret": "yes", "when": _LATER},
            "config set -e demo -a chat --secret --no-deploy B A",
        ),
        (f"{_APP}/config/unset", {"key": "A", "when": _LATER}, "-a chat --no-deploy A"),
        ("/dead/empty", {"job": "chat/a", "run": "run-1"}, "dead -j chat/a --empty run-1"),
        ("/start", {"apps": "chat", "environment": "new", "lease": "2h"}, "-e new --lease 2h chat"),
    ],
)
def test_the_command_below_a_form_is_of_what_the_form_says(chat, client, path, said, command):
    found = told(client, path, **said)
    assert found.endswith(command)
    assert bool(found) == bool(command)
