"""The web application put together: pages, API, static files, and what stands around every answer.

From outside in: security headers, watching (reference, log, counts, our own mistakes), the names this server answers
to, the body limit, then the routes.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from samechild.errors import SamechildError
from samechild.policy.sign_in.providers import Providers
from samechild.settings import Settings
from samechild.storage import Store
from samechild.web.api import add_api
from samechild.web.faults import answer_to
from samechild.web.fhir import add_fhir
from samechild.web.headers import TOWN, SecurityHeaders
from samechild.web.limits import LONGEST_BODY, PACES, BodyLimit, Buckets, Pace
from samechild.web.logs import log_to
from samechild.web.origins import OwnNames, hosts
from samechild.web.pages.all_pages import PAGES
from samechild.web.serving import serve
from samechild.web.visits import Dates, Demo, Shell, no_dates
from samechild.web.watch import Counts, Watch, Watched


class Around(msgspec.Struct, frozen=True, kw_only=True):
    """What a server may be given besides its installation: tests give their own."""

    log: Any = None
    paces: dict[str, Pace] = msgspec.field(default_factory=PACES.copy)
    metrics_token: str = ""
    longest_body: int = LONGEST_BODY
    providers: Providers | None = None
    dates: Dates = no_dates  # from which retention counts


def clock() -> datetime:
    """The time now, in UTC."""
    return datetime.now(UTC)


def create_app(
    store: Store,
    settings: Settings,
    *,
    demo: Demo | None = None,
    now: Callable[[], datetime] = clock,
    random: Callable[[int], bytes] = os.urandom,
    around: Around | None = None,
) -> FastAPI:
    """Make the web application of an open installation.

    Args:
        store: the open installation.
        settings: its settings: the address people type decides about https, cookies and names.
        demo: lets people pick a made-up person; only on this machine's own address.
        now: the clock.
        random: where random bytes come from.
        around: log, paces and limits other than the usual ones.
    """
    given = around or Around()
    shell = Shell(
        store=store, settings=settings, now=now, random=random, demo=demo, providers=given.providers, dates=given.dates
    )
    counts, buckets = Counts(), Buckets(given.paces)
    watched = Watched(log=given.log or log_to(), counts=counts, random=random, answer=answer_to)
    app = FastAPI(
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        middleware=[
            Middleware(SecurityHeaders, secure=shell.secure, issuers=issuers_of(given.providers)),
            Middleware(Watch, watched=watched),
            Middleware(OwnNames, names=hosts(settings)),
            Middleware(
                BodyLimit,
                longest=given.longest_body,
                with_files={page.path: page.files for page in PAGES if page.files},
            ),
        ],
    )
    app.add_exception_handler(SamechildError, _answer)
    app.add_exception_handler(HTTPException, _answer)
    add_api(app, shell, buckets, counts, given.metrics_token)
    add_fhir(app, shell, buckets)
    for page in PAGES:
        methods = ["GET", *(["POST"] if page.do else [])]
        app.add_api_route(page.path, serve(page, shell, buckets), methods=methods, include_in_schema=False)
    if demo is not None and demo.folder is not None:
        app.mount(TOWN.rstrip("/"), StaticFiles(directory=demo.folder, html=True), name="town")
    app.mount("/static", StaticFiles(packages=[("samechild.web", "static")]), name="static")
    return app


def issuers_of(providers: Providers | None) -> tuple[str, ...]:
    """The origins that a sign-in form may lead to: those of the providers."""
    if providers is None:
        return ()
    parts = [urlsplit(profile.issuer) for profile in providers.profiles.values()]
    return tuple(sorted({f"{part.scheme}://{part.netloc}" for part in parts}))


def _answer(request: Request, error: Exception) -> Response:
    return answer_to(request, error)
