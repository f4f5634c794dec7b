"""May this request be answered, and what may the browser do with the answer? Asked before any page sees it.

Both of the grader's pages (review, service) stand behind this guard. It refuses a request for another host (DNS
rebinding), one that another site or another port of this machine made (CSRF), and one in a frame (clickjacking);
it gives every browser a secret cookie, and every answer the headers that forbid scripts, frames and guesses.

    app = FastAPI(...)
    guarded(app, ["127.0.0.1", "localhost"], cookie="grader_review")
    browser_of(request).csrf      # for forms: <input type="hidden" name="csrf" value="..."> as the FIRST field
    browser_of(request).digest    # what a session is kept by; the cookie itself is never kept
    browser_of(request).renew()   # at every sign-in and sign-out
"""

from __future__ import annotations

import hashlib
import hmac
import html
import logging
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import field
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from grader.frozen import dataclass

log = logging.getLogger(__name__)

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS"))
CSRF_FIELD, CSRF_HEADER = "csrf", "X-CSRF-Token"
MAX_FORM_BYTES = 1 << 20  # of a form without files; files are for multipart forms, which are not held here
_FIRST_FIELD_BYTES = 4096  # where a multipart form must have shown its token
_VALUE = re.compile(r"[A-Za-z0-9_-]{43}")  # 256 bits

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # not no-referrer: a browser then sends "Origin: null" with our own forms, as with a stranger's
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "Cache-Control": "no-store",
}


@dataclass
class Browser:
    """One browser, known by a secret in its cookie. Nobody is signed in by it alone: see `grader.web.people`."""

    value: str
    is_to_be_sent: bool = False

    @classmethod
    def new(cls) -> Browser:
        """A browser that was not seen before."""
        return cls(secrets.token_urlsafe(32), is_to_be_sent=True)

    @property
    def digest(self) -> str:
        """What may be kept of it: SHA-256 of the cookie, in hex."""
        return hashlib.sha256(self.value.encode()).hexdigest()

    @property
    def csrf(self) -> str:
        """What a form of ours shows: another site can read neither it nor the cookie that it is made of."""
        return hmac.new(self.value.encode(), b"csrf", hashlib.sha256).hexdigest()

    def renew(self) -> None:
        """Another secret from here on: one that was planted before a sign-in is worth nothing behind it."""
        self.value, self.is_to_be_sent = secrets.token_urlsafe(32), True


def browser_of(request: HTTPConnection) -> Browser:
    """The browser that a request came from. Only behind the guard."""
    found = request.scope["state"]["browser"]
    assert isinstance(found, Browser)  # noqa: S101  the guard put it there
    return found


def guarded(app: Starlette, hosts: Iterable[str], *, cookie: str, days: float = 14, is_https: bool = False) -> None:
    """Put the guard before every page of `app`. `hosts` are the names that it may be called by, without ports.

    `cookie` names the cookie: review and service on one machine must not take each other's, for ports share them.
    """
    app.add_middleware(
        Guard, hosts=tuple(hosts), cookie=cookie, max_age_s=int(days * 86_400), is_https=is_https
    )  # fmt: skip


