"""Serving pages: the checks every page goes through, in the order in which they must come.

The address, the pace, the sign-in, the role, where a form comes from and its token; then the page's own function, in a
worker thread because databases are asked synchronously. What comes back is turned into an answer here.
"""

from __future__ import annotations

import hmac
import re
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from samechild.errors import Invalid, Refused, Unauthenticated
from samechild.policy.sign_in.sessions import SignedIn, signed_in, title_of
from samechild.web.blocks import Answer, Download, Questions, Redirect, Sheet
from samechild.web.bodies import whole
from samechild.web.faults import WrongMedia, WrongMethod
from samechild.web.files_sent import with_files
from samechild.web.forms import TOKEN_FIELD
from samechild.web.limits import Buckets
from samechild.web.menu import SAID, menu
from samechild.web.origins import check_origin, client_of_request
from samechild.web.render import Surroundings, html
from samechild.web.routes import Page, Sent, check_role
from samechild.web.visits import Shell, Visit

FORM = "application/x-www-form-urlencoded"
FORM_WITH_FILES = "multipart/form-data"
MOST_FIELDS = 200
_OWN_PATH = re.compile(r"/[A-Za-z0-9/_-]*")


def cookie_name(shell: Shell) -> str:
    """The cookie of a sign-in; over https its name makes browsers refuse any other domain or path for it."""
    return "__Host-samechild" if shell.secure else "samechild"


def start_name(shell: Shell) -> str:
    """The cookie of a browser that is about to sign in."""
    return f"{cookie_name(shell)}-start"


def own_path(text: str) -> str:
    """A path of this server to go back to after signing in; the first page when it is anything else."""
    return text if _OWN_PATH.fullmatch(text) and not text.startswith("//") else "/"


def serve(page: Page, shell: Shell, buckets: Buckets) -> Callable[[Request], Awaitable[Response]]:
    """The function that serves one page."""

    async def answer(request: Request) -> Response:
        sent = await _sent(request, page, shell) if request.method == "POST" else None
        return await run_in_threadpool(_answer, page, shell, buckets, request, sent)

    return answer


async def _sent(request: Request, page: Page, shell: Shell) -> Sent:
    """Read a form.

    Raises:
        WrongMedia: when it is not sent as a form.
        Unauthenticated: when a file comes from somebody who is not signed in.
        Invalid: when it has too many fields or is not text. TooSlow: when it does not come in time.
    """
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media == FORM_WITH_FILES and page.files:
        if not request.cookies.get(cookie_name(shell)):
            raise Unauthenticated("You are signed out. Sign in and send it again: nothing of it was kept.")
        return await with_files(request, page.files)
    if media != FORM:
        raise WrongMedia("Send the form as a browser does.")
    body = await whole(request)
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict", encoding="utf-8"
        )
    except ValueError:
        raise Invalid("The form cannot be read. Open the page again and send it from there.") from None
    sent: Sent = {}
    for name, value in pairs:
        sent.setdefault(name, []).append(value)
    return sent


def _answer(page: Page, shell: Shell, buckets: Buckets, request: Request, sent: Sent | None) -> Response:
    now = shell.now()
    token = request.cookies.get(cookie_name(shell), "")
    buckets.take("client", client_of_request(request), time.monotonic())
    signed = _signed(shell, token, now)
    if signed is None and page.who is not None:
        if sent is not None:
            raise Unauthenticated("You are signed out. Sign in and enter it again: what you entered was not kept.")
        return _with_cookies(shell, Redirect(to=f"/sign-in?next={own_path(request.url.path)}"), request)
    if signed is not None:
        buckets.take("account", signed.asker.user, time.monotonic())
        if page.who is not None and not page.before_role:
            if not signed.asker.role:
                return _with_cookies(shell, Redirect(to="/role"), request)
            check_role(page, signed.asker.role)
    start = request.cookies.get(start_name(shell), "")
    visit = Visit(
        shell=shell,
        now=now,
        path=request.url.path,
        named=dict(request.path_params),
        asked=dict(request.query_params),
        signed=signed,
        start=start,
        token=token,
        client=client_of_request(request),
    )
    if sent is None:
        if page.show is None:
            raise WrongMethod("Open the page before this one, and use its button.")
        return respond(page.show(visit), visit, page.part, request)
    if page.do is None:
        raise WrongMethod("There is no form at this address.")
    check_origin(request, shell.address)
    check_token(sent, signed.csrf if signed else start)
    if page.guessed:
        buckets.take("sign-in client", client_of_request(request), time.monotonic())
        account = signed.asker.user if signed else "".join(sent.get(page.guessed, ()))
        buckets.take("sign-in account", account.strip().casefold(), time.monotonic())
    return respond(page.do(visit, sent), visit, page.part, request)


