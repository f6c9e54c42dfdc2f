"""What `headway pools` says."""

from headway.cli.pools import _in_file
from headway.model.problem import Problem
from headway.model.view import Refusal


def test_mistakes_in_a_document_name_the_file_that_was_given():
    problem = Problem(file="pool.yaml", line=3, column=1, message="unknown key 'lat'")
    refusal = Refusal(
        type="t", title="T", status=422, detail="mistakes", code="pool-invalid", problems=(problem,)
    )
    assert [row.file for row in _in_file(refusal, "ci.yaml").problems] == ["ci.yaml"]
