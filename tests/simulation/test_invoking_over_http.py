"""Runs are asked for over HTTP by a way of their own, whose answers are those of FastAPI's."""

import json
from types import SimpleNamespace

import httpx2
import msgspec
import pytest
from fastapi import FastAPI

from headway.api import errors, jobs
from headway.api.limits import Limits
from headway.model.job import Job
from headway.model.run import Run
from tests.simulation.conftest import SMALL

LATER = Job(name="later", function="m:f", resources=SMALL)
ONE = {"environment": "demo", "id": "k1gaw6y9ap7gb729", "delay_s": 3600}
OTHER = {"id": "k1gaw6y9ap7gb72a", "delay_s": 3600}
MOST = 20_000


class Asked:
    """Set what the layers outside would have found out."""

    def __init__(self, app, environment) -> None:
        self._app, self._environment = app, environment

    async def __call__(self, scope, receive, send) -> None:
        scope.setdefault("state", {}).update(actor="ana", environment=self._environment)
        await self._app(scope, receive, send)


@pytest.fixture
async def plane(plane):
    """One with a job, and with limits that are soon reached."""
    limits = {"request_bytes_max": MOST, "invocations_bytes_max": MOST, "invocations_max": 10}
    plane.world.settings = msgspec.structs.replace(plane.world.settings, **limits)
    await plane.release(LATER)
    return plane


def api(plane, *layers, environment=None) -> FastAPI:
    """Give the endpoints of jobs, with these layers inside of those that every request passes."""
    app = FastAPI()
    app.state.world = plane.world
    app.state.heart = SimpleNamespace(dispatch=plane.dispatch)
    app.include_router(jobs.router, prefix="/v1")
    errors.install(app)
    for layer in layers:
        app.add_middleware(layer)
    app.add_middleware(Asked, environment=environment)
    app.add_middleware(Limits, settings=plane.world.settings)
    return app


async def asked(app: FastAPI, body, job: str = "later") -> tuple[int, list, bytes]:
    content = body if not isinstance(body, dict) else msgspec.json.encode(body)
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
        answer = await client.post(f"/v1/jobs/{job}/runs", content=content)
    return answer.status_code, answer.headers.raw, answer.content


async def pieces(count: int):
    for _ in range(count):
        yield b" " * 1000


@pytest.mark.parametrize(
    ("status", "body", "job"),
    [
        (200, ONE, "later"),
        (200, ONE, "shop/later"),
        (200, {"environment": "demo", "runs": [OTHER, OTHER]}, "later"),
        (422, {"environment": "demo", "runs": [ONE]}, "later"),
        (422, ONE | {"unique": "a\0b"}, "later"),
        (404, ONE, "nope"),
        (404, ONE, ""),
        (404, ONE | {"environment": "nope"}, "later"),
        (422, {"delay_s": 3600}, "later"),
        (422, ONE | {"delay_s": -1}, "later"),
        (422, ONE | {"delay_s": "soon"}, "later"),
        (422, ONE | {"id": "x"}, "later"),
        (422, {"environment": "demo", "runs": []}, "later"),
        (422, {"environment": "demo", "runs": [{}] * 11}, "later"),
        (422, b"no json", "later"),
        (422, b"[]", "later"),
        (422, b"", "later"),
        (413, b" " * (MOST + 1), "later"),
        (413, MOST // 1000 + 1, "later"),
    ],
)
async def test_good_and_bad_requests_are_answered_alike_to_the_byte(plane, status, body, job):
    sent = (lambda: pieces(body)) if isinstance(body, int) else (lambda: body)
    direct = await asked(api(plane, jobs.Invocations), sent(), job)
    assert direct[0] == status, direct
    assert await asked(api(plane), sent(), job) == direct


async def test_an_answer_says_which_runs_were_there_already(plane):
    app = api(plane, jobs.Invocations)
    wish = {"environment": "demo", "delay_s": 3600, "key": "once"}
    answers = [json.loads((await asked(app, wish))[2]) for _ in range(2)]
    assert [answer["made"] for answer in answers] == [[True], [False]]
    assert answers[0]["ids"] == answers[1]["ids"]
    again = [json.loads((await asked(app, ONE))[2])["made"] for _ in range(2)]
    assert again == [[True], [True]]  # the same request, sent twice


async def test_who_names_no_environment_is_told_so(plane):
    _, _, answer = await asked(api(plane, jobs.Invocations), {"delay_s": 3600})
    assert json.loads(answer)["detail"] == "no environment is named"


async def test_another_environments_container_is_refused_alike(plane):
    direct = await asked(api(plane, jobs.Invocations, environment="own"), ONE)
    assert direct[0] == 403
    assert await asked(api(plane, environment="own"), ONE) == direct
    assert await plane.store.read(lambda reader: reader.find(Run)) == []


async def test_a_run_of_another_job_is_never_taken_for_the_one_that_is_asked_for(plane):
    await plane.release(LATER, Job(name="other", function="m:g", resources=SMALL), number=2)
    app = api(plane, jobs.Invocations)
    assert (await asked(app, ONE))[0] == (await asked(app, ONE))[0] == 200
    for extra in ({}, {"key": "k"}):
        status, _, body = await asked(app, ONE | extra, "other")
        assert (status, msgspec.json.decode(body)["code"]) == (409, "run-id-taken")
    (row,) = await plane.store.read(lambda reader: reader.find(Run))
    assert row.job == "later"
