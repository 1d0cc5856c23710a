"""The guard lets through who reads, names this machine and carries the secret; everything else it refuses."""

import re

import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from lrlc_nas.dashboard.guard import ENTRANCE, Guard, cookie_name, new_token

TOKEN = "the-secret"
BASE = "http://127.0.0.1:8080"
COOKIE = {cookie_name(TOKEN): TOKEN}


async def inner(scope, receive, send):
    """Whatever a careless application would answer."""
    headers = {"Access-Control-Allow-Origin": "*", "Server": "careless", "X-Path": scope["path"]}
    await PlainTextResponse("inside", headers=headers)(scope, receive, send)


def client(*, writable=False, cookies=COOKIE):
    return TestClient(Guard(inner, TOKEN, writable=writable), base_url=BASE, cookies=cookies)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8080", "127.0.0.1", "127.0.0.1:9", "[::1]", "[::1]:8080"])
def test_hosts_of_this_machine_are_served(host):
    assert client().get("/", headers={"Host": host}).text == "inside"


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example:8080",
        "localhost.evil.example",
        "evil.example:127.0.0.1",
        "127.0.0.1:8080@evil.example",
        "127.0.0.1:",
        "",
        "10.0.0.1",
        "0.0.0.0",
        "::1",
    ],
)
@pytest.mark.parametrize("path", ["/", ENTRANCE + "?token=" + TOKEN])
def test_other_hosts_are_refused_even_with_the_secret(host, path):
    answer = client().get(path, headers={"Host": host})
    assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)
    assert "inside" not in answer.text


def test_two_hosts_are_refused():
    answer = client().get("/", headers=[("Host", "127.0.0.1"), ("Host", "evil.example")])
    assert answer.status_code == 403


@pytest.mark.parametrize(
    "path", ["/", "/version", "/studies/1", "/api/studies", "/assets/live.js", "/enter/", "//enter"]
)
@pytest.mark.parametrize("secret", [None, "", "wrong", TOKEN[:-1], TOKEN + "x", "ünï"])
def test_without_the_secret_nothing_is_served(path, secret):
    headers = {} if secret is None else {"Cookie": f"{cookie_name(TOKEN)}={secret}".encode()}
    answer = client(cookies={}).get(path, headers=headers)
    assert (answer.status_code, answer.text) == (
        401,
        "open the address that 'lrlc-nas dashboard' printed when it started\n",
    )


@pytest.mark.parametrize("query", ["", "?token=", "?token=wrong", f"?Token={TOKEN}", "?token=%FF"])
def test_the_entrance_wants_the_secret(query):
    answer = client(cookies={}).get(ENTRANCE + query)
    assert (answer.status_code, "set-cookie" in answer.headers) == (401, False)


def test_the_entrance_gives_a_cookie_that_no_script_and_no_other_site_gets():
    visitor = client(cookies={})
    answer = visitor.get(ENTRANCE, params={"token": TOKEN})
    assert answer.status_code == 200
    name, *attributes = answer.headers["set-cookie"].split("; ")
    assert name == f"{cookie_name(TOKEN)}={TOKEN}"
    assert set(attributes) == {"HttpOnly", "Path=/", "SameSite=strict"}
    assert TOKEN not in answer.text
    assert visitor.get("/").text == "inside"


@pytest.mark.parametrize("method", ["DELETE", "POST", "PUT", "PATCH", "OPTIONS", "TRACE", "CONNECT", "X"])
def test_only_reading_is_let_through(method):
    answer = client().request(method, "/")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
    entrance = client().request(method, ENTRANCE, params={"token": TOKEN})
    assert (entrance.status_code, "set-cookie" in entrance.headers) == (405, False)


@pytest.mark.parametrize("method", ["DELETE", "POST", "PATCH", "OPTIONS"])
def test_writable_means_put_and_no_more(method):
    answer = client(writable=True).request(method, "/", headers={"Origin": BASE})
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, PUT")


@pytest.mark.parametrize(
    "origin", [None, "null", "http://evil.example", "http://127.0.0.1:9", "https://127.0.0.1:8080"]
)
def test_other_origins_cannot_write(origin):
    headers = {} if origin is None else {"Origin": origin}
    assert client(writable=True).put("/", headers=headers).status_code == 403


def test_our_own_pages_can_write():
    assert client(writable=True).put("/", headers={"Origin": BASE}).text == "inside"


@pytest.mark.parametrize("path", ["/", ENTRANCE, "/x"])
@pytest.mark.parametrize("cookies", [{}, COOKIE])
def test_every_answer_keeps_other_sites_out(path, cookies):
    headers = client(cookies=cookies).get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self';")
    assert "frame-ancestors 'none'" in policy
    assert not {"access-control-allow-origin", "server"} & set(headers)


def test_each_start_has_a_secret_and_a_cookie_of_its_own():
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == len({cookie_name(token) for token in tokens}) == 100
    assert all(re.fullmatch(r"[\w-]{43}", token) for token in tokens)
    assert not any(token in cookie_name(token) for token in tokens)
