"""Pages of jobs, runs, queues and schedules, with runs that really run."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from tests.integration.api.control_plane import archive, wait_for
from tests.integration.api.forms import pressed

FORM = {"content-type": "application/x-www-form-urlencoded"}
SHOP = """\
name: shop
jobs:
  greet:
    command: 'read x; echo "<b>hello</b> $x"; echo "::result $x"'
    doc: Greets somebody.
    parameters:
      type: object
      properties: {name: {type: string, description: Whom to greet}, count: {type: integer}}
      required: [name]
      additionalProperties: false
  fail: {command: 'echo no >&2; exit 3', delivery: at_least_once, retries: {most: 0}}
  huge: {command: 'true', resources: {cpu: 500}}
  wait: {command: 'echo waiting; exec sleep 600'}
  talk:
    command: >-
      python3 -c 'for n in range(1200): print(f"line {n}" + "\\x1b[31mred\\x1b[0m" * (n > 1190))'
schedules:
  nightly: {job: greet, cron: '30 2 * * *', timezone: Europe/Berlin, parameters: {name: night}}
"""


@pytest.fixture(scope="session")
def shop(plane) -> str:
    with plane.client() as client:
        sent = client.post("/v1/sources?name=shop", content=archive(headway__yaml=SHOP))
        assert sent.status_code == 200, sent.text
        begun = client.post("/v1/environments/work/start", json={"apps": ["shop"]})
        assert begun.status_code == 200, begun.text
        member = "/v1/environments/work/apps/shop"
        wait_for(lambda: client.get(member).json()["live"] == 1)
    return "work"


@pytest.fixture
def browser(client, shop) -> httpx2.Client:
    client.headers.update({"accept": "text/html"})
    return client


def invoked(browser: httpx2.Client, job: str, **said: str) -> str:
    """Run a job by its form; gives the run's address."""
    address = f"/jobs/work/shop/{job}/invoke"
    page = browser.get(address)
    assert page.status_code == 200
    identity = re.search(r'name="id" value="([^"]+)"', page.text)[1]
    done = browser.post(address, headers=FORM, data={"id": identity, **said})
    assert done.status_code == 303, done.text
    assert done.headers["location"] == f"/runs/{identity}"
    # Sent twice, it is one run.
    again = browser.post(address, headers=FORM, data={"id": identity, **said})
    assert again.headers["location"] == f"/runs/{identity}"
    return f"/runs/{identity}"


def ended(browser: httpx2.Client, address: str, state: str) -> str:
    """Wait until a run is in this state; gives its page."""
    wait_for(lambda: browser.get(f"{address}.json").json()["view"]["run"]["state"] == state, 60)
    return browser.get(address).text


def test_a_job_is_run_by_a_form_made_of_its_schema_and_its_page_shows_it(browser):
    assert 'href="/jobs/work/shop/greet"' in browser.get("/jobs?environment=work").text
    form = browser.get("/jobs/work/shop/greet/invoke").text
    assert "Whom to greet" in form
    assert "name (needed)" in form
    run = invoked(browser, "greet", **{"p.name": "<i>ana</i>", "p.count": "2"})
    page = ended(browser, run, "succeeded")
    assert "&lt;b&gt;hello&lt;/b&gt;" in page
    assert "&lt;i&gt;ana" in page
    assert "<b>hello" not in page
    assert "<i>ana" not in page
    assert "attempt 1" in page
    given = browser.get(f"{run}.json").json()["view"]["run"]["parameters"]
    assert given == {"name": "<i>ana</i>", "count": 2}
    page = browser.get("/jobs/work/shop/greet").text
    assert f'href="{run}"' in page
    assert "half took at most" in page


def test_mistakes_in_parameters_are_told_all_at_once(browser):
    refused = browser.post(
        "/jobs/work/shop/greet/invoke", headers=FORM, data={"p.count": "x", "p.odd": "1"}
    )
    assert refused.status_code == 422
    for part in ("name is missing", "count must be a whole number", "there is no odd"):
        assert part in refused.text


