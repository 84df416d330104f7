"""Every page, listed by name: nothing is found by scanning folders."""

from __future__ import annotations

from samechild.web.pages import (
    access_review,
    agreements,
    child,
    cluster,
    custody,
    downtime,
    drift,
    find_child,
    home,
    law,
    ledger,
    may_i,
    organisations,
    public,
    registers,
    retention,
    review,
    signing_in,
    tracing,
    who_looked,
)
from samechild.web.routes import Page

PAGES: tuple[Page, ...] = (
    *home.PAGES,
    *public.PAGES,
    *signing_in.PAGES,
    *may_i.PAGES,
    *agreements.PAGES,
    *organisations.PAGES,
    *access_review.PAGES,
    *ledger.PAGES,
    *who_looked.PAGES,
    *registers.PAGES,
    *retention.PAGES,
    *custody.PAGES,
    *law.PAGES,
    *tracing.PAGES,
    *downtime.PAGES,
    *find_child.PAGES,
    *child.PAGES,
    *drift.PAGES,
    *review.PAGES,
    *cluster.PAGES,
)
"""In the order in which addresses are tried: a fixed word before a name that may be anything."""