@dataclass
class Guard:
    """The guard as ASGI middleware: what it lets through is not held back, so uploads can be streamed."""

    app: ASGIApp
    hosts: tuple[str, ...] = LOOPBACK
    cookie: str = "grader"
    max_age_s: int = 14 * 86_400
    is_https: bool = False
    _names: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self._names = frozenset(host.lower().strip("[]") for host in self.hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})  # there is none
                return
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        browser = self._browser(headers)
        scope.setdefault("state", {})["browser"] = browser
        refused: ASGIApp | None = self._host_refused(headers) or self._origin_refused(scope["method"], headers)
        if refused is None and self._is_link_from_elsewhere(scope["method"], headers):
            refused = _Again(scope)
        if refused is None and scope["method"] not in SAFE_METHODS and not self._is_bearer(headers):
            receive, is_right = await _token_is_right(headers, receive, browser)
            if not is_right:
                refused = Refusal(403, "the form carries no valid token", "load the page anew and send it again")
        if refused is not None:
            # The browser may well have a cookie that it kept back from a stranger's request: another one in its place
            # would sign out who is signed in.
            browser.is_to_be_sent = False
        sending = _Sending(send, browser, self)
        try:
            await (refused or self.app)(scope, receive, sending)
        except Exception:
            if sending.is_begun:
                raise
            log.exception("%s %s failed", scope["method"], scope["path"])
            await Refusal(500, "this is a bug in grader", "see where the command runs, and report it")(
                scope, receive, sending
            )

    def _browser(self, headers: Headers) -> Browser:
        """By its cookie; one without, or with a value that is none of ours, is new."""
        found = cookie_value(headers, self.cookie)
        return Browser(found) if _VALUE.fullmatch(found) else Browser.new()

    def _host_refused(self, headers: Headers) -> ASGIApp | None:
        """A page that calls itself by another name is a stranger's, whatever address that name leads to."""
        named = headers.getlist("host")
        host = _host_of(named[0]) if len(named) == 1 else ""
        if host in self._names:
            return None
        fix = "open it at the address that the command printed, or name this host with --host-name"
        return Refusal(421, "this is not the address that the grader answers to", fix)

    def _origin_refused(self, method: str, headers: Headers) -> ASGIApp | None:
        """Who asks: a browser says so in headers that no page can set. Another port of this host is another site."""
        site, mode = headers.get("sec-fetch-site", ""), headers.get("sec-fetch-mode", "")
        destination = headers.get("sec-fetch-dest", "")
        stranger = Refusal(403, "another site sent this request", "open the page itself and do it there")
        is_foreign = site in ("cross-site", "same-site")
        if method in SAFE_METHODS:
            is_link = mode == "navigate" and destination in ("", "document")
            return stranger if is_foreign and not is_link else None
        origin = headers.get("origin")
        if is_foreign or (origin is not None and urlsplit(origin).netloc.lower() != headers["host"].lower()):
            return stranger
        return None

    def _is_bearer(self, headers: Headers) -> bool:
        """A program with a token of its own: no browser sends one unasked, so there is nothing to forge."""
        is_token = headers.get("authorization", "").lower().startswith("bearer ")
        return is_token and not cookie_value(headers, self.cookie)

    def _is_link_from_elsewhere(self, method: str, headers: Headers) -> bool:
        """A link in a mail or chat: SameSite=Strict keeps the cookie back, so nobody is signed in yet."""
        return (
            method == "GET"
            and headers.get("sec-fetch-site") == "cross-site"
            and headers.get("sec-fetch-mode") == "navigate"
            and not cookie_value(headers, self.cookie)
        )

    def set_cookie(self, browser: Browser) -> str:
        secure = "; Secure" if self.is_https else ""
        return f"{self.cookie}={browser.value}; Path=/; Max-Age={self.max_age_s}; HttpOnly; SameSite=Strict{secure}"


@dataclass
class _Sending:
    """Sends an answer on with the headers that every answer has."""

    send: Send
    browser: Browser
    guard: Guard
    is_begun: bool = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.is_begun = True
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            is_page = headers.get("content-type", "").startswith("text/html")
            if self.browser.is_to_be_sent and (is_page or 300 <= message["status"] < 400):
                headers.append("set-cookie", self.guard.set_cookie(self.browser))
        await self.send(message)


@dataclass(frozen=True)
class Refusal:
    """A refused request's answer: what is so, and what to do. Nothing that was sent is said again."""

    status: int
    what: str
    fix: str

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del scope, receive
        said = f"<h1>Refused</h1><p>{html.escape(self.what)}<p>fix: {html.escape(self.fix)}"
        await _send_page(send, self.status, said)


