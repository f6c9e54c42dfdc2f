"""`headway leases with` against a headway that does not give the lock."""

import pytest

from headway.cli.errors import FAILED, REFUSED
from headway.cli.holding import hold
from headway.sdk import Client
from tests.unit.sdk.small_server import small_server

WAITING = {"lease": {"state": "waiting", "because": "the lock migration is held by ana"}}


@pytest.mark.parametrize("wait_s", [None, 0.0, 5.0])
def test_a_fault_of_headway_is_no_rule(wait_s, capfd):
    with small_server() as server, Client(server.url, "hw_x") as client:
        server.answer = lambda asked: asked.json({"detail": "it has a mistake"}, 500)
        assert hold(client, "migration", ["true"], length_s=30, wait_s=wait_s) == FAILED
    assert "migration is not held: it has a mistake" in capfd.readouterr().err


def test_a_lock_that_others_hold_for_too_long_is_refused_by_a_rule(capfd):
    with small_server() as server, Client(server.url, "hw_x") as client:
        server.answer = lambda asked: asked.json(WAITING)
        assert hold(client, "migration", ["true"], length_s=30, wait_s=0.01) == REFUSED
    assert "waited 0.01 s: the lock migration is held by ana" in capfd.readouterr().err
