"""Who may do what, by the real command."""

import contextlib
import http.client
import os
import pty
import re
import subprocess

from tests.e2e.installation import HEADWAY, Installation


def as_(headway: Installation, role: str, *words: str) -> Installation:
    """The same installation, as somebody sees it who has a token of this role."""
    secret = headway.ok("tokens", "create", f"e2e-{role}", "--role", role, *words).strip()
    other = Installation(headway.folder)
    other.data, other.port, other.http_port = headway.data, headway.port, headway.http_port
    url = f"http://127.0.0.1:{headway.port}"
    other.env = {**os.environ, "HEADWAY_URL": url, "HEADWAY_TOKEN": secret, "NO_COLOR": "1"}
    return other


def test_a_token_lets_its_owner_do_what_its_role_says(headway):
    mine = headway.app("till", manifest="team: shop\nrun: {command: exec sleep 600}\n")
    headway.ok("start", "-e", "till-env", cwd=mine)
    stranger = as_(headway, "developer", "--team", "pay")
    assert "till" in stranger.ok("ps", "-e", "till-env")
    refused = stranger.run("scale", "run=2", "-e", "till-env", "-a", "till")
    assert refused.status == 4
    assert "needs a developer of shop, or an operator" in refused.err
    refused = stranger.run("exec", "-e", "till-env", "till", "--", "true")
    assert refused.status == 4
    assert "needs a developer of shop, or an operator" in refused.err
    assert stranger.run("tokens", "create", "king", "--role", "operator").status == 4
    headway.ok("tokens", "revoke", "e2e-developer")
    refused = stranger.run("ps", "-e", "till-env")
    assert refused.status == 4
    assert "e2e-developer" not in headway.ok("tokens", "ls")
    headway.ok("envs", "destroy", "till-env", "--yes")


def test_who_owns_the_data_directory_gets_a_token_again(own):
    own.up()
    (row,) = own.json("tokens", "ls")
    own.ok("tokens", "revoke", row["id"])
    assert own.run("status").status == 4
    own.run("down", "--keep")
    own.up()
    own.ok("status")


def test_up_and_dashboard_give_a_link_that_signs_in_once(own):
    """Only to a terminal: what `up` says elsewhere is kept by a journal."""
    words = ["up", "-d", "--port", str(own.port), "--http-port", str(own.http_port)]
    said = typed(own, words)
    first = re.search(r"http://headway\.localhost:\d+(/sign-in\?link=\S+)", said)[1]
    assert "link=" not in own.run(*words).all
    own.run("down", "--keep")
    piped = own.ok(*words)
    assert f"http://headway.localhost:{own.port} (headway dashboard" in piped
    assert "link=" not in piped
    printed = own.ok("dashboard").strip()
    assert printed.startswith(f"http://headway.localhost:{own.port}/sign-in?link=")
    for path in (first, printed.partition(str(own.port))[2]):
        assert [enter(own, path) for _ in range(2)] == [303, 403]
    rows = own.json("sessions", "ls")
    assert len(rows) == 2
    own.ok("sessions", "end", rows[0]["id"])
    assert len(own.json("sessions", "ls")) == 1
    assert "link=" not in (own.data / "headway.log").read_text()


def enter(installation: Installation, path: str) -> int:
    """Follow a link as its page does."""
    connection = http.client.HTTPConnection("127.0.0.1", installation.port)
    origin = f"http://headway.localhost:{installation.port}"
    headers = {
        "Host": origin.removeprefix("http://"), "Origin": origin, "Sec-Fetch-Site": "same-origin",
        "Content-Type": "application/x-www-form-urlencoded",
    }  # fmt: skip
    connection.request("POST", "/sign-in", path.partition("?")[2], headers)
    status = connection.getresponse().status
    connection.close()
    return status


def typed(installation: Installation, words: list[str]) -> str:
    """Run a command in a terminal, and give what it showed."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [HEADWAY, *words], stdin=theirs, stdout=theirs, stderr=theirs, env=installation.env
    )
    os.close(theirs)
    said = b""
    with contextlib.suppress(OSError):  # the terminal is gone when nobody has it open
        while chunk := os.read(ours, 65536):
            said += chunk
    os.close(ours)
    assert process.wait(60) == 0, said
    return said.decode()
