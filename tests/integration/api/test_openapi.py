import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import CHECKS

DOCUMENT = "/openapi.json"
PROMISES = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)
LOGS = ("/logs",)


@pytest.fixture(scope="session")
def document(plane, chat) -> schemathesis.BaseSchema:
    with plane.client() as client:
        return schemathesis.openapi.from_dict(client.get(DOCUMENT).json())


api = schemathesis.pytest.from_fixture("document")


@pytest.mark.slow
@api.parametrize()
@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_operation_keeps_what_its_document_promises(plane, case):
    """Whatever is sent, hostile or not; half of the questions are about what is there."""
    if len(case.path_parameters.get("app", "")) % 2:
        case.path_parameters["app"] = "chat"
    if len(case.path_parameters.get("environment", "")) % 2:
        case.path_parameters["environment"] = "demo"
    if case.query:
        case.query.pop("follow", None)
    answer = case.call(
        base_url=plane.url, headers={"authorization": f"Bearer {plane.token}"}, timeout=20
    )
    names = [
        name
        for name in PROMISES
        if not (name == "content_type_conformance" and case.path.endswith(LOGS))
    ]
    case.validate_response(answer, checks=CHECKS.get_by_names(names))


def test_the_document_describes_every_operation_with_words_and_problems(client):
    document = client.get(DOCUMENT).json()
    assert document["openapi"].startswith("3.1")
    assert document["security"] == [{"token": []}]
    names = set()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            where = f"{method} {path}"
            assert operation["description"].endswith("."), where
            assert operation["tags"], where
            assert "application/problem+json" in operation["responses"]["4XX"]["content"], where
            names.add(operation["operationId"])
    assert len(names) == sum(len(operations) for operations in document["paths"].values())


def test_every_reference_of_the_document_leads_somewhere(client):
    document = client.get(DOCUMENT).json()
    found = list(references(document))
    assert found
    for reference in found:
        kind, name = reference.removeprefix("#/components/").split("/")
        assert name in document["components"][kind], reference


def references(part: object):
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for value in part.values():
            yield from references(value)
    elif isinstance(part, list):
        for value in part:
            yield from references(value)


def test_no_page_loads_anything_from_elsewhere(client):
    for path in ("/docs", "/redoc", "/docs/oauth2-redirect"):
        assert client.get(path).status_code == 404


@pytest.mark.xfail(strict=True, reason="documented as one JSON value, sent as lines of JSON")
def test_logs_are_documented_as_they_are_sent(client, chat):
    document = client.get(DOCUMENT).json()
    promised = document["paths"]["/v1/containers/{container}/logs"]["get"]["responses"]["200"]
    answer = client.get(f"/v1/containers/{chat}/logs")
    assert answer.headers["content-type"] in promised["content"]


@pytest.mark.xfail(strict=True, reason="only 4XX is described, and 503 is answered")
def test_the_document_says_that_headway_may_be_unavailable(client):
    operation = client.get(DOCUMENT).json()["paths"]["/v1/apps"]["get"]
    assert {"503", "5XX", "default"} & set(operation["responses"])
