"""Who may do what: every route is walked, so none can be forgotten."""

import itertools
import re
from contextlib import contextmanager

import httpx2
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from headway.api.permission import DEEDS
from tests.integration.api.control_plane import archive, wait_for

NAMES = {"environment": "demo", "app": "chat"}
_numbers = itertools.count()


@pytest.fixture(scope="module")
def shop(plane) -> str:
    """A container of an app of the team `shop`, in an environment of its own."""
    with plane.client() as operator:
        assert send(operator, "till", "shop").is_success
        assert operator.post("/v1/environments/mall/start", json={"apps": ["till"]}).is_success
        where = "/v1/environments/mall/apps/till"
        wait_for(lambda: operator.get(where).json()["state"] == "healthy")
        (row,) = operator.get("/v1/environments/mall/containers").json()
        return str(row["id"])


def send(client, app: str, team: str | None, **query) -> httpx2.Response:
    owned = f"team: {team}\n" if team else ""
    text = f"name: {app}\n{owned}run: {{type: process, command: exec sleep 600}}\n"
    text += "jobs:\n  tidy: {command: 'true'}\n"
    return client.post("/v1/sources", params=query, content=archive(headway__yaml=text))


@contextmanager
def token(plane, role: str, *teams: str, **more):
    """A client of a new token."""
    with plane.client() as operator:
        wish = {"name": f"{role}-{next(_numbers)}", "role": role, "teams": teams, **more}
        made = operator.post("/v1/tokens", json=wish)
        assert made.status_code == 200, made.text
    headers = {"authorization": f"Bearer {made.json()['secret']}"}
    with plane.anyone(headers=headers) as opened:
        opened.made = made.json()
        yield opened


def operations(client) -> list[tuple[str, str]]:
    document = client.get("/openapi.json").json()
    return [
        (method.upper(), path) for path, methods in document["paths"].items() for method in methods
    ]


OWN = {("POST", "/v1/links"), ("DELETE", "/v1/sessions/{session}")}
"""What anybody may do, for it is about themselves."""


def changing(client) -> list[tuple[str, str]]:
    found = [(method, path) for method, path in operations(client) if method != "GET"]
    assert set(found) >= OWN
    return [row for row in found if row not in OWN]


def filled(path: str, **names: str) -> str:
    return re.sub(r"\{(\w+)\}", lambda match: names.get(match[1], match[1]), path)


def test_every_operation_that_changes_something_says_what_it_is_done_to(client):
    said = {(method, re.sub(r":path\}", "}", path)) for method, path in DEEDS}
    said -= OWN
    said.remove(("WEBSOCKET", "/v1/containers/{container}/exec"))
    assert said == set(changing(client))


def test_a_viewer_sees_and_changes_nothing(plane, client, chat):
    with token(plane, "viewer") as viewer:
        assert viewer.get("/v1/environments/demo").status_code == 200
        for method, path in changing(client):
            answer = viewer.request(method, filled(path, **NAMES), json={})
            said = answer.json()
            assert (answer.status_code, said["code"]) == (403, "not-allowed"), path
            assert "developer" in said["hint"] or "operator" in said["hint"]
        assert refused_exec(plane, viewer, chat) == 4403
    assert client.get("/v1/environments/demo/apps/chat").json()["state"] == "healthy"


def refused_exec(plane, opened, container: str) -> int:
    address = f"{plane.url.replace('http', 'ws')}/v1/containers/{container}/exec?argv=true"
    headers = {"authorization": opened.headers["authorization"]}
    with connect(address, additional_headers=headers, proxy=None) as socket:
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(10)
        assert "operator" in closed.value.rcvd.reason
        return closed.value.rcvd.code


BODIES = {
    "/v1/environments/{environment}/start": {"apps": ["web"]},
    "/v1/environments/{environment}/copy": {"to": "other"},
    "/v1/leases": {"kind": "node", "name": "any"},
    "/v1/runs/dead/replay": {"app": "till"},
    "/v1/runs/dead/empty": {"app": "till"},
    "/v1/jobs/{job}/runs": {"environment": "mall", "app": "till"},
}


