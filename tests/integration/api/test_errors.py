import json
import sqlite3

import pytest

from tests.integration.api.control_plane import connected, read_answer

START = "/v1/environments/demo/start"
RUNS = "/v1/jobs/export/runs"
JSON = {"content-type": "application/json"}
SECURITY_HEADERS = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "same-origin",
}


def problem(answer) -> dict:
    """Check that an answer is a whole problem, and give it."""
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == answer.status_code
    assert body["type"] == f"urn:headway:problem:{body['code']}"
    assert body["title"]
    assert body["detail"]
    return body


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not-found"),
        ("GET", "/v1/apps/", 404, "not-found"),
        ("PUT", "/v1/apps", 405, "method-not-allowed"),
        ("GET", "/v1/apps/nope", 404, "app-unknown"),
        ("GET", "/v1/environments/nope", 404, "environment-unknown"),
        ("GET", "/v1/containers/nope", 404, "container-unknown"),
        ("GET", "/v1/containers/nope/logs", 404, "container-unknown"),
        ("GET", "/v1/why?thing=%ff", 404, "thing-unknown"),
        ("GET", "/v1/why", 422, "request-invalid"),
        ("GET", "/v1/events?limit=0", 422, "request-invalid"),
        ("GET", f"/v1/environments/{'x' * 61}", 422, "request-invalid"),
        ("DELETE", "/v1/apps/nope", 404, "app-unknown"),
    ],
)
def test_what_is_not_there_or_cannot_be_is_a_problem_with_a_code(
    client, method, path, status, code
):
    answer = client.request(method, path)
    assert (answer.status_code, problem(answer)["code"]) == (status, code)


def test_a_refused_method_names_the_allowed_ones(client):
    assert client.put("/v1/apps").headers["allow"] == "GET"


def test_all_mistakes_of_a_request_are_reported_at_once(client):
    wrong = {"apps": [1, ""], "lease_s": -1, "plam": True, "reason": 7}
    body = problem(client.post(START, json=wrong))
    assert [row["message"] for row in body["problems"]] == [
        "apps.0 must be a text, not 1",
        "apps.1 must have at least 1 characters",
        "lease_s must be more than 0, not -1",
        "reason must be a text, not 7",
        "there is no plam here",
    ]


@pytest.mark.parametrize(
    ("method", "path", "body", "told"),
    [
        ("POST", "/v1/leases", {}, "name is missing"),
        ("POST", "/v1/leases", [], "the body must be an object, not []"),
        (
            "POST",
            "/v1/leases",
            {"name": "a", "kind": "door"},
            "kind must be one of 'environment', 'lock',",
        ),
        (
            "POST",
            "/v1/leases",
            {"name": "a", "from_at": "2026-11-30T09:00:00"},
            'from_at needs an offset, such as 2026-11-30T09:00:00+01:00 or …Z, not "2026-11-30T',
        ),
        (
            "POST",
            "/v1/environments/demo/apps/web/deployments",
            {"kind": "scale", "scale": {"web": 99999}},
            "scale.web must be at most 1000, not 99999",
        ),
        ("POST", RUNS, {"at": 7}, "at must be a date and time or null, not a whole number"),
        ("POST", RUNS, {"dealy_s": 7}, "there is no dealy_s here"),
        ("POST", RUNS, {"runs": [{"n": 1}]}, "there is no runs[0].n here"),
        ("POST", RUNS, [], "the body must be an object, not a list"),
        ("POST", RUNS, {"release": 10**30}, "release: Expected `int` <= 1000000000"),
        ("POST", RUNS, {"release": 0}, "release: Expected `int` >= 1"),
        ("GET", "/v1/events?limit=0", None, 'limit must be at least 1, not "0"'),
        ("GET", "/v1/why", None, "thing is missing"),
    ],
)
def test_mistakes_are_told_in_plain_words(client, method, path, body, told):
    found = problem(client.request(method, path, json=body))
    assert found["problems"][0]["message"].startswith(told)


