"""Signing a browser in and out, and what others may try meanwhile."""

import re
import sqlite3
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta

import httpx2
import msgspec
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from headway.control.tokens import hashed
from headway.model.session import Link, Session


@contextmanager
def browser(plane, address: str = "127.0.0.1"):
    """A browser that is signed in to nothing, as far as headers and cookies go."""
    transport = httpx2.HTTPTransport(local_address=address, verify=False)
    headers = {"accept": "text/html", "origin": plane.url, "sec-fetch-site": "same-origin"}
    with plane.anyone(headers=headers, transport=transport) as opened:
        yield opened


def link(client) -> str:
    made = client.post("/v1/links")
    assert made.status_code == 200, made.text
    return made.json()["path"].partition("link=")[2]


def sign_in(opened, client) -> None:
    answer = opened.post("/sign-in", data={"link": link(client)})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


@contextmanager
def signed_in(plane, client):
    with browser(plane) as opened:
        sign_in(opened, client)
        yield opened


@pytest.fixture
def ana(plane, client):
    with signed_in(plane, client) as opened:
        yield opened


@pytest.fixture
def viewer(plane, client):
    """Somebody else, by a token."""
    client.request("DELETE", "/v1/tokens/visitor")
    made = client.post("/v1/tokens", json={"name": "visitor", "role": "viewer"}).json()
    headers = {"authorization": f"Bearer {made['secret']}"}
    with plane.anyone(headers=headers) as opened:
        yield opened
    client.request("DELETE", "/v1/tokens/visitor")


def proof(opened) -> str:
    """What a page of this session carries."""
    return re.search(r'name="csrf" value="([^"]+)"', opened.get("/").text)[1]


def rows(plane, table: str, kind):
    with sqlite3.connect(plane.data / "headway.db") as database:
        found = database.execute(f"SELECT doc FROM {table} ORDER BY ordinal").fetchall()
    database.close()
    return [msgspec.json.decode(doc, type=kind) for (doc,) in found]


def change(plane, table: str, row, **fields) -> None:
    key = "id" if table == "sessions" else "hash"
    doc = msgspec.json.encode(msgspec.structs.replace(row, **fields))
    with sqlite3.connect(plane.data / "headway.db") as database:
        database.execute(f"UPDATE {table} SET doc = ? WHERE {key} = ?", (doc, getattr(row, key)))
    database.close()


# --- links ---------------------------------------------------------------------------------------


def test_a_link_signs_in_once_and_is_not_used_up_by_looking(plane, client):
    secret = link(client)
    with browser(plane) as first, browser(plane) as second:
        for _ in range(2):  # a prefetch, and whoever looks at what is pasted into a chat
            page = first.get(f"/sign-in?link={secret}")
            assert page.status_code == 200
            assert "operator" in page.text
            assert not page.headers.get_list("set-cookie")
        assert first.head(f"/sign-in?link={secret}").status_code == 200
        assert first.post("/sign-in", data={"link": secret}).status_code == 303
        assert first.get("/").status_code == 200
        again = second.post("/sign-in", data={"link": secret})
        assert again.status_code == 403
        assert "has been used" in again.text
        assert second.get("/").status_code == 303


def test_a_link_ends_by_itself(plane, client):
    secret = link(client)
    (row,) = (row for row in rows(plane, "links", Link) if row.hash == hashed(secret))
    left = row.expires_at - datetime.now(UTC)
    assert timedelta(minutes=10) < left <= timedelta(minutes=15)
    change(plane, "links", row, expires_at=datetime.now(UTC))
    with browser(plane) as opened:
        assert opened.post("/sign-in", data={"link": secret}).status_code == 403


def test_nothing_that_signs_in_is_stored_or_logged(plane, client, ana, log):
    secrets = [link(client), *ana.cookies.values()]
    with browser(plane) as opened:
        opened.get(f"/sign-in?link={secrets[0]}")
        opened.get(f"/nowhere?link={secrets[0]}")
    for path in [*plane.data.glob("headway.db*"), log]:
        content = path.read_bytes()
        for secret in secrets:
            assert secret.encode() not in content, path


def test_a_page_tells_other_sites_nothing_of_its_address(plane, client):
    with browser(plane) as opened:
        page = opened.get(f"/sign-in?link={link(client)}")
    assert page.headers["referrer-policy"] == "same-origin"
    assert page.headers["cache-control"] == "no-store"
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert "form-action 'self'" in page.headers["content-security-policy"]


def test_whoever_has_a_token_gets_a_link_and_may_no_more_than_before(plane, client, viewer, chat):
    with signed_in(plane, viewer) as opened:
        assert opened.get("/v1/environments/demo").status_code == 200
        stop = f"/v1/containers/{chat}/stop"
        answer = opened.post(stop, headers={"x-csrf-token": proof(opened)})
        assert (answer.status_code, answer.json()["code"]) == (403, "not-allowed")