def test_a_developer_of_another_team_is_refused_everything(plane, client, shop, chat):
    """Of what is named in the path, all is there; so what refuses is who asks."""
    deployment = client.get("/v1/environments/mall/apps/till").json()["deployment"]["id"]
    body = {"environment": "mall", "app": "till", "runs": [{"parameters": {}}] * 2}
    made = client.post("/v1/jobs/tidy/runs", json=body)
    assert made.status_code == 200, made.text
    claimed = client.post("/v1/leases", json={"name": "migration"}).json()
    names = {
        "environment": "mall", "app": "till", "container": shop, "deployment": deployment,
        "run": made.json()["ids"][0], "lease": claimed["lease"]["id"], "job": "tidy",
    }  # fmt: skip
    with token(plane, "developer", "pay") as stranger:
        for method, path in changing(client):
            if path == "/v1/sources" or "{schedule}" in path:
                continue
            answer = stranger.request(
                method, filled(path, **names), json=BODIES.get(path) or {"apps": ["till"]}
            )
            if path == "/v1/environments/{environment}/start":
                assert answer.status_code == 422, "an app that nobody knows"
                continue
            if path.endswith("/deployments"):
                answer = stranger.request(method, filled(path, **names), json={})
            assert (answer.status_code, answer.json()["code"]) == (403, "not-allowed"), (
                path,
                answer.text,
            )
        assert refused_exec(plane, stranger, shop) == 4403
        assert send(stranger, "till", "pay").status_code == 403
        assert send(stranger, "till", "shop").status_code == 403
        assert send(stranger, "chat", "pay").status_code == 403, "it belongs to no team"
    assert client.get("/v1/environments/mall/apps/till").json()["state"] == "healthy"
    assert client.get("/v1/apps/till").json()["team"] == "shop"


def test_a_developer_acts_on_the_apps_of_its_team(plane, client, shop, chat):
    with token(plane, "developer", "shop") as mine:
        where = "/v1/environments/mall/apps/till"
        assert mine.patch(f"{where}/config", json={"set": {"A": {"value": "1"}}}).is_success
        assert mine.post(f"{where}/deployments", json={"kind": "redeploy"}).is_success
        assert mine.post("/v1/jobs/tidy/runs", json={"environment": "mall"}).is_success
        assert mine.post("/v1/environments/mall/lease", json={"length_s": 90000}).is_success
        assert send(mine, "shelf", "shop").is_success
        started = mine.post("/v1/environments/nook/start", json={"apps": ["shelf"]})
        assert started.status_code == 200, started.text
        assert mine.request("DELETE", "/v1/environments/nook").is_success
        assert mine.request("DELETE", "/v1/environments/demo").status_code == 403
        lock = mine.post("/v1/leases", json={"name": "mine"}).json()["lease"]["id"]
        assert mine.post(f"/v1/leases/{lease_path(lock)}/release", json={}).is_success
        actors = {event["actor"] for event in client.get("/v1/events?subject=shelf").json()}
        assert actors == {mine.made["token"]["name"]}


def lease_path(identity: str) -> str:
    return identity.replace("/", "%2F")


def test_whose_an_environment_is_says_what_may_be_started_in_it(plane, client):
    """In one's own, whatever an app needs; in another's, only beside what runs there."""
    send(client, "base", "other")
    text = (
        "name: face\nteam: shop\nrun: {type: process, command: exec sleep 600}\n"
        "dependencies: [base]\n"
    )
    with token(plane, "developer", "shop") as mine:
        sent = mine.post("/v1/sources", content=archive(headway__yaml=text))
        assert sent.is_success, sent.text
        for theirs, apps in (("production", ["face"]), ("both", ["base", "face"])):
            if theirs != "production":
                assert send(client, "other-app", "other").is_success
                begun = client.post(
                    f"/v1/environments/{theirs}/start", json={"apps": ["other-app"]}
                )
                assert begun.is_success, begun.text
            refused = mine.post(f"/v1/environments/{theirs}/start", json={"apps": apps})
            assert refused.status_code == 403
            assert "base belongs to the team other" in refused.json()["hint"]
        assert client.post("/v1/environments/both/start", json={"apps": ["base"]}).is_success
        started = mine.post("/v1/environments/both/start", json={"apps": ["face"]})
        assert started.status_code == 200, started.text
        assert mine.request("DELETE", "/v1/environments/both").status_code == 403

        own = mine.post("/v1/environments/own/start", json={"apps": ["face"]})
        assert own.status_code == 200, own.text
        assert {row["app"] for row in own.json()["deployments"]} == {"base", "face"}
        stranger = "/v1/environments/own/apps/base/config"
        assert mine.patch(stranger, json={"set": {"A": {"value": "1"}}}).status_code == 403
        copied = mine.post("/v1/environments/own/copy", json={"to": "production"})
        assert copied.status_code == 403
        assert mine.request("DELETE", "/v1/environments/own").is_success
    assert client.request("DELETE", "/v1/environments/both").is_success


