"""Manifests as files: `NAME.in.yaml`, and beside it, line by line, what is wrong with it."""

from pathlib import Path

import pytest

from headway.formats.headway_yaml import parse_manifest
from headway.model.problem import render_problem

CASES = Path(__file__).resolve().parents[2] / "data" / "formats"


@pytest.mark.parametrize("case", sorted(CASES.glob("*.in.yaml")), ids=lambda case: case.name)
def test_a_manifest_has_just_the_problems_that_stand_beside_it(case: Path):
    parsed = parse_manifest(case.read_text(), default_name="shop")
    told = "".join(f"{render_problem(problem)}\n" for problem in parsed.problems)
    expected = case.with_name(case.name.replace(".in.yaml", ".problems.txt")).read_text()
    assert told == expected
    assert (parsed.value is None) == bool(expected)