def _signed(shell: Shell, token: str, now: datetime) -> SignedIn | None:
    if not token:
        return None
    try:
        return signed_in(shell.store, token, now)
    except Unauthenticated:
        return None


def check_token(sent: Sent, expected: str) -> None:
    """Let a form in that carries the token of this sign-in (or of this browser, before signing in).

    Raises:
        Refused: when it does not.
    """
    given = (sent.get(TOKEN_FIELD) or [""])[0]
    if not expected or not hmac.compare_digest(given.encode(), expected.encode()):
        raise Refused("This form is out of date. Open the page again and send it from there.")


def respond(answer: Answer, visit: Visit, part: str, request: Request) -> Response:
    """Turn what a page answered into what is sent."""
    if isinstance(answer, Redirect):
        return _with_cookies(visit.shell, answer, request)
    if isinstance(answer, Download):
        headers = {"content-disposition": f'attachment; filename="{answer.name}"'}
        return Response(answer.content, media_type=answer.media, headers=headers)
    return _sheet(answer, visit, part)


def _sheet(sheet: Sheet, visit: Visit, part: str) -> Response:
    signed, shell = visit.signed, visit.shell
    start, fresh = visit.start, False
    if signed is None and not start and any(isinstance(block, Questions) for block in sheet.blocks):
        start, fresh = shell.random(32).hex(), True
    around = Surroundings(
        path=visit.path,
        part=part,
        links=menu(signed.asker.role if signed else ""),
        who=shown_as(signed) if signed else "",
        may_change_role=signed is not None and len(signed.roles) + len(signed.need_second) > 1,
        token=signed.csrf if signed else start,
        demo=shell.demo is not None,
        said=SAID.get(visit.asked.get("done", ""), ""),
    )
    response = HTMLResponse(html(sheet, around), sheet.status)
    if fresh:
        _keep(response, shell, start_name(shell), start, 3600)
    return response


def shown_as(signed: SignedIn) -> str:
    """Who is signed in, as every page says at its top."""
    return ", ".join(words for words in (signed.name, title_of(signed.asker.role), signed.organisation.name) if words)


def _with_cookies(shell: Shell, answer: Redirect, request: Request) -> Response:
    response = RedirectResponse(answer.to, 303)
    if answer.token:
        _keep(response, shell, cookie_name(shell), answer.token, shell.settings.signed_in_hours * 3600)
        _forget(response, shell, start_name(shell))
    if answer.sign_out:
        _forget(response, shell, cookie_name(shell))
        response.headers["clear-site-data"] = '"cache"'
    if answer.start:
        _keep(response, shell, start_name(shell), answer.start, 3600)
    return response


def _keep(response: Response, shell: Shell, name: str, value: str, seconds: int) -> None:
    response.set_cookie(name, value, max_age=seconds, path="/", secure=shell.secure, httponly=True, samesite="lax")


def _forget(response: Response, shell: Shell, name: str) -> None:
    response.delete_cookie(name, path="/", secure=shell.secure, httponly=True, samesite="lax")
