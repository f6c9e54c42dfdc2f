"""Pages, their data, their files and their streams, asked for as a browser does."""

import contextlib
import html
import re
import threading
from collections.abc import Iterator
from urllib.parse import quote

import httpx2
import pytest

from headway.web.answering import _POLICY
from headway.web.pages.config_acts import _LATER
from tests.integration.api.control_plane import CHAT, archive, wait_for
from tests.integration.api.forms import FORM, pressed

_HTML = {"accept": "text/html"}
STILL = "event: still\ndata: true\n\n"


def stream_of(page: str) -> str:
    """The address of a page's stream, from what the page shows on."""
    address, seen = re.search(r'data-address="([^"]+)" data-seen="([^"]+)"', page).groups()
    return f"{html.unescape(address)}&seen={quote(html.unescape(seen))}"


def stream_behind(address: str, message: str) -> str:
    """The address of a stream that goes on behind one of its messages."""
    seen = re.search(r"^id: (.+)$", message, re.MULTILINE)[1]
    return f"{address.partition('&seen=')[0]}&seen={quote(seen)}"


@pytest.fixture
def browser(client) -> httpx2.Client:
    client.headers.update(_HTML)
    return client


def test_a_page_is_drawn_and_its_data_are_behind_json(chat, browser):
    page = browser.get("/envs")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["content-security-policy"] == _POLICY
    assert page.headers["cache-control"] == "no-store"
    assert '<a class="name" href="/envs/demo">demo</a>' in page.text
    (row,) = (row for row in browser.get("/envs.json").json()["rows"] if row["name"] == "demo")
    assert row["members"] == ["chat"]


def test_the_first_page_has_its_data_too(browser):
    assert browser.get("/").status_code == 200
    assert browser.get("/.json").json()["wrong"] == []


def test_a_page_needs_a_token_and_its_files_do_not(plane, browser):
    files = re.findall(r'(?:href|src)="(/static/[^"]+)"', browser.get("/").text)
    assert len(files) == 6
    with plane.anyone() as stranger:
        assert stranger.get("/").headers["location"] == "/sign-in"
        assert stranger.get("/live?page=/").status_code == 401
        for file in files:
            answer = stranger.get(file)
            assert answer.status_code == 200
            assert "immutable" in answer.headers["cache-control"]
        assert stranger.get("/static/..%2fsite.py").status_code == 404
        assert stranger.get("/static/vendor/vendor.toml").status_code == 404


def test_what_is_not_there_is_a_page_that_says_so_and_a_problem_for_programs(browser, plane):
    page = browser.get("/nothing")
    assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "there is no page /nothing" in page.text
    told = browser.get("/nothing", headers={"accept": "application/json"})
    assert told.json()["code"] == "not-found"
    # The API's own addresses stay its own.
    assert browser.get("/v1/nothing").headers["content-type"] == "application/problem+json"
    assert browser.delete("/v1/version").status_code == 405


def test_what_the_address_says_cannot_become_a_part_of_the_page(browser):
    page = browser.get("/nothing/<script>alert(1)</script>")
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text


def test_a_page_can_only_be_looked_at(browser):
    assert browser.post("/envs").status_code == 405


def test_a_stream_sends_what_the_page_has_not_seen_and_then_what_changes(own):
    with own.client() as client:
        address = stream_of(client.get("/envs", headers=_HTML).text)
        with messages(own, address) as heard:
            sent = client.post("/v1/sources?name=chat", content=archive(headway__yaml=CHAT))
            assert sent.status_code == 200
            client.post("/v1/environments/live/start", json={"apps": ["chat"]})
            wait_for(lambda: any("healthy" in one for one in heard))
        assert all('hx-target="#live_rows"' in one for one in heard)
        # Who comes back, from sleep or behind other tabs, is sent what is not as they have it.
        with messages(own, stream_behind(address, heard[0])) as again:
            wait_for(lambda: any("healthy" in one for one in again))


