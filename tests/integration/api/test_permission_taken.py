"""A right that is taken while a request is on its way is asked about by what does the deed."""

import asyncio
import itertools
import json
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import msgspec
import pytest

from headway.api import permission
from headway.control import permits
from headway.model.app import App
from headway.model.environment import Environment, EnvironmentState
from headway.model.session import Session
from headway.model.token import Token
from headway.serve import composition
from headway.stores.sqlite import SqliteStore
from tests.integration.api.control_plane import (
    ControlPlane,
    archive,
    connected,
    read_answer,
    wait_for,
)
from tests.integration.api.test_signing_in import proof as csrf_of
from tests.integration.api.test_signing_in import signed_in

pytestmark = pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")

TILL = """\
name: till
team: shop
run: {type: process, command: exec sleep 600}
jobs:
  tidy: {command: 'true'}
  waits: {command: 'true'}
schedules:
  nightly: {job: tidy, cron: '0 3 * * *'}
"""


NUMBERS = itertools.count()


def is_of_a_request() -> bool:
    permit = permits._PERMIT.get()
    return permit is not None and permit.task is asyncio.current_task()


class Taking(SqliteStore):
    """A store that does something of others' just before the next deed."""

    taken: Callable | None = None
    opened: "Taking"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        Taking.opened = self

    async def write(self, deed):
        if Taking.taken is not None and is_of_a_request():
            taken, Taking.taken = Taking.taken, None
            await super().write(taken)
        return await super().write(deed)


