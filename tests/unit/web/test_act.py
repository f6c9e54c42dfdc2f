"""The page of an act: what it says of a plan that was not carried out, and of what is typed."""

import msgspec
import pytest

from headway.model.ids import AppName, EnvironmentName
from headway.model.view.change import Started
from headway.web.drawing import Visit, draw
from headway.web.page import Plan
from tests.unit.web.members import NOW

_DEMO = EnvironmentName("demo")
_PLANNED = Plan(what="Scale web in demo", verb="Scale", started=Started(environment=_DEMO))
_UNCHANGED = Started(environment=_DEMO, unchanged=(AppName("web"),))


def drawn(plan: Plan) -> str:
    return draw("act.html", plan, Visit("/x", "ana", NOW, "0"))


def test_a_plan_says_that_nothing_is_done_yet_and_which_button_does_it():
    said = "Nothing is done yet. This is the plan; press Scale to do it."
    assert said in drawn(_PLANNED)


@pytest.mark.parametrize(
    "change", [{"lacking": "an operator"}, {"started": None}, {"started": _UNCHANGED}]
)
def test_where_no_button_does_a_plan_none_is_named(change):
    assert "press Scale" not in drawn(msgspec.structs.replace(_PLANNED, **change))


def test_what_is_to_be_typed_is_told_where_something_else_was():
    page = drawn(Plan(what="Destroy demo", verb="Destroy demo", confirm="demo"))
    assert 'pattern="demo" title="type demo exactly"' in page