def test_a_source_cannot_take_an_app_from_its_team_when_it_is_named(plane, shop):
    """A source that is only kept changes no app; to use it is what is asked about."""
    with token(plane, "developer", "pay") as stranger, token(plane, "developer", "shop") as mine:
        kept = send(stranger, "till", "pay", newest=False)
        assert kept.is_success
        digest = kept.json()["digest"]
        for opened in (stranger, mine):
            begun = opened.post(
                "/v1/environments/mall/start", json={"apps": ["till"], "sources": [digest]}
            )
            assert begun.status_code == 403, begun.text
            deployed = opened.post(
                "/v1/environments/mall/apps/till/deployments", json={"source": digest}
            )
            assert deployed.status_code == 403, deployed.text


def test_a_request_that_cannot_be_read_is_refused_as_such(plane, shop):
    with token(plane, "developer", "shop") as mine:
        for body in (b"{", b'{"apps": 1}', b"[" * 100_000):
            answer = mine.post("/v1/environments/mall/start", content=body)
            assert (answer.status_code, answer.json()["code"]) == (422, "request-invalid")


def test_a_revoked_token_and_one_that_has_expired_are_good_for_nothing_at_once(plane, client):
    with token(plane, "viewer") as viewer, token(plane, "viewer", length_s=0.3) as brief:
        assert viewer.get("/v1/apps").status_code == 200  # so it is remembered
        named = viewer.made["token"]["name"]
        assert client.request("DELETE", f"/v1/tokens/{named}").status_code == 200
        assert viewer.get("/v1/apps").status_code == 401
        wait_for(lambda: brief.get("/v1/apps").status_code == 401)
    assert client.request("DELETE", f"/v1/tokens/{named}").status_code == 404


def test_tokens_are_listed_without_their_secrets(plane, client):
    with token(plane, "developer", "shop", "pay", length_s=3600) as mine:
        mine.get("/v1/apps")
        shown = client.get("/v1/tokens")
        row = next(row for row in shown.json() if row["id"] == mine.made["token"]["id"])
        assert row["used_at"] is not None
        assert (row["role"], row["teams"]) == ("developer", ["shop", "pay"])
        assert "hash" not in row
        assert mine.made["secret"] not in shown.text


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({"name": "headway", "role": "viewer"}, "token-name"),
        ({"name": "demo's containers", "role": "viewer"}, "token-name"),
        ({"name": "a\nb", "role": "viewer"}, "token-name"),
        ({"name": "ana", "role": "developer"}, "token-teams"),
        ({"name": "ana", "role": "viewer", "teams": ["shop"]}, "token-teams"),
        ({"name": "ana", "role": "king"}, "request-invalid"),
    ],
)
def test_what_can_be_no_token_is_refused(client, wish, code):
    answer = client.post("/v1/tokens", json=wish)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


def test_two_tokens_cannot_have_one_name(plane, client):
    with token(plane, "viewer") as viewer:
        wish = {"name": viewer.made["token"]["name"], "role": "operator"}
        answer = client.post("/v1/tokens", json=wish)
        assert (answer.status_code, answer.json()["code"]) == (409, "token-exists")


def test_the_secret_of_a_token_is_not_kept_for_who_asks_again(plane, client):
    """Answers to an Idempotency-Key are kept in the store, so this one must not be."""
    wish = {"name": "keyed", "role": "viewer"}
    made = client.post("/v1/tokens", json=wish, headers={"idempotency-key": "k"})
    secret = made.json()["secret"].encode()
    for path in plane.data.glob("headway.db*"):
        assert secret not in path.read_bytes()
