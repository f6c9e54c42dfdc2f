"""What refusals name as the next command leads, in a browser, to the page that does the same."""

import re
from pathlib import Path

import pytest

import headway
from headway.web.pages import ACTS, PAGES
from headway.web.ways import ELSEWHERE, WAYS, way

_ROOMS = ("api", "builders", "calculate", "control")
_NEXT = re.compile(r"next=\((.*?)\),?\n", re.DOTALL)
_COMMAND = re.compile(r"\"headway ([^\"]*)\"")
_ADDRESSES = [
    re.compile(re.sub(r"\\{\w+(:path)?\\}", "[^/?]+", re.escape(offer.path)) + r"(\?.*)?")
    for offer in (*PAGES, *ACTS)
]


def named() -> set[str]:
    """Read the commands off the code that names them, with something for what it fills in."""
    root = Path(headway.__file__).parent
    return {
        re.sub(r"\{[^}]*\}", "x", command)
        for room in _ROOMS
        for file in (root / room).rglob("*.py")
        for nexts in _NEXT.findall(file.read_text())
        for command in _COMMAND.findall(nexts)
        if not command.startswith("{")
    }


@pytest.mark.parametrize("command", sorted(named()))
def test_a_command_that_a_refusal_names_has_a_page_or_is_known_to_have_none(command):
    words = command.split()
    known = {" ".join(words[:2]), words[0]}
    assert known & (WAYS.keys() | ELSEWHERE)


@pytest.mark.parametrize("verb", WAYS)
def test_each_way_leads_to_a_page_that_there_is_and_says_which(verb):
    for said in ("-e demo -a web it", "-e demo web/it", "-e demo"):
        found = way(f"headway {verb} {said}")
        if found is not None:
            assert any(address.fullmatch(found.url) for address in _ADDRESSES), found
            assert "headway" not in found.text
            assert found.text == found.text.strip() != ""
    assert any(way(f"headway {verb} {said}") for said in ("-e demo -a web it", "-e demo web/it"))


@pytest.mark.parametrize(
    ("command", "url", "text"),
    [
        ("stop -e demo web", "/envs/demo/stop?app=web", "Stop web"),
        ("start -e NAME APP", "/start", "Start"),
        (
            "logs -e demo web-web-1-0123456789",
            "/envs/demo/logs?container=web-web-1-0123456789",
            "Logs web-web-1-0123456789",
        ),
        ("logs -e demo api-router", "/envs/demo/logs?app=api-router", "Logs api-router"),
        (
            "queues resume -e demo shop/mail",
            "/queues/demo/shop/mail/resume",
            "Resume the queue shop/mail",
        ),
        ("ps -e demo", "/envs/demo", "What runs in demo"),
        ("ps", "/envs", "What runs"),
    ],
)
def test_what_a_command_names_is_named_by_the_link(command, url, text):
    assert way(f"headway {command}") == (url, text)


@pytest.mark.parametrize("command", ["deploy DIRECTORY -e demo -a APP", "envs show NAME", "init"])
def test_what_nobody_has_filled_in_leads_nowhere(command):
    assert way(f"headway {command}") is None
