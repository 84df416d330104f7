"""Every page, listed by name: nothing is found by scanning folders."""

from __future__ import annotations

from samechild.web.pages import agreements, home, ledger, may_i, public, signing_in
from samechild.web.routes import Page

PAGES: tuple[Page, ...] = (
    *home.PAGES,
    *public.PAGES,
    *signing_in.PAGES,
    *may_i.PAGES,
    *agreements.PAGES,
    *ledger.PAGES,
)
"""In the order in which addresses are tried: a fixed word before a name that may be anything."""
