"""What a run's own process tells of its run: it may be anything."""

import json

import pytest

from headway.engines.process.runs import facts, verdict
from headway.engines.process.runs.facts import Attempt, End


def told(end: End) -> dict:
    (line,) = facts.ended(Attempt("mine", 1, "mail", {}, 1.0), end).splitlines()
    return json.loads(line)


@pytest.mark.parametrize("limit", ['x","run":"other","limit":"y', "x\n{}\n", "memory", 7, [], None])
def test_a_run_that_forges_its_limit_tells_of_itself_only(limit):
    failure = json.dumps({"status": 1, "limit": limit}).encode()
    _, end = verdict.answered(b"0 0 0 no %s" % failure)
    assert (end.status, end.limit) == (1, "")
    end.limit = str(limit)
    assert (told(end)["run"], told(end)["limit"]) == ("mine", str(limit))


@pytest.mark.parametrize("word", [b"ok", b"no"])
def test_more_than_a_result_can_be_is_refused_whoever_wrote_it(word):
    text = b'"%s"' % (b"x" * verdict.RESULT_BYTES_MAX)
    _, end = verdict.answered(b"0 0 0 %s %s" % (word, text))
    assert (end.status, end.limit, end.result) == (1, "result", None)
    assert told(end)["failure"]["type"] == "ResultError"


def test_a_limit_that_a_worker_keeps_itself_is_told():
    _, end = verdict.answered(b'0 0 0 no {"status": 1, "limit": "result"}')
    assert told(end)["limit"] == "result"


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "1e999", "-" + "9" * 400 + ".5"])
def test_a_number_that_others_read_as_infinite_is_no_result(number):
    with pytest.raises(facts.NotJson, match=f"{number:.40} is not JSON"):
        facts.checked(b'{"a": [%s]}' % number.encode())
    assert facts.checked(b"[1e308, 0.5]") == "[1e308, 0.5]"