def test_a_stream_says_nothing_where_the_page_is_as_it_was(chat, plane, browser):
    with browser.stream("GET", stream_of(browser.get("/envs").text)) as stream:
        assert next(stream.iter_text()) == STILL


def test_a_page_that_another_version_drew_is_asked_for_again(chat, browser):
    answer = browser.get("/live?page=/envs&v=0.0.1")
    assert answer.text == "event: gone\ndata: gone\n\n"


def test_what_followed_the_log_for_pages_ends_with_the_last_of_them(chat, plane, browser):
    with browser.stream("GET", "/live?page=/"):
        wait_for(lambda: plane.count_tasks("Pulse._follow") == 1)
    wait_for(lambda: plane.count_tasks("Pulse._follow") == 0)


_FORM = {"content-type": "application/x-www-form-urlencoded"}


def test_an_environment_and_its_deployment_are_shown(chat, browser):
    page = browser.get("/envs/demo")
    (row,) = browser.get("/envs/demo.json").json()["members"]
    assert row["state"] == "healthy"
    address = f"/deployments/{row['deployment']['id']}"
    assert address in page.text
    shown = browser.get(address)
    assert "starting v1" in shown.text
    story = browser.get(f"{address}.json").json()["story"]
    assert [one["id"] for one in story["containers"]] == [chat]
    assert story["reasons"][0]["kind"] == "deployment.requested"


def test_an_act_shows_its_plan_and_asks_for_the_name_before_it_destroys(own):
    with own.client() as client:
        client.headers.update(_HTML)
        client.post("/v1/sources?name=chat", content=archive(headway__yaml=CHAT))
        client.post("/v1/environments/demo/start", json={"apps": ["chat"]})
        wait_for(lambda: client.get("/envs.json").json()["rows"][0]["state"] == "healthy")
        plan = client.get("/envs/demo/destroy")
        assert "stop run.1 (v1)" in plan.text or "stop web.1 (v1)" in plan.text
        refused = pressed(client, "/envs/demo/destroy", confirm="dem")
        assert refused.status_code == 422
        unseen = client.post("/envs/demo/destroy", headers=_FORM, content="confirm=demo")
        assert unseen.status_code == 200  # its plan, which was not looked at yet
        assert client.get("/envs.json").json()["rows"][0]["state"] == "healthy"
        longer = client.post("/envs/demo/extend", headers=_FORM, content="length=2d")
        assert (longer.status_code, longer.headers["location"]) == (303, "/envs/demo")
        wrong = client.post("/envs/demo/extend", headers=_FORM, content="length=soon")
        assert wrong.status_code == 422
        assert "&#39;soon&#39; is no length of time" in wrong.text
        done = pressed(client, "/envs/demo/destroy", confirm="demo")
        assert (done.status_code, done.headers["location"]) == (303, "/envs")
        wait_for(lambda: client.get("/envs.json").json()["rows"] == [])
        kept = client.get("/envs/demo/apps/chat").headers["location"]
        assert kept.startswith("/envs/demo~")
        assert "destroyed by operator" in client.get(kept).text
        assert client.get("/envs/demo.json").headers["location"] == f"{kept}.json"
        assert client.get("/envs/demo/scale").status_code == 404
        assert client.get("/envs/nothing").status_code == 404
        client.post("/v1/environments/demo/start", json={"apps": ["chat"]})
        assert client.get("/envs/demo").status_code == 200
        assert "destroyed by operator" in client.get(kept).text
        life = client.get("/v1/environments/demo").json()["id"]
        assert client.get(f"/envs/{life}").headers["location"] == "/envs/demo"


def test_who_may_not_act_sees_the_plan_and_why_and_cannot_carry_it_out(chat, plane, client):
    made = client.post("/v1/tokens", json={"name": "visitor", "role": "viewer"})
    assert made.status_code == 200, made.text
    headers = {"authorization": f"Bearer {made.json()['secret']}", **_HTML}
    with plane.anyone(headers=headers) as visitor:
        plan = visitor.get("/envs/demo/stop")
        assert "this needs" in plan.text
        assert "<button disabled" in plan.text
        assert visitor.post("/envs/demo/stop", headers=_FORM, content="").status_code == 403
        form = "only_plan=yes&scale.web=2"
        other = visitor.post("/envs/demo/apps/chat/scale", headers=_FORM, content=form)
        assert other.status_code == 200
        assert "What it would do" in other.text
        assert "this needs" in other.text
        done = visitor.post("/envs/demo/apps/chat/scale", headers=_FORM, content="scale.web=2")
        assert done.status_code == 403


