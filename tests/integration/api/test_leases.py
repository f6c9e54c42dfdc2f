"""Leases over HTTP, and locks as programs hold them."""

import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

from headway.control.tokens import of_environment
from headway.sdk import Client, LockError, LockLost, SdkError
from headway.sdk.ask import Asked, AskError, ask
from headway.stores.vault import FileVault
from tests.integration.api.control_plane import wait_for


@pytest.fixture
def sdk(plane):
    with Client(plane.url, plane.token) as opened:
        yield opened


def test_a_lease_is_asked_for_shown_renewed_and_released(client):
    made = client.post("/v1/leases", json={"name": "api-one", "length_s": 60, "reason": "why not"})
    assert made.status_code == 200, made.text
    lease = made.json()["lease"]
    assert (lease["state"], lease["claim"]["kind"], lease["reason"]) == ("held", "lock", "why not")
    shown = client.get(f"/v1/leases/{lease['id']}").json()
    assert shown["lease"]["fence"] == lease["fence"] > 0
    renewed = client.post(f"/v1/leases/{lease['id']}/renew", json={"length_s": 120}).json()
    assert renewed["lease"]["until"] > lease["until"]
    assert client.get("/v1/leases", params={"name": "api-one"}).json()[0]["lease"]["renewals"] == 1
    for _ in range(2):
        released = client.post(f"/v1/leases/{lease['id']}/release", json={}).json()
        assert released["lease"]["state"] == "ended"
    assert client.get("/v1/leases", params={"name": "api-one"}).json() == []
    refused = client.post(f"/v1/leases/{lease['id']}/renew", json={})
    assert (refused.status_code, refused.json()["code"]) == (409, "lease-over")
    told = client.get("/v1/why", params={"thing": lease["id"]}).json()
    assert told["state"] == "ended"
    assert [one["event"]["kind"] for one in told["happened"]] == [
        "lease.asked",
        "lease.held",
        "lease.extended",
        "lease.ended",
    ]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"name": "x", "length_s": -1}, 422),
        ({"name": "x", "places": 0}, 422),
        ({"name": "x", "kind": "moon"}, 422),
        ({"name": "x", "from_at": "2026-11-21T09:00:00"}, 422),
        ({"name": "../x"}, 422),
        ({"name": "x", "id": "mine"}, 422),
        ({"name": "demo", "kind": "environment"}, 422),
        ({"name": "default", "kind": "capacity"}, 422),
        ({"name": "default", "kind": "capacity", "cpu": 1e5}, 409),
        ({"name": "nowhere", "kind": "capacity", "cpu": 1}, 404),
        ({"name": "nowhere", "kind": "node"}, 404),
    ],
)
def test_what_cannot_be_is_refused_with_a_reason(client, body, status):
    answer = client.post("/v1/leases", json=body)
    assert answer.status_code == status, answer.text
    assert answer.json()["detail"]


def test_the_same_key_claims_once(client):
    headers = {"idempotency-key": "claims-once"}
    body = {"name": "api-keyed"}
    first = client.post("/v1/leases", json=body, headers=headers).json()
    assert client.post("/v1/leases", json=body, headers=headers).json() == first
    assert client.post(f"/v1/leases/{first['lease']['id']}/release", json={}).status_code == 200