def test_a_run_is_cancelled_and_one_that_failed_is_run_again_with_other_parameters(browser):
    run = invoked(browser, "wait", parameters="{}")
    wait_for(lambda: "waiting</bdi>" in browser.get(run).text, 60)
    assert "SIGTERM" in browser.get(f"{run}/cancel").text
    done = browser.post(f"{run}/cancel", headers=FORM)
    assert (done.status_code, done.headers["location"]) == (303, run)
    assert "/again" in ended(browser, run, "cancelled")
    first = invoked(browser, "greet", **{"p.name": "ana"})
    ended(browser, first, "succeeded")
    form = browser.get(f"{first}/again").text
    assert re.search(r'<textarea name="p.name"[^>]*>\s*ana</textarea>', form)
    again = browser.post(f"{first}/again", headers=FORM, data={"p.name": "bo"})
    assert again.status_code == 303
    other = again.headers["location"]
    # A form that is sent twice at once, or once more later, makes one run; filled in anew, another.
    identity = re.search(r'name="id" value="([^"]+)"', form)[1]
    said = {"id": identity, "p.name": "once"}
    with ThreadPoolExecutor(2) as threads:
        clicks = [
            threads.submit(browser.post, f"{first}/again", headers=FORM, data=said)
            for _ in range(2)
        ]
    places = {click.result().headers["location"] for click in clicks}
    places.add(browser.post(f"{first}/again", headers=FORM, data=said).headers["location"])
    assert len(places) == 1
    rows = browser.get("/runs.json?parameter=name%3Donce").json()["rows"]
    assert [f"/runs/{row['id']}" for row in rows] == [*places]
    anew = browser.post(f"{first}/again", headers=FORM, data={**said, "p.name": "anew"})
    assert anew.headers["location"] not in places
    assert other != first
    assert f'<a href="{first}">' in ended(browser, other, "succeeded")
    assert "bo" in browser.get(other).text


def test_a_run_that_can_never_start_is_said_to_be_so_wherever_it_is_shown(browser):
    run = invoked(browser, "huge", parameters="{}")
    wait_for(lambda: "Runs that can never start" in browser.get("/").text, 60)
    assert f'href="{run}"' in browser.get("/").text
    for page in ("/", "/runs", "/jobs", "/jobs/work/shop/huge"):
        assert "500 cores" in browser.get(page).text, page
    assert "huge can never start" in browser.get("/status").text
    browser.post(f"{run}/cancel", headers=FORM)
    wait_for(lambda: "Runs that can never start" not in browser.get("/").text, 60)


def test_runs_are_found_by_how_they_did_and_by_what_they_were_given(browser):
    run = invoked(browser, "fail", parameters="{}")
    page = ended(browser, run, "dead")
    assert "exit status 3" in page
    assert "no" in browser.get(f"{run}.json").json()["log"][0]["line"]["text"]
    failed = browser.get("/runs?show=failed&environment=work&job=shop/fail").text
    assert f'href="{run}"' in failed
    assert run not in browser.get("/runs?show=succeeded").text
    named = invoked(browser, "greet", **{"p.name": "only-this"})
    rows = browser.get("/runs.json?parameter=name%3Donly-this").json()["rows"]
    assert [f"/runs/{row['id']}" for row in rows] == [named]
    odd = browser.get("/runs?since=then")
    assert odd.status_code == 422


def test_a_long_list_of_runs_goes_on_where_it_ended(browser, plane):
    body = {"environment": "work", "runs": [{"parameters": {"name": f"n{n}"}} for n in range(60)]}
    with plane.client() as client:
        assert client.post("/v1/jobs/shop/greet/runs", json=body).status_code == 200
    first = browser.get("/runs.json?job=shop/greet&environment=work").json()
    assert len(first["rows"]) == 50
    older = re.search(
        r'href="(/runs\?[^"]*before=[^"]+)"', browser.get("/runs?job=shop/greet").text
    )
    page = browser.get(older[1].replace("&amp;", "&"))
    last = first["rows"][-1]["id"]
    assert f'href="/runs/{last}"' not in page.text
    assert page.text.count('class="name" href="/runs/') >= 10


def test_a_queue_is_paused_for_a_reason_and_resumed(browser):
    at = "/queues/work/shop/default"
    assert "Nothing of it starts" in browser.get(f"{at}/pause").text
    done = browser.post(f"{at}/pause", headers=FORM, data={"reason": "<i>mail</i> is down"})
    assert (done.status_code, done.headers["location"]) == (303, at)
    run = invoked(browser, "greet", **{"p.name": "later"})
    page = browser.get("/queues?environment=work").text
    assert "paused by operator: &lt;i&gt;mail&lt;/i&gt; is down" in page
    rows = browser.get("/queues.json?environment=work").json()["rows"]
    assert [row["waiting"] > 0 for row in rows if row["queue"]["name"] == "default"] == [True]
    assert "It waits: " in browser.get(run).text
    browser.post(f"{at}/resume", headers=FORM)
    ended(browser, run, "succeeded")
    assert browser.get("/queues/work/shop/none/pause").status_code == 404