@pytest.fixture(scope="module")
def mall(tmp_path_factory) -> Iterator[ControlPlane]:
    """A control plane on such a store, with an environment of an app of the team `shop`."""
    folder = tmp_path_factory.mktemp("mall")
    folder.chmod(0o755)
    running = ControlPlane(folder / "data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(composition, "SqliteStore", Taking)
        running.start()
        with running.client() as operator:
            sent = operator.post("/v1/sources", content=archive(headway__yaml=TILL))
            assert sent.is_success, sent.text
            begun = operator.post("/v1/environments/mall/start", json={"apps": ["till"]})
            assert begun.is_success, begun.text
            where = "/v1/environments/mall/apps/till"
            wait_for(lambda: operator.get(where).json()["state"] == "healthy")
        yield running
        running.clear()


def made(plane: ControlPlane, role: str = "developer", **more) -> dict:
    wish = {"name": f"{role}-{next(NUMBERS)}", "role": role, **more}
    with plane.client() as operator:
        answer = operator.post(
            "/v1/tokens", json=wish | ({"teams": ["shop"]} if role == "developer" else {})
        )
        assert answer.is_success, answer.text
        return answer.json()


def somebody(plane: ControlPlane, role: str = "developer") -> tuple[httpx2.Client, str]:
    token = made(plane, role)
    client = plane.anyone(headers={"authorization": f"Bearer {token['secret']}"})
    return client, token["token"]["id"]


def given_to(team: str) -> Callable:
    def deed(tx) -> None:
        app = tx.get(App, "till")
        tx.put(msgspec.structs.replace(app, team=team))

    return deed


def revoked(token: str) -> Callable:
    return lambda tx: tx.delete(Token, token)


BODIES = {
    "/v1/environments/{environment}/apps/{app}/config": {"set": {"A": {"value": "1"}}},
    "/v1/environments/{environment}/apps/{app}/one-offs": {"command": "true"},
    "/v1/environments/{environment}/apps/{app}/deployments": {"kind": "redeploy"},
    "/v1/environments/{environment}/apps/{app}/queues/{queue}/hold": {"paused": True},
    "/v1/environments/{environment}/stop": {"apps": ["till"]},
    "/v1/environments/{environment}/lease": {"length_s": 90000},
    "/v1/environments/{environment}/copy": {"to": "other"},
    "/v1/jobs/{job}/runs": {"environment": "mall", "app": "till"},
    "/v1/runs/dead/replay": {"app": "till"},
    "/v1/runs/dead/empty": {"app": "till"},
    "/v1/leases": {"name": "another"},
}
OF_NO_APP = {permission._operator, permission._own, permission._claim, permission._lease}
"""Of these nobody can be given an app away."""
ELSEWHERE = {"/v1/sources", "/v1/environments/{environment}/start"}
"""What asks by itself: tests/simulation/test_start_allowed.py."""
NOT_UNDER_WAY = {"promote", "abort"}
"""What is refused before anything is written, as no deployment is under way."""


OF_OPERATORS = {
    "/v1/nodes/{node}/cordon": {},
    "/v1/nodes/{node}/uncordon": {},
    "/v1/nodes/{node}/drain": {},
    "/v1/tokens": {"name": "back-door", "role": "operator"},
    "/v1/tokens/{token}": {},
}
"""Commands that operators alone may give, and which write at once."""


OF_APPS = {
    resolve
    for resolve in permission.DEEDS.values()
    if resolve not in (*OF_NO_APP, permission._IN_COMMAND)
}


def commands() -> list[tuple[str, str, object]]:
    """All that changes something, but for what operators alone may."""
    return [
        (method, path.replace(":path}", "}").replace("{run}/again", "{done}/again"), resolve)
        for (method, path), resolve in permission.DEEDS.items()
        if resolve is not permission._operator and method != "WEBSOCKET"
    ]


def claimed(mine: httpx2.Client) -> str:
    held = mine.post("/v1/leases", json={"name": f"mine-{next(NUMBERS)}"}).json()
    return held["lease"]["id"].replace("/", "%2F")


def names_in(plane: ControlPlane) -> dict[str, str]:
    with plane.client() as operator:
        (row, *_) = operator.get("/v1/environments/mall/containers").json()
        wish = {"environment": "mall", "app": "till", "delay_s": 3600}
        run = operator.post("/v1/jobs/tidy/runs", json=wish).json()["ids"][0]
        deployment = operator.get("/v1/environments/mall/apps/till").json()["deployment"]["id"]
        done = operator.post("/v1/jobs/tidy/runs", json={**wish, "delay_s": 0}).json()["ids"][0]
        wait_for(lambda: operator.get(f"/v1/runs/{done}").json()["run"]["ended_at"])
    return {
        "environment": "mall", "app": "till", "container": row["id"], "run": run, "job": "tidy",
        "deployment": deployment, "queue": "default", "schedule": "till%2Fnightly",
        "done": done,
    }  # fmt: skip


@pytest.mark.parametrize("taken", ["app", "token"])
def test_who_may_not_any_more_does_nothing_whatever_the_command_is(mall, taken):
    mine, token = somebody(mall)
    names = {**names_in(mall), "lease": claimed(mine)}
    asked = 0
    for method, path, resolve in commands():
        if (path in ELSEWHERE and taken == "app") or path.rpartition("/")[2] in NOT_UNDER_WAY:
            continue
        if (taken == "app" and resolve in OF_NO_APP) or "{session}" in path or path == "/v1/links":
            continue
        body = archive(headway__yaml=TILL) if path == "/v1/sources" else None
        wish = BODIES.get(path, {"apps": ["till"]} if path.endswith("/start") else {})
        Taking.taken = given_to("pay") if taken == "app" else revoked(token)
        answer = mine.request(
            method,
            re.sub(r"\{(\w+)\}", lambda found: names[found[1]], path),
            **({"content": body} if body else {"json": wish}),
        )
        assert Taking.taken is None, f"{method} {path} wrote nothing: {answer.text}"
        assert (answer.status_code, answer.json()["code"]) == (403, "not-allowed"), (path, answer)
        asked += 1
        if taken == "token":
            mine.close()
            mine, token = somebody(mall)
            names["lease"] = claimed(mine)
        else:
            back = Taking.opened.write(given_to("shop"))
            asyncio.run_coroutine_threadsafe(back, mall._loop).result(5)
    assert asked > 10
    with mall.client() as operator:
        assert operator.get("/v1/environments/mall/apps/till").json()["state"] == "healthy"
    mine.close()


def test_an_operator_whose_token_was_revoked_does_nothing_whatever_the_command_is(mall):
    names = {**names_in(mall), "token": made(mall)["token"]["id"]}
    with mall.client() as operator:
        names["node"] = operator.get("/v1/nodes").json()["items"][0]["node"]["id"]
    others = {path: BODIES.get(path, {}) for _, path, resolve in commands() if resolve in OF_APPS}
    methods = {path.replace(":path}", "}"): method for method, path in permission.DEEDS}
    for path, wish in (others | OF_OPERATORS).items():
        if path.rpartition("/")[2] in NOT_UNDER_WAY or path == "/v1/jobs/{job}/runs":
            continue
        mine, token = somebody(mall, "operator")
        Taking.taken = revoked(token)
        filled = re.sub(r"\{(\w+)\}", lambda found: names[found[1]], path)
        method = methods[path.replace("{done}", "{run}")]
        with mine:
            answer = mine.request(method, filled, json=wish)
        assert Taking.taken is None, f"{method} {path} wrote nothing: {answer.text}"
        assert (answer.status_code, answer.json()["code"]) == (403, "not-allowed"), (path, answer)
    with mall.client() as operator:
        assert "back-door" not in {row["name"] for row in operator.get("/v1/tokens").json()}


@contextmanager
def begun(plane: ControlPlane, head: str, proof: str, body: bytes) -> Iterator[socket.socket]:
    """A request whose head has been looked at, and all of whose body but a byte has come."""
    with connected(plane.port) as raw:
        lines = [head, f"Host: 127.0.0.1:{plane.port}", proof, "Content-Type: application/json"]
        lines += ["Expect: 100-continue", f"Content-Length: {len(body)}", "", ""]
        raw.sendall("\r\n".join(lines).encode())
        # The server asks for the body when the first who wants it has been let through.
        assert raw.recv(25, socket.MSG_WAITALL) == b"HTTP/1.1 100 Continue\r\n\r\n"
        raw.sendall(body[:-1])
        yield raw


def with_bodies(plane: ControlPlane) -> list[tuple[str, str]]:
    with plane.client() as operator:
        document = operator.get("/openapi.json").json()
    return [
        (method.upper(), re.sub(r"\{(\w+)\}", "none", path))
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if "requestBody" in operation
    ]


def test_a_body_that_comes_after_its_token_was_revoked_is_refused_whatever_the_command_is(mall):
    asked = with_bodies(mall)
    assert {("POST", "/v1/tokens"), ("POST", "/v1/jobs/none/runs")} < set(asked)
    for method, path in asked:
        token = made(mall, "operator")
        bearer = f"Authorization: Bearer {token['secret']}"
        wish = b'{"name": "late", "role": "operator"}'
        with begun(mall, f"{method} {path} HTTP/1.1", bearer, wish) as raw, mall.client() as other:
            assert other.delete(f"/v1/tokens/{token['token']['id']}").is_success
            raw.sendall(wish[-1:])
            status, _, body = read_answer(raw)
        assert (status, json.loads(body)["code"]) == (401, "unauthenticated"), (method, path, body)
    with mall.client() as operator:
        assert "late" not in {row["name"] for row in operator.get("/v1/tokens").json()}


def test_a_body_that_comes_after_its_token_has_expired_is_refused(mall):
    bearer = f"Authorization: Bearer {made(mall, length_s=1)['secret']}"
    path = "/v1/environments/mall/apps/till/config"
    wish = json.dumps({"set": {"LATE": {"value": "1"}}}).encode()
    with begun(mall, f"PATCH {path} HTTP/1.1", bearer, wish) as raw, mall.anyone() as other:
        kind, _, secret = bearer.partition(": ")
        wait_for(lambda: other.get(path, headers={kind: secret}).status_code == 401)
        raw.sendall(wish[-1:])
        assert read_answer(raw)[0] == 401
    with mall.client() as operator:
        assert "LATE" not in operator.get(path).text


def test_a_body_that_comes_after_its_session_has_ended_is_refused(mall):
    with mall.client() as operator, signed_in(mall, operator) as browser:
        cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
        proof = f"Cookie: {cookie}\r\nOrigin: {mall.url}\r\nX-CSRF-Token: {csrf_of(browser)}"
        wish = b'{"name": "late", "role": "operator"}'
        with begun(mall, "POST /v1/tokens HTTP/1.1", proof, wish) as raw:
            session = operator.get("/v1/sessions").json()[-1]["id"]
            assert operator.delete(f"/v1/sessions/{session}").is_success
            raw.sendall(wish[-1:])
            assert read_answer(raw)[0] == 401
        assert "late" not in {row["name"] for row in operator.get("/v1/tokens").json()}


def test_who_was_signed_out_a_moment_ago_does_nothing(mall):
    with mall.client() as operator, signed_in(mall, operator) as browser:
        session = operator.get("/v1/sessions").json()[-1]["id"]
        headers = {"origin": mall.url, "x-csrf-token": csrf_of(browser)}
        Taking.taken = lambda tx: tx.delete(Session, session)
        wish = {"name": "late", "role": "operator"}
        answer = browser.post("/v1/tokens", json=wish, headers=headers)
        assert Taking.taken is None
        assert (answer.status_code, answer.json()["code"]) == (403, "not-allowed"), answer
        assert "session was ended" in answer.json()["hint"]
        assert "late" not in {row["name"] for row in operator.get("/v1/tokens").json()}


def test_what_was_permitted_in_an_environment_is_not_done_in_the_next_of_its_name(mall):
    with mall.client() as operator:
        wish = {"apps": ["till"], "reason": "a while"}
        assert operator.post("/v1/environments/passing/start", json=wish).is_success

    def next_life(tx) -> None:
        (owner,) = tx.find(Environment, name="passing", state=EnvironmentState.ACTIVE)
        tx.put(msgspec.structs.replace(owner, state=EnvironmentState.ENDED))
        tx.put(msgspec.structs.replace(owner, id="passing~ffffff", version=0))

    mine, _ = somebody(mall)
    Taking.taken = next_life
    with mine, mall.client() as operator:
        answer = mine.delete("/v1/environments/passing")
        assert answer.status_code == 409, answer.text
        assert answer.json()["code"] == "environment-ended", answer.text
        there = operator.get("/v1/environments/passing").json()
        assert there["state"] == "active", there
