"""Who may do what, by the real command."""

import os

from tests.e2e.installation import Installation


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