def test_one_at_a_time_is_in_the_block_of_a_lock_and_fences_rise(plane, sdk):
    inside, fences = [], []

    def work() -> None:
        with Client(plane.url, plane.token) as own, own.lock("api-turns") as held:
            inside.append(held.id)
            assert inside == [held.id]
            fences.append(held.fence)
            held.check()
            inside.remove(held.id)

    threads = [threading.Thread(target=work) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(fences) == 5
    assert fences == sorted(set(fences))
    assert sdk.leases.all("api-turns") == []


def test_a_lock_that_is_not_free_in_time_is_not_entered_and_leaves_no_one_in_line(sdk):
    with sdk.lock("api-busy"):
        with pytest.raises(LockError, match="held by"), sdk.lock("api-busy", wait_s=0):
            raise AssertionError("it was entered")
        with pytest.raises(LockError, match=r"waited 0\.1 s"), sdk.lock("api-busy", wait_s=0.1):
            raise AssertionError("it was entered")
        assert len(sdk.leases.all("api-busy")) == 1


def test_a_lock_is_renewed_for_as_long_as_its_block_runs(sdk):
    lock = sdk.lock("api-kept")
    lock.renew_s = 0.1
    with lock as held:
        wait_for(lambda: sdk.leases.get(held.id).lease.renewals >= 2, within_s=20)
        held.check()


def test_a_lock_that_was_taken_away_is_told_to_its_block(sdk):
    told: list[str] = []
    lock = sdk.lock("api-lost", on_lost=told.append)
    lock.renew_s = 0.1

    def work() -> None:
        with lock as held:
            sdk.leases.release(held.id)
            wait_for(lambda: told)
            with pytest.raises(LockLost):
                held.check()

    with pytest.raises(LockLost, match="is over: released by"):
        work()


def test_an_error_of_the_block_is_not_hidden_and_the_lock_is_free_again(sdk):
    with suppress(ZeroDivisionError), sdk.lock("api-error"):
        raise ZeroDivisionError
    assert sdk.leases.all("api-error") == []


@pytest.mark.usefixtures("chat")
def test_a_container_claims_locks_only_and_touches_its_own_leases_only(plane, sdk):
    token = container_token(plane)
    asked = Asked(plane.url, token)
    lease = ask(asked, "/v1/leases", {"name": "api-container", "length_s": 60})["lease"]
    assert lease["holder"] == "demo's containers"
    assert ask(asked, f"/v1/leases/{lease['id']}/release", {})["lease"]["state"] == "ended"
    with pytest.raises(AskError, match="locks only"):
        ask(asked, "/v1/leases", {"name": "here", "kind": "node"})
    with sdk.lock("api-mine") as held, pytest.raises(AskError, match="not held by") as refused:
        ask(asked, f"/v1/leases/{held.id}/release", {})
    assert refused.value.status == 403
    with Client(plane.url, token) as inside, sdk.lock("api-mine") as held:
        with pytest.raises(SdkError, match="not held by"):
            inside.leases.get(held.id)
        assert inside.leases.get(lease["id"]).lease.holder == "demo's containers"


def container_token(plane) -> str:
    with plane.client() as client:
        environment = client.get("/v1/environments/demo").json()["id"]
    return of_environment(FileVault.open_file(plane.data / "key"), environment)


@pytest.mark.usefixtures("chat")
def test_what_runs_under_a_lease_must_be_of_a_lease_that_is_held_and_ones_own(client):
    lock = client.post("/v1/leases", json={"name": "api-under"}).json()["lease"]["id"]
    booked = client.post(
        "/v1/leases",
        json={
            "name": "default",
            "kind": "capacity",
            "cpu": 0.1,
            "length_s": 60,
            "from_at": (datetime.now(UTC) + timedelta(hours=3)).isoformat(),
        },
    )
    assert booked.status_code == 200, booked.text
    row = booked.json()["lease"]
    assert (row["state"], row["fence"]) == ("booked", 0)
    for lease, code in ((lock, "lease-of-lock"), (row["id"], "lease-not-held")):
        refused = start_under(client, lease)
        assert (refused.status_code, refused.json()["code"]) == (409, code)
    assert start_under(client, "lse-000000").status_code == 404
    for lease in (lock, row["id"]):
        assert client.post(f"/v1/leases/{lease}/release", json={}).status_code == 200


@pytest.mark.usefixtures("chat")
def test_an_environment_under_a_lease_lasts_as_long_as_that_and_not_by_itself(client):
    wish = {"name": "default", "kind": "capacity", "cpu": 0.2, "length_s": 600}
    lease = client.post("/v1/leases", json=wish).json()["lease"]
    begun = start_under(client, lease["id"])
    assert begun.status_code == 200, begun.text
    shown = client.get("/v1/environments/under").json()
    assert (shown["under"], shown["lease"]["until"]) == (lease["id"], lease["until"])
    refused = client.post("/v1/environments/under/lease", json={"length_s": 60})
    assert refused.json()["code"] == "environment-under-lease"
    renewed = client.post(f"/v1/leases/{lease['id']}/renew", json={"length_s": 900}).json()
    shown = client.get("/v1/environments/under").json()
    assert shown["lease"]["until"] == renewed["lease"]["until"] > lease["until"]
    refused = start_under(client, lease["id"], "demo")
    assert refused.json()["code"] == "environment-not-under-lease"
    client.post(f"/v1/leases/{lease['id']}/release", json={})
    wait_for(lambda: client.get("/v1/environments/under").status_code == 404, within_s=60)
    assert client.get("/v1/environments/demo").json()["state"] == "active"


def start_under(client, lease: str, environment: str = "under"):
    body = {"apps": ["chat"], "under": lease}
    return client.post(f"/v1/environments/{environment}/start", json=body)


def test_a_lock_is_explained_by_its_name_while_somebody_has_it(client):
    asked = {"name": "api-why", "length_s": 60}
    lease = client.post("/v1/leases", json=asked).json()["lease"]
    told = client.get("/v1/why", params={"thing": "api-why"}).json()
    assert told["state"] == "held"
    assert "the lock api-why is held by" in told["because"]
    assert told["because"].endswith("; 0 wait for it")
    client.post(f"/v1/leases/{lease['id']}/release", json={})
    assert client.get("/v1/why", params={"thing": "api-why"}).status_code == 404
