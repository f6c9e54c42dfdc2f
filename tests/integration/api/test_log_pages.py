"""Pages of log lines: turned back, searched, followed."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.integration.api.control_plane import ControlPlane, archive, wait_for
from tests.integration.api.test_pages import _HTML, messages, stream_of

_WRITER = """\
name: {name}
run: {{type: process, command: '{command}; touch /tmp/done; exec sleep 600'}}
"""
_LINES = 1000
_COLOURED = "\x1b[31mer\x1b[0mror in colour\n"
_LONG_AGO = timedelta(seconds=2)


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> Iterator[ControlPlane]:
    """Two apps: one that wrote a thousand lines, and one that wrote a few, some of them bad."""
    folder = tmp_path_factory.mktemp("logs")
    folder.chmod(0o755)
    plane = ControlPlane(folder / "data")
    plane.start()
    evil = Path(__file__).parent.parent.parent / "data" / "hostile_lines.txt"
    with plane.client() as client:
        for name, command, files in (
            ("many", f'seq -f "line %g of it" 1 {_LINES}', {}),
            ("few", "cat lines.txt", {"lines__txt": _COLOURED + evil.read_text()}),
        ):
            text = _WRITER.format(name=name, command=command)
            sent = client.post(
                f"/v1/sources?name={name}", content=archive(headway__yaml=text, **files)
            )
            assert sent.status_code == 200, sent.text
        client.post("/v1/environments/demo/start", json={"apps": ["many", "few"]})
        wait_for(lambda: "of it" in client.get("/envs/demo/logs?app=many", headers=_HTML).text)
        wait_for(lambda: "the end" in client.get("/envs/demo/logs?app=few", headers=_HTML).text)
        wait_for(lambda: client.get("/envs.json").json()["rows"][0]["state"] == "healthy")
    yield plane
    plane.clear()


def texts(answer) -> list[str]:
    return [row["entry"]["line"]["text"] for row in answer.json()["rows"]]


def test_the_last_lines_come_first_and_pages_lead_back_to_the_first_line(written):
    with written.client() as client:
        seen: list[str] = []
        before = ""
        for _ in range(10):
            page = client.get(f"/envs/demo/logs.json?app=many&before={before}")
            seen = [*texts(page), *seen]
            before = page.json()["before"]
            if not before:
                break
    assert seen == [f"line {number} of it" for number in range(1, _LINES + 1)]


def test_only_lines_that_fit_are_given_from_wherever_they_are(written):
    with written.client() as client:
        page = client.get("/envs/demo/logs.json?app=many&text=LINE 7 of")
        assert texts(page) == ["line 7 of it"]
        assert page.json()["searched"] == _LINES
        assert texts(client.get("/envs/demo/logs.json?text=nowhere to be found")) == []


def test_a_word_is_found_as_it_is_shown_however_it_is_coloured(written):
    with written.client() as client:
        page = client.get("/envs/demo/logs.json?app=few&text=ERROR in")
        assert texts(page) == [_COLOURED.strip()]
        assert texts(client.get("/envs/demo/logs.json?text=[31m")) == []


def test_a_line_s_own_page_has_it_with_what_is_around(written):
    with written.client() as client:
        rows = client.get("/envs/demo/logs.json?app=many&text=line 500 of").json()["rows"]
        page = client.get(rows[0]["url"], headers=_HTML)
    assert page.text.count('id="chosen"') == 1
    for number in (450, 500, 550):
        assert f"line {number} of it" in page.text
    assert "line 600 of it" not in page.text


def test_what_a_program_writes_can_do_no_harm(written):
    with written.client() as client:
        page = client.get("/envs/demo/logs?app=few", headers=_HTML).text
    body = page[page.index('<ol class="log"') : page.index("</ol>", page.index('<ol class="log"'))]
    assert "<script" not in body
    assert "<img" not in body
    assert "</template" not in body
    assert "<hx-" not in body
    assert not any(ord(one) < 32 and one != "\n" for one in body)
    assert "\u202e" not in body
    assert '<span class="red">really red</span>' in body
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in body


def test_new_lines_are_sent_as_they_are_written_and_none_twice(written):
    with written.client() as client:
        address = stream_of(client.get("/envs/demo/logs?app=many", headers=_HTML).text)
        with messages(written, address) as heard:
            for number in range(3):
                client.post(
                    "/v1/environments/demo/apps/many/deployments", json={"kind": "redeploy"}
                )
                wait_for(
                    lambda number=number: (
                        sum(one.count("line 1000 of it") for one in heard) == number + 1
                    )
                )
        assert all('hx-target="#lines" hx-swap="beforeend"' in one for one in heard)
        assert sum(one.count("line 1 of it") for one in heard) == 3


def test_a_container_that_began_before_the_stream_was_opened_is_heard_from_its_first_line(written):
    with written.client() as client:
        address = stream_of(client.get("/envs/demo/logs?app=few", headers=_HTML).text)
        began = client.post(
            "/v1/environments/demo/apps/few/deployments", json={"kind": "redeploy"}
        ).json()["deployments"][0]
        wait_for(
            lambda: client.get(f"/v1/deployments/{began['id']}").json()["phase"] == "succeeded"
        )
        with messages(written, address) as heard:
            wait_for(lambda: sum(one.count("the end") for one in heard) == 1)
        assert sum(one.count("really red") for one in heard) == 1


def test_who_was_away_for_more_than_a_page_of_lines_is_shown_the_last_ones(written):
    def last() -> dict:
        return client.get("/envs/demo/logs.json?app=many").json()["rows"][-1]["entry"]

    with written.client() as client:
        address = stream_of(client.get("/envs/demo/logs?app=many", headers=_HTML).text)
        before = last()["container"]
        client.post("/v1/environments/demo/apps/many/deployments", json={"kind": "redeploy"})
        wait_for(lambda: (one := last())["container"] != before and "1000" in one["line"]["text"])
        fresh = client.get("/envs/demo/logs?app=many", headers=_HTML).text
        with messages(written, address) as heard:
            wait_for(lambda: any("line 1000 of it" in one for one in heard))
        (first, *_) = heard
    assert 'hx-target="#lines" hx-swap="innerHTML"' in first
    assert re.findall(r"line \d+ of it", first) == re.findall(r"line \d+ of it", fresh)


def test_who_follows_on_is_not_sent_what_others_wrote_long_ago(written):
    """The stream that broke off had lines of one app only: the other had written nothing since."""
    with written.client() as client:
        many = client.get("/envs/demo/logs.json?app=many").json()["rows"][-1]["entry"]["line"]
        wait_for(lambda: datetime.now(UTC) > datetime.fromisoformat(many["at"]) + _LONG_AGO)
        began = client.post(
            "/v1/environments/demo/apps/few/deployments", json={"kind": "redeploy"}
        ).json()["deployments"][0]
        wait_for(
            lambda: client.get(f"/v1/deployments/{began['id']}").json()["phase"] == "succeeded"
        )
        wait_for(lambda: "the end" in client.get("/envs/demo/logs?app=few", headers=_HTML).text)
        row = client.get("/envs/demo/logs.json?app=few").json()["rows"][-1]["entry"]
        after = f"{row['container']}:{row['line']['cursor']}"
        follow = f"/v1/environments/demo/logs?follow=true&after={after}"
        with client.stream("GET", follow, headers={"accept": "text/event-stream"}) as answer:
            client.post("/v1/environments/demo/apps/few/deployments", json={"kind": "redeploy"})
            heard: list[str] = []
            for line in answer.iter_lines():
                heard.append(line)
                if "the end" in line:
                    break
    assert not [line for line in heard if "of it" in line]