def test_runs_are_not_made_of_a_body_that_is_too_deep_to_read(client):
    content = b'{"parameters": %s}' % (b"[" * 100_000 + b"]" * 100_000)
    answer = client.post(RUNS, content=content)
    assert (answer.status_code, problem(answer)["code"]) == (422, "request-invalid")
    assert answer.json()["detail"] == "the request: the body is nested too deeply"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"null",
        b"[" * 100_000,
        b'{"apps":' * 50_000,
        b'{"apps": ["a"], "lease_s": NaN}',
        b'{"apps": ["a"], "lease_s": Infinity}',
        b'{"apps": ["a"], "lease_s": 1e400}',
        b'{"apps": ["a"], "lease_s": ' + b"9" * 5000 + b"}",
        b'{"apps": ["a\\ud800"]}',
        b'{"apps": ["a"], "\\ud800": 1}',
        b'{"apps": ["a\\u0000b"]}',
        b'{"apps": ["../../etc"]}',
    ],
    ids=lambda body: repr(body[:40]),
)
def test_hostile_json_is_refused_and_never_a_mistake_of_headway(client, body):
    answer = client.post(START, content=body, headers=JSON)
    assert answer.status_code in (400, 422)
    problem(answer)


def test_json_must_be_declared_so_that_a_form_of_another_site_cannot_send_it(client):
    answer = client.post(START, content=b'{"apps": ["a"]}', headers={"content-type": "text/plain"})
    assert answer.status_code == 422


@pytest.mark.parametrize(
    "path", ["/v1/apps", "/v1/environments", "/nowhere", "/healthz", "/metrics", "/openapi.json"]
)
def test_answers_carry_security_headers_and_do_not_name_the_server(client, path):
    headers = client.get(path).headers
    assert SECURITY_HEADERS.items() <= dict(headers).items()
    assert "server" not in headers
    assert "access-control-allow-origin" not in headers


def test_refusals_at_the_door_carry_security_headers_too(plane, client):
    unknown = client.get("/v1/apps", headers={"authorization": "Bearer no"})
    foreign = client.get("/v1/apps", headers={"host": "evil.example"})
    large = client.post(START, content=b" " * (1024 * 1024 + 1), headers=JSON)
    for answer in (unknown, foreign, large):
        assert SECURITY_HEADERS.items() <= dict(answer.headers).items()


def test_answers_are_not_to_be_stored(client):
    assert client.get("/v1/apps").headers["cache-control"] == "no-store"


def test_a_mistake_of_headway_has_an_id_that_its_log_has_too_and_no_internals(own, log):
    with own.client() as client, sqlite3.connect(own.data / "headway.db") as database:
        client.get("/v1/apps")
        database.execute(
            "INSERT INTO apps (name, version, doc) VALUES ('torn', 0, ?)", (b'{"name": 1}',)
        )
        database.commit()
        answer = client.get("/v1/apps/torn")
    database.close()
    body = problem(answer)
    assert (answer.status_code, body["code"]) == (500, "mistake")
    assert body["id"] in body["detail"]
    assert "msgspec" not in answer.text
    assert "Traceback" not in answer.text
    logged = [json.loads(line) for line in log.read_text().splitlines()]
    (row,) = [line for line in logged if line.get("id") == body["id"]]
    assert "ValidationError" in row["exception"]


def test_a_store_that_does_not_answer_makes_headway_unavailable_not_mistaken(own):
    with own.client() as client:
        client.get("/v1/leases")
        database = sqlite3.connect(own.data / "headway.db")
        database.execute("ALTER TABLE leases RENAME TO gone")
        database.commit()
        database.close()
        answer = client.get("/v1/leases")
    assert (answer.status_code, problem(answer)["code"]) == (503, "unavailable")


def test_a_number_that_no_cursor_can_have_is_refused(client):
    answer = client.get(f"/v1/events?after={10**30}")
    assert answer.status_code == 422


def test_a_request_of_a_megabyte_is_not_answered_with_nine(client):
    body = b'{"apps":["a"],' + b",".join(b'"k%d":0' % number for number in range(90_000)) + b"}"
    answer = client.post(START, content=body, headers=JSON)
    assert answer.status_code == 422
    assert len(answer.content) < 64 * 1024


@pytest.mark.parametrize(
    "request_",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n",
        b"GET /v1/apps HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    ],
    ids=["no host", "two hosts", "negative length", "two lengths", "TLS"],
)
def test_what_is_not_http_is_refused(plane, request_):
    with connected(plane.port) as raw:
        raw.sendall(request_)
        status, _, _ = read_answer(raw)
    assert status == 400