def test_starting_no_app_is_refused_with_why_and_a_form_that_nobody_sent_is_not(chat, browser):
    assert "no app was named" not in browser.get("/start?environment=demo").text
    refused = browser.post("/start", headers=_FORM, content="apps=&environment=demo")
    assert refused.status_code == 422
    assert "no app was named" in refused.text


@pytest.mark.parametrize(
    "said",
    [
        {"more": "OTHER=1\nAPI_KEY=tulip"},
        {"more": " export  API_KEY = tulip"},
        {"more": "API_KEY: tulip"},
        {"more": "API_KEY=", "key": "OTHER", "value": "tulip"},
        {"key": " API_KEY ", "value": "tulip"},
        {"key": "OTHER", "value": "tulip", "secret": "yes"},
    ],
)
def test_what_is_typed_for_a_secret_is_not_drawn_again(chat, browser, said):
    path = "/envs/demo/apps/chat/config"
    first = {"key": "API_KEY", "value": "rose", "secret": "yes", "when": _LATER}
    assert pressed(browser, f"{path}/set", **first).status_code == 303
    shown = browser.post(f"{path}/set", headers=FORM, data={**said, "only_plan": "yes"})
    assert "Set it" in shown.text
    assert "tulip" not in shown.text
    plain = {"more": "OTHER=tulip", "only_plan": "yes"}
    assert "OTHER=tulip" in browser.post(f"{path}/set", headers=FORM, data=plain).text


def test_a_developer_acts_on_the_apps_of_its_team_only(chat, plane, client):
    made = client.post("/v1/tokens", json={"name": "dev", "role": "developer", "teams": ["other"]})
    headers = {"authorization": f"Bearer {made.json()['secret']}", **_HTML}
    with plane.anyone(headers=headers) as developer:
        answer = developer.post("/envs/demo/stop", headers=_FORM, content="")
        assert answer.status_code == 403
        assert "chat belongs to no team" in answer.text


def test_an_app_is_deployed_scaled_and_rolled_back_by_forms_that_show_their_plan(own):
    with own.client() as client:
        client.headers.update(_HTML)
        client.post("/v1/sources?name=chat", content=archive(headway__yaml=CHAT))
        client.post("/v1/environments/demo/start", json={"apps": ["chat"]})

        def shown() -> dict:
            return client.get(f"{here}.json").json()

        def settled() -> bool:
            seen = shown()
            return all(row["ended_at"] for row in seen["deployments"]) and seen["member"]["live"]

        here = "/envs/demo/apps/chat"
        wait_for(settled)
        process = shown()["containers"][0]["process"]

        plan = client.post(
            f"{here}/scale", headers=_FORM, content=f"scale.{process}=3&only_plan=yes"
        )
        assert f"start {process}.3 (v1)" in plan.text
        assert len(shown()["deployments"]) == 1
        scaled = pressed(client, f"{here}/scale", **{f"scale.{process}": "3"})
        assert scaled.headers["location"] == f"/deployments/{shown()['deployments'][0]['id']}"
        wait_for(lambda: shown()["member"]["healthy"] == 3)

        wait_for(settled)
        unseen = client.post(f"{here}/deploy", headers=_FORM, content="what=again")
        assert unseen.status_code == 200
        assert "What it would do" in unseen.text
        assert len(shown()["deployments"]) == 2
        done = pressed(client, f"{here}/deploy", what="again", reason="because")
        assert done.status_code == 303
        wait_for(lambda: shown()["member"]["live"] == 2)
        wait_for(settled)
        assert shown()["deployments"][0]["reason"] == "because"

        assert f"{here}/rollback?release=1" in client.get(here).text
        assert "Roll back to this" in client.get(here).text
        assert f"start {process}.1 (v1)" in client.get(f"{here}/rollback?release=1").text
        pressed(client, f"{here}/rollback", release="1")
        wait_for(lambda: shown()["member"]["live"] == 1)

        for query in ("strategy=sideways", "canary=many"):
            refused = client.post(f"{here}/deploy", headers=_FORM, content=query)
            assert refused.status_code == 422