# --- cookies -------------------------------------------------------------------------------------


def test_the_cookie_is_this_hosts_and_no_scripts(plane, client):
    with browser(plane) as opened:
        answer = opened.post("/sign-in", data={"link": link(client)})
        cookie = answer.headers["set-cookie"]
        assert re.match(r"headway-[0-9a-f]{8}=[\w-]{43}; ", cookie)
        assert {"HttpOnly", "Path=/", "SameSite=lax"} <= set(cookie.split("; "))
        assert "Domain" not in cookie


def test_behind_a_proxy_that_speaks_https_the_cookie_never_leaves_it(plane, client):
    with browser(plane) as opened:
        opened.headers["origin"] = plane.url.replace("http:", "https:")
        cookie = opened.post("/sign-in", data={"link": link(client)}).headers["set-cookie"]
        assert cookie.startswith("__Host-headway-")
        assert "; Secure" in cookie
        name, _, secret = cookie.partition(";")[0].partition("=")
        opened.cookies.clear()
        tossed = f"{name.removeprefix('__Host-')}=tossed"
        answer = opened.get("/", headers={"cookie": f"{tossed}; {name}={secret}"})
        assert answer.status_code == 200


def test_a_cookie_that_another_host_has_set_too_is_believed_by_nobody(plane, ana):
    ((name, secret),) = ana.cookies.items()
    with browser(plane) as opened:
        alone = opened.get("/", headers={"cookie": f"{name}={secret}"})
        both = opened.get("/", headers={"cookie": f"{name}=other; {name}={secret}"})
        assert (alone.status_code, both.status_code) == (200, 303)


def test_who_was_given_a_session_gets_another_by_signing_in(plane, client, ana):
    """Else who planted theirs would be in it, too."""
    ((name, planted),) = ana.cookies.items()
    with browser(plane) as victim:
        answer = victim.post(
            "/sign-in", data={"link": link(client)}, headers={"cookie": f"{name}={planted}"}
        )
        assert answer.headers["set-cookie"].startswith(f"{name}=")
        assert planted not in answer.headers["set-cookie"]
    assert ana.get("/").status_code == 303, "the planted one has ended"


def test_a_cookie_is_good_under_our_names_only(ana):
    for host in ("evil.example", "headway.localhost.evil.example"):
        answer = ana.get("/", headers={"host": host})
        assert (answer.status_code, answer.json()["code"]) == (400, "host-unknown")


# --- acting --------------------------------------------------------------------------------------


def test_what_changes_something_needs_what_only_our_page_knows(plane, client, ana):
    wish = {"name": "forged", "role": "operator"}
    given = proof(ana)
    forged = {
        "nothing": {},
        "something": {"x-csrf-token": "x" * 64},
        "letters": {"x-csrf-token": "é".encode("latin-1")},
        "another site": {"x-csrf-token": given, "origin": "http://evil.example"},
        "another port": {"x-csrf-token": given, "origin": "http://127.0.0.1:1"},
        "a sandboxed frame": {"x-csrf-token": given, "origin": "null"},
        "the same site": {"x-csrf-token": given, "sec-fetch-site": "same-site"},
        "a cross site": {"x-csrf-token": given, "sec-fetch-site": "cross-site"},
    }
    for name, headers in forged.items():
        answer = ana.post("/v1/tokens", json=wish, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "forged"), name
    silent = {"x-csrf-token": given, "cookie": cookies(ana)}
    with plane.anyone(headers=silent) as quiet:
        answer = quiet.post("/v1/tokens", json=wish)
    assert answer.json()["code"] == "forged", "no browser leaves both headers out"
    for kind in ("text/plain", "multipart/form-data; boundary=x", "application/json"):
        body = f'{{"name": "forged", "role": "operator", "csrf": "{given}"}}'
        answer = ana.post("/v1/tokens", content=body, headers={"content-type": kind})
        assert answer.json()["code"] == "forged", kind
    assert "forged" not in client.get("/v1/tokens").text
    made = ana.post("/v1/tokens", json=wish, headers={"x-csrf-token": given})
    assert made.status_code == 200
    client.request("DELETE", "/v1/tokens/forged")


def cookies(opened) -> str:
    return "; ".join(f"{name}={value}" for name, value in opened.cookies.items())


