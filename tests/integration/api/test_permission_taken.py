"""A right that is taken while a request is on its way is asked about by what does the deed."""

import asyncio
import itertools
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import msgspec
import pytest

from headway import serve
from headway.api import permission
from headway.control import permits
from headway.model.app import App
from headway.model.token import Token
from headway.stores.sqlite import SqliteStore
from tests.integration.api.control_plane import ControlPlane, archive, wait_for

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
        patch.setattr(serve, "SqliteStore", Taking)
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


def developer(plane: ControlPlane, name: str) -> tuple[httpx2.Client, str]:
    with plane.client() as operator:
        wish = {"name": name, "role": "developer", "teams": ["shop"]}
        made = operator.post("/v1/tokens", json=wish).json()
    client = plane.anyone(headers={"authorization": f"Bearer {made['secret']}"})
    return client, made["token"]["id"]


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
    mine, token = developer(mall, f"loses-{taken}")
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
            mine, token = developer(mall, f"loses-token-{asked}")
            names["lease"] = claimed(mine)
        else:
            back = Taking.opened.write(given_to("shop"))
            asyncio.run_coroutine_threadsafe(back, mall._loop).result(5)
    assert asked > 10
    with mall.client() as operator:
        assert operator.get("/v1/environments/mall/apps/till").json()["state"] == "healthy"
    mine.close()