def test_a_deployment_begins_with_the_newest_source_that_has_not_failed(own):
    here = "/envs/demo/apps/chat"
    with own.client() as client:
        client.headers.update(_HTML)

        def ended(number: int) -> bool:
            last, *_ = client.get(f"{here}.json").json()["deployments"]
            return last["number"] == number and bool(last["ended_at"])

        client.post("/v1/sources?name=chat", content=archive(headway__yaml=CHAT))
        client.post("/v1/environments/demo/start", json={"apps": ["chat"]})
        wait_for(lambda: ended(1))
        broken = f"{CHAT}release: exit 1\n"
        client.post("/v1/sources?name=chat", content=archive(headway__yaml=broken))
        assert pressed(client, f"{here}/deploy", what="newest").status_code == 303
        wait_for(lambda: ended(2))
        form = client.get(f"{here}/deploy").text
        (chosen,) = re.findall(r"<option value=\"sha256-[^\"]+\" selected>([^<]+)", form)
        assert re.match(r"an older source: .+, v1, live · ", chosen)
        assert re.search(r"the newest source: [^<]*, was not kept: [^<]+ · ", form)
        assert "This source was not kept" not in form
        assert "This source was not kept" in client.get(f"{here}/deploy?what=newest").text


def test_a_few_letters_lead_to_a_page(chat, browser):
    assert browser.get("/jump?q=demo/chat").headers["location"] == "/envs/demo/apps/chat"
    assert browser.get(f"/jump?q={chat}").headers["location"].endswith(f"?container={chat}")
    several = browser.get("/jump?q=ch")
    assert {row["kind"] for row in browser.get("/jump.json?q=ch").json()["hits"]} >= {
        "app",
        "member",
    }
    assert "/apps/chat" in several.text
    assert "Nothing fits" in browser.get("/jump?q=zzz").text


def test_the_log_of_events_leads_back_to_the_first_and_can_be_narrowed(chat, browser):
    seen, before = [], ""
    while True:
        page = browser.get(f"/events.json?environment=demo&before={before}").json()
        seen += [row["sequence"] for row in page["events"]]
        before = page["before"]
        if before is None:
            break
    assert seen == sorted(seen, reverse=True)
    by_people = browser.get("/events.json?actor=people&environment=demo").json()["events"]
    assert by_people
    assert all(row["actor"] != "headway" for row in by_people)
    members = browser.get("/envs/demo.json").json()["members"]
    (last,) = [row["deployment"]["id"] for row in members if row["app"] == "chat"]
    assert "deployment asked for" in browser.get(f"/why?thing={last}").text
    assert browser.get("/why").status_code == 422


def test_files_come_packed_where_that_is_understood(browser):
    address = re.search(r'src="(/static/vendor/htmx[^"]+)"', browser.get("/").text)[1]
    packed = browser.get(address, headers={"accept-encoding": "gzip"})
    plain = browser.get(address, headers={"accept-encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.content == plain.content
    assert "content-encoding" not in plain.headers


@contextlib.contextmanager
def messages(plane, address: str) -> Iterator[list[str]]:
    """The messages that a stream brings, as they come."""
    heard: list[str] = []
    enough = threading.Event()

    def listen() -> None:
        with plane.client() as client, client.stream("GET", address) as stream:
            rest = ""
            for text in stream.iter_text():
                *whole, rest = (rest + text).split("\n\n")
                heard.extend(one for one in whole if not one.startswith("event: still"))
                if enough.is_set():
                    return

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    yield heard
    enough.set()