def test_the_proof_of_one_session_is_none_of_another(plane, client, ana):
    with signed_in(plane, client) as bob:
        answer = bob.post("/sign-out", data={"csrf": proof(ana)})
        assert answer.status_code == 403
        assert bob.get("/").status_code == 200
        twice = f"csrf={proof(bob)}&csrf={proof(ana)}"
        kind = {"content-type": "application/x-www-form-urlencoded"}
        assert bob.post("/sign-out", content=twice, headers=kind).status_code == 403
        many = "a=1&" * 300 + f"csrf={proof(bob)}"
        assert bob.post("/sign-out", content=many, headers=kind).status_code == 403


def test_nobody_is_signed_in_by_a_page_of_another_site(plane, client):
    with browser(plane) as opened:
        for headers in ({"origin": "http://evil.example"}, {"sec-fetch-site": "cross-site"}):
            answer = opened.post("/sign-in", data={"link": link(client)}, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (403, "forged")


def test_a_token_needs_no_proof_and_no_cookie_helps_a_wrong_one(client, ana):
    evil = {"origin": "http://evil.example", "sec-fetch-site": "cross-site"}
    assert client.post("/v1/links", headers=evil).status_code == 200
    wrong = {"authorization": "Bearer hw_wrong"}
    assert ana.get("/v1/apps", headers=wrong).status_code == 401


def test_a_browser_runs_no_command_in_a_container(plane, ana, chat):
    address = f"{plane.url.replace('http', 'ws')}/v1/containers/{chat}/exec?argv=true"
    sent = {"cookie": cookies(ana), "origin": plane.url}
    with connect(address, additional_headers=sent, proxy=None) as socket:
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(10)
        assert closed.value.rcvd.code == 4403


def test_a_form_that_is_too_large_is_refused_as_such(ana):
    kind = {"content-type": "application/x-www-form-urlencoded"}
    answer = ana.post("/sign-out", content=iter([b"a" * 600_000] * 2), headers=kind)
    assert answer.status_code == 413


# --- where to ------------------------------------------------------------------------------------


def test_a_page_without_a_session_leads_to_where_one_signs_in_and_back(plane, client):
    with browser(plane) as opened:
        answer = opened.get("/apps?q=a b&x=1")
        assert answer.status_code == 303
        assert answer.headers["location"] == "/sign-in?next=/apps%3Fq%3Da%2520b%26x%3D1"
        page = opened.get(answer.headers["location"])
        then = re.search(r'name="next" value="([^"]+)"', page.text)[1].replace("&amp;", "&")
        form = {"token": plane.token, "next": then}
        assert opened.post("/sign-in", data=form).headers["location"] == "/apps?q=a%20b&x=1"
        assert opened.get("/sign-in?next=/envs").headers["location"] == "/envs"
    with browser(plane) as opened:
        for path in ("/.json", "/envs.json", "/v1/apps", "/live?page=/", "/metrics"):
            assert opened.get(path).status_code == 401, path


@pytest.mark.parametrize(
    "then",
    [
        "//evil.example",
        "/\\evil.example",
        "\\/evil.example",
        "https://evil.example",
        "javascript:alert(1)",
        "/\t/evil.example",
        "/a\r\nset-cookie: x=y",
        " //evil.example",
        "evil.example",
        "/" + "a" * 3000,
    ],
)
def test_signing_in_leads_to_no_other_site(plane, client, then):
    with browser(plane) as opened:
        answer = opened.post("/sign-in", data={"link": link(client), "next": then})
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        answer = opened.get("/sign-in", params={"next": then})
        assert answer.headers["location"] == "/"


# --- the end -------------------------------------------------------------------------------------


def test_signing_out_ends_the_session(plane, ana):
    kept = cookies(ana)
    answer = ana.post("/sign-out", data={"csrf": proof(ana)})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert not ana.cookies
    with browser(plane) as thief:
        assert thief.get("/", headers={"cookie": kept}).status_code == 303


def test_a_session_ends_with_its_token_and_so_does_its_stream(plane, client, viewer):
    name = "visitor"
    with signed_in(plane, viewer) as opened:
        opened.get("/")
        with opened.stream(
            "GET", "/v1/events?heartbeat=0.1", headers={"accept": "text/event-stream"}
        ) as stream:
            lines = stream.iter_lines()
            assert next(lines)
            assert client.request("DELETE", f"/v1/tokens/{name}").status_code == 200
            with suppress(httpx2.RemoteProtocolError):
                for line in lines:
                    assert "data" not in line, "nothing is told any more"
        assert opened.get("/").status_code == 303


def test_a_command_in_a_container_ends_with_its_token(plane, client, chat):
    client.request("DELETE", "/v1/tokens/brief")
    made = client.post("/v1/tokens", json={"name": "brief", "role": "operator"}).json()
    address = f"{plane.url.replace('http', 'ws')}/v1/containers/{chat}/exec?argv=cat"
    headers = {"authorization": f"Bearer {made['secret']}"}
    with connect(address, additional_headers=headers, proxy=None) as socket:
        socket.send(b"\0hello")
        assert socket.recv(10) == b"\1hello"
        client.request("DELETE", "/v1/tokens/brief")
        socket.send(b"\0more")
        with pytest.raises(ConnectionClosed):
            socket.recv(10)


def brief(client) -> tuple[dict[str, str], datetime]:
    """Give what a token is sent by that is good for ten seconds, and when it no longer is."""
    client.request("DELETE", "/v1/tokens/brief")
    wish = {"name": "brief", "role": "operator", "length_s": 10}
    made = client.post("/v1/tokens", json=wish).json()
    until = datetime.fromisoformat(made["token"]["expires_at"])
    return {"authorization": f"Bearer {made['secret']}"}, until


def test_a_command_in_a_container_ends_when_its_token_expires_though_nobody_says_a_word(
    plane, client, chat
):
    address = f"{plane.url.replace('http', 'ws')}/v1/containers/{chat}/exec?argv=cat"
    headers, until = brief(client)
    with connect(address, additional_headers=headers, proxy=None) as socket:
        socket.send(b"\0hello")
        assert socket.recv(10) == b"\1hello"
        with pytest.raises(ConnectionClosed):
            socket.recv(60)
        assert datetime.now(UTC) >= until, "it ended for another reason"


@pytest.mark.parametrize("path", ["/v1/events", "/v1/environments/demo/logs?app=chat&follow=true"])
def test_a_stream_ends_when_its_token_expires(plane, client, chat, path):
    headers, until = brief(client)
    join = "&" if "?" in path else "?"
    with (
        plane.anyone(headers={**headers, "accept": "text/event-stream"}) as other,
        other.stream("GET", f"{path}{join}heartbeat=0.1") as stream,
    ):
        assert stream.status_code == 200
        lines = stream.iter_lines()
        assert next(lines)
        with suppress(httpx2.RemoteProtocolError):
            for _ in lines:
                pass
        assert datetime.now(UTC) >= until, "it ended for another reason"
    assert client.get("/healthz").status_code == 200


def test_sessions_are_listed_and_ended_by_their_owner_or_an_operator(plane, client, viewer, ana):
    with signed_in(plane, viewer) as opened:
        mine = viewer.get("/v1/sessions").json()
        assert {row["name"] for row in mine} == {"visitor"}
        everybodys = client.get("/v1/sessions").json()
        assert len({row["name"] for row in everybodys}) == 2
        assert "hash" not in everybodys[0]
        (anas, *_) = (row for row in everybodys if row["name"] != "visitor")
        answer = viewer.request("DELETE", f"/v1/sessions/{anas['id']}")
        assert (answer.status_code, answer.json()["code"]) == (403, "not-allowed")
        assert viewer.request("DELETE", f"/v1/sessions/{mine[0]['id']}").status_code == 200
        assert opened.get("/").status_code == 303


@pytest.mark.parametrize(
    "fields",
    [
        {"expires_at": datetime.now(UTC)},
        {"seen_at": datetime.now(UTC) - timedelta(days=8)},
    ],
)
def test_a_session_ends_by_itself_and_when_it_is_not_used(plane, client, fields):
    with signed_in(plane, client) as opened:
        change(plane, "sessions", rows(plane, "sessions", Session)[-1], **fields)
        assert opened.get("/").status_code == 303


def test_wrong_tokens_are_taken_slowly_and_links_all_the_same(plane, client):
    with browser(plane, "127.0.0.7") as opened:
        answers = [opened.post("/sign-in", data={"token": f"hw_{n}"}) for n in range(11)]
        assert [answer.status_code for answer in answers] == [403] * 10 + [429]
        assert opened.post("/sign-in", data={"token": plane.token}).status_code == 429
        sign_in(opened, client)
    with browser(plane) as elsewhere:
        assert elsewhere.post("/sign-in", data={"token": plane.token}).status_code == 303


def test_the_oldest_link_makes_way(plane, client):
    first = link(client)
    for _ in range(100):
        link(client)
    assert len(rows(plane, "links", Link)) <= 100
    with browser(plane) as opened:
        assert opened.post("/sign-in", data={"link": first}).status_code == 403


def test_what_a_browser_calls_itself_harms_nobody(plane, client):
    with browser(plane) as opened:
        headers = {"user-agent": b"<script>\x9b31m" + b"x" * 5000}
        opened.post("/sign-in", data={"link": link(client)}, headers=headers)
    agent = client.get("/v1/sessions").json()[-1]["agent"]
    assert len(agent) == 200
    assert agent.startswith("<script>31m")
