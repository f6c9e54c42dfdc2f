import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings, strategies
from schemathesis.checks import CHECKS

from tests.integration.api.control_plane import bring_up_chat

DOCUMENT = "/openapi.json"
PROMISES = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)
HERE = {"environment": "demo", "app": "chat"}
LOOSE = ("content_type_conformance",)
"""Of logs: see `test_logs_are_documented_as_they_are_sent`."""


@pytest.mark.slow
@pytest.mark.timeout(400)  # dozens of operations, a dozen questions each
def test_every_operation_keeps_what_its_document_promises(own):
    """Whatever is sent, hostile or not; half of the questions are about what is there."""
    bring_up_chat(own)
    with own.client() as client:
        document = schemathesis.openapi.from_dict(client.get(DOCUMENT).json())
    # What ends things comes last, so that the others have something to speak of.
    operations = [found.ok() for found in document.get_all_operations()]
    assert len(operations) > 35
    for operation in sorted(operations, key=lambda found: found.method == "delete"):
        try_out(own, operation)


def try_out(plane, operation) -> None:
    @given(case=operation.as_strategy(), here=strategies.booleans())
    @settings(
        max_examples=12,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def ask(case, here: bool) -> None:
        if here:
            case.path_parameters.update(
                {name: HERE[name] for name in case.path_parameters if name in HERE}
            )
        case.query.pop("follow", None)
        headers = {"authorization": f"Bearer {plane.token}"}
        answer = case.call(base_url=plane.url, headers=headers, timeout=20)
        kept = [name for name in PROMISES if not (name in LOOSE and case.path.endswith("/logs"))]
        case.validate_response(answer, checks=CHECKS.get_by_names(kept))

    ask()


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


def test_logs_are_documented_as_they_are_sent(client, chat):
    document = client.get(DOCUMENT).json()
    promised = document["paths"]["/v1/containers/{container}/logs"]["get"]["responses"]["200"]
    answer = client.get(f"/v1/containers/{chat}/logs")
    assert answer.headers["content-type"] in promised["content"]


def test_the_document_says_that_headway_may_be_unavailable(client):
    operation = client.get(DOCUMENT).json()["paths"]["/v1/apps"]["get"]
    assert {"503", "5XX", "default"} & set(operation["responses"])
