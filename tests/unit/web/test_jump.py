import pytest

from headway.control.queries.finding import Found
from headway.web.pages.jump import Hit, JumpPage, url_of


@pytest.mark.parametrize(
    ("kind", "name", "url"),
    [
        ("environment", "demo", "/envs/demo"),
        ("member", "demo/web", "/envs/demo/apps/web"),
        ("app", "web", "/apps/web"),
        ("deployment", "dep-1", "/deployments/dep-1"),
        ("container", "web-1", "/envs/demo/logs?container=web-1"),
        ("run", "r/1", "/runs/r%2F1"),
        ("node", "n1", "/nodes/n1"),
    ],
)
def test_what_was_found_has_a_page(kind, name, url):
    assert url_of(Found(kind=kind, name=name, environment="demo")) == url


def test_it_goes_where_there_is_one_place_or_one_of_that_name():
    web, webshop = (Hit(kind="app", name=name, state="", url=name) for name in ("web", "webshop"))
    assert JumpPage(q="we", hits=(web,)).goes_to == "web"
    assert JumpPage(q="web", hits=(web, webshop)).goes_to == "web"
    assert JumpPage(q="we", hits=(web, webshop)).goes_to == ""
    assert JumpPage(q="we").goes_to == ""