def test_a_schedule_says_its_next_times_where_it_is_at_home_and_is_paused(browser):
    page = browser.get("/schedules").text
    assert "nightly" in page
    assert re.search(r"02:30 CES?T · 0[01]:30 UTC", page)
    at = "/schedules/work/shop/nightly"
    done = browser.post(f"{at}/pause", headers=FORM)
    assert done.status_code == 303
    (row,) = browser.get("/schedules.json?environment=work").json()["rows"]
    assert (row["state"]["paused"], row["next"]) == (True, [])
    assert f"{at}/resume" in browser.get("/schedules").text
    (paused,) = [one for row in browser.get("/jobs.json").json()["rows"] for one in row["paused"]]
    assert (paused["name"], paused["by"]) == ("nightly", "operator")
    assert datetime.now(UTC) - datetime.fromisoformat(paused["at"]) < timedelta(minutes=5)
    page = re.sub(r"<[^>]+>", "", browser.get("/jobs").text)
    assert re.search(r"nightly\s+paused by operator", page)
    browser.post(f"{at}/resume", headers=FORM)
    assert len(browser.get("/schedules.json?environment=work").json()["rows"][0]["next"]) == 30


def test_a_schedule_is_run_now_from_its_page_once_however_often_that_is_pressed(browser):
    at = "/schedules/work/shop/nightly/run"
    assert f'href="{at}"' in browser.get("/schedules").text
    assert f'href="{at}"' in browser.get("/jobs/work/shop/greet").text
    assert "Its times stay as they are" in browser.get(at).text
    form = {"id": "pressed-twice"}
    one, two = (browser.post(at, headers=FORM, data=form) for _ in range(2))
    assert (one.status_code, two.status_code) == (303, 303)
    assert one.headers["location"] == two.headers["location"]
    run = one.headers["location"]
    row = browser.get(f"{run}.json").json()["view"]["run"]
    assert (row["schedule"], row["scheduled_by"]) == ("nightly", "hand")
    assert "by operator, who ran schedule nightly" in browser.get(run).text
    ended(browser, run, "succeeded")


def test_a_client_cannot_say_that_a_schedule_made_its_run(browser):
    for told in ("schedule", "scheduled_by", "again"):
        wish = {"environment": "work", "app": "shop", "runs": [{told: "nightly"}]}
        answer = browser.post("/v1/jobs/greet/runs", headers=FORM, json=wish)
        assert answer.status_code == 422
        assert answer.json()["detail"] == f"the request: there is no runs[0].{told} here"


def test_dead_runs_are_replayed_and_taken_off_after_their_job_was_typed(browser):
    for _ in range(2):
        ended(browser, invoked(browser, "fail", parameters="{}"), "dead")
    heap = {"environment": "work", "job": "shop/fail"}
    page = browser.get("/dead").text
    assert "shop/fail" in page
    plan = browser.get("/dead/empty", params=heap)
    assert "kept as failed" in plan.text
    assert browser.post("/dead/empty", headers=FORM, data=heap).status_code == 422
    dead = {row["id"] for row in browser.get("/dead.json").json()["rows"]}
    done = pressed(browser, "/dead/replay", **heap)
    assert (done.status_code, done.headers["location"]) == (303, "/dead")
    wait_for(lambda: len({row["id"] for row in dead_rows(browser)} - dead) == len(dead))
    browser.post("/dead/empty", headers=FORM, data={**heap, "confirm": "fail"})
    wait_for(lambda: not dead_rows(browser))
    assert "The list is empty" in browser.get("/dead").text


def dead_rows(browser: httpx2.Client) -> list[dict]:
    return browser.get("/dead.json?environment=work").json()["rows"]


def test_a_long_log_of_a_run_is_read_part_by_part_from_any_line_on(browser):
    run = invoked(browser, "talk", parameters="{}")
    page = ended(browser, run, "succeeded")
    assert "line 1199" in page
    assert "line 999<" not in page
    assert "\x1b" not in page
    assert '<span class="red">' in page
    first = browser.get(f"{run}/log.json").json()
    assert [len(first["log"]), first["log"][0]["line"]["text"]] == [500, "line 0"]
    seen, address = 0, f"{run}/log"
    while address:
        text = browser.get(address).text
        seen += text.count(">line ")
        found = re.search(r'href="([^"]+)" rel="next"', text)
        address = found[1].replace("&amp;", "&") if found else ""
    assert seen == 1200
    permalink = re.findall(r'class="at" href="([^"]+)"', browser.get(f"{run}/log").text)[7]
    permalink = permalink.replace("&amp;", "&")
    assert browser.get(permalink).text.index("line 7<") > 0
    assert "line 6<" not in browser.get(permalink).text
    assert browser.get(f"{run}/log?after=x").status_code == 422
