"""The list of apps."""

from headway.model.view.app import AppView
from headway.web.drawing import Visit, draw
from headway.web.pages.apps import AppsPage
from tests.unit.web.pictures.things import NOW


def test_what_comes_behind_a_part_of_the_list_is_not_called_older():
    app = AppView(name="web", source="sha256-1", updated_at=NOW)
    page = AppsPage(apps=(app,), after="web", total=2)
    text = draw("apps.html", page, Visit("/apps", "ana", NOW, "0"))
    assert '<a href="/apps?after=web" rel="next">More →</a>' in text