@dataclass(frozen=True)
class _Again:
    """Asks the browser to open the same page once more, this time from here: then the cookie comes along."""

    wanted: Scope

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del scope, receive
        query = self.wanted.get("query_string", b"").decode("latin-1")
        path = re.sub("/+", "/", quote(self.wanted["path"]))  # never //host
        url = html.escape(path + (f"?{query}" if query else ""), quote=True)
        head = f'<meta http-equiv="refresh" content="0; url={url}">'
        await _send_page(send, 200, f'<p><a href="{url}">Open the page</a>', head)


async def _send_page(send: Send, status: int, said: str, head: str = "") -> None:
    body = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>grader</title>{head}<main>{said}</main></html>'
    ).encode()
    headers = [(b"content-type", b"text/html; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def cookie_value(headers: Mapping[str, str], name: str) -> str:
    """The value of a cookie, empty where there is none.

    >>> cookie_value({"cookie": "a=1; grader=2"}, "grader")
    '2'
    """
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(name)
    except CookieError:
        return ""
    return found.value if found is not None else ""


def _host_of(value: str) -> str:
    """The name in a Host header, lower case, without port and brackets; empty for what is none.

    >>> _host_of("127.0.0.1:8000"), _host_of("[::1]:80"), _host_of("LOCALHOST"), _host_of("a@b"), _host_of("a:b")
    ('127.0.0.1', '::1', 'localhost', '', '')
    """
    found = re.fullmatch(r"(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::\d{1,5})?", value.lower())
    return (found[1] or found[2]) if found else ""


# --- the token of a form -------------------------------------------------------------------------


async def _token_is_right(headers: Headers, receive: Receive, browser: Browser) -> tuple[Receive, bool]:
    """Whether the token is there, in the header or in the form; and what gives the body again as it came."""
    shown = headers.get(CSRF_HEADER)
    if shown is None:
        kind = headers.get("content-type", "").partition(";")
        if kind[0].strip().lower() == "application/x-www-form-urlencoded":
            body, receive = await _read(receive, MAX_FORM_BYTES, is_whole=True)
            shown = _of_form(body)
        elif kind[0].strip().lower() == "multipart/form-data":
            body, receive = await _read(receive, _FIRST_FIELD_BYTES, is_whole=False)
            shown = _of_multipart(body, kind[2])
    is_right = shown is not None and hmac.compare_digest(shown.encode(errors="replace"), browser.csrf.encode())
    return receive, is_right and not browser.is_to_be_sent  # a browser without our cookie cannot have a token of ours


async def _read(receive: Receive, limit: int, *, is_whole: bool) -> tuple[bytes, Receive]:
    """The body up to `limit` bytes (nothing of a longer one that is wanted whole), and what gives it again."""
    held: list[Message] = []
    body = b""
    while len(body) < limit and (not held or held[-1].get("more_body", False)):
        held.append(await receive())
        body += held[-1].get("body", b"")
    if is_whole and (len(body) > limit or (held and held[-1].get("more_body", False))):
        body = b""
    messages = iter(held)

    async def again() -> Message:
        message = next(messages, None)
        return message if message is not None else await receive()

    return body[:limit], again


def _of_form(body: bytes) -> str | None:
    try:
        fields: dict[str, list[Any]] = parse_qs(body.decode(), max_num_fields=1000)
    except ValueError:
        return None
    found = fields.get(CSRF_FIELD, [])
    return found[0] if len(found) == 1 else None


def _of_multipart(body: bytes, parameters: str) -> str | None:
    r"""The token where it is the form's first field, as a browser sends the first input of a form; else None.

    >>> sent = b'--x\r\nContent-Disposition: form-data; name="csrf"\r\n\r\nabc\r\n--x'
    >>> _of_multipart(sent, " boundary=x"), _of_multipart(sent, " boundary=y")
    ('abc', None)
    """
    boundary = re.search(r"boundary=\"?([^\s\";,]{1,70})\"?", parameters)
    if boundary is None:
        return None
    head = rf'--{re.escape(boundary[1])}\r\nContent-Disposition: form-data; name="{CSRF_FIELD}"\r\n\r\n'
    found = re.match(head.encode() + rb"([0-9a-f]{1,128})\r\n--", body, re.IGNORECASE)
    return found[1].decode() if found else None
