"""Who may ask what: the guard that stands before every page.

A page that is open in the user's browser can reach a server on this machine, and by DNS rebinding even read its
answers. So each request must name this machine as its host and carry the secret of this start, and only reading is
let through. Optuna's dashboard checks none of these by itself.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders, QueryParams
from starlette.requests import cookie_parser
from starlette.responses import HTMLResponse, PlainTextResponse, Response

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["ENTRANCE", "POLICY", "Guard", "cookie_name", "new_token"]

ENTRANCE = "/enter"
"""The path that takes the secret from the address and gives it to the browser as a cookie."""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The content security policy of whatever brings none: nothing from elsewhere, no script in the page."""

_READING = ("GET", "HEAD")
_WRITING = ("PUT",)
# Any port: a tunnel to another machine may change it, and it protects from nothing.
_THIS_MACHINE = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?", re.IGNORECASE)
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
# A redirect would not do: after a link on another site the browser would follow it without the cookie.
_WELCOME = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="0; url=/">
<title>lrlc-nas</title></head><body><a href="/">Studies</a></body></html>
"""


class Guard:
    """An application behind the guard of one secret; where methods that write may pass, it decides on the paths."""

    def __init__(self, inner: ASGIApp, token: str, *, writable: bool = False) -> None:
        self._inner = inner
        self._token = token
        self._methods = (*_READING, *_WRITING) if writable else _READING

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it; there are no other kinds of connection."""
        if scope["type"] != "http":
            raise ValueError(f"the dashboard speaks HTTP alone; got {scope['type']}")
        answer = self._answer(scope) or self._inner
        await answer(scope, receive, _with_headers(send))

    def _answer(self, scope: Scope) -> Response | None:
        """What the guard answers by itself; None for a request that may pass."""
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or _THIS_MACHINE.fullmatch(hosts[0]) is None:
            return _refusal(403, "this address is not served; use 127.0.0.1")
        if scope["path"] == ENTRANCE:
            return self._enter(scope)
        if not self._is_secret(cookie_parser(headers.get("cookie", "")).get(cookie_name(self._token), "")):
            return _refusal(401, "open the address that 'lrlc-nas dashboard' printed when it started")
        if scope["method"] not in self._methods:
            return _refusal(405, "the dashboard is read only", Allow=", ".join(self._methods))
        if scope["method"] in _WRITING and headers.get("origin") != f"http://{hosts[0]}":
            return _refusal(403, "only pages of the dashboard may write")
        return None

    def _enter(self, scope: Scope) -> Response:
        if scope["method"] not in _READING:
            return _refusal(405, "the entrance is read only", Allow=", ".join(_READING))
        if not self._is_secret(QueryParams(scope["query_string"]).get("token", "")):
            return _refusal(401, "this is not the address that 'lrlc-nas dashboard' printed when it started")
        response = HTMLResponse(_WELCOME)
        response.set_cookie(cookie_name(self._token), self._token, httponly=True, samesite="strict")
        return response

    def _is_secret(self, given: str) -> bool:
        return secrets.compare_digest(given.encode("utf-8", "replace"), self._token.encode())


def new_token() -> str:
    """A secret that nobody can guess."""
    return secrets.token_urlsafe(32)


def cookie_name(token: str) -> str:
    """The name of the cookie: one for each start, because browsers do not tell the ports of a machine apart."""
    return f"lrlc_nas_{hashlib.sha256(token.encode()).hexdigest()[:12]}"


def _refusal(status: int, why: str, **headers: str) -> Response:
    return PlainTextResponse(f"{why}\n", status, headers=headers)


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name in ("access-control-allow-origin", "server"):
                if name in headers:
                    del headers[name]
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return sending
