"""A visit: who is asking for a page, with what, and everything a page may use to answer.

Pages receive a visit and never the request, so that none of them can read more than it should or forget a check.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from samechild.errors import Unauthenticated
from samechild.policy.retention.periods import Facts
from samechild.policy.sign_in.providers import Providers
from samechild.policy.sign_in.sessions import SignedIn
from samechild.records.disclosure import Asker
from samechild.settings import Settings
from samechild.storage import Store


class Demo(msgspec.Struct, frozen=True, kw_only=True):
    """A demonstration: people to sign in as without a password, on this machine only.

    ``folder`` holds the pages that linking a made-up town wrote, to be shown beside.
    """

    folder: Path | None = None


def no_dates(store: Store, organisation: str, now: datetime) -> Sequence[Facts]:
    """The dates from which retention counts, where no room keeps records of children yet: none."""
    return ()


Dates = Callable[[Store, str, datetime], Sequence[Facts]]
"""Where the pages learn how long what an organisation holds is kept: the rooms that hold records say so."""


class Shell(msgspec.Struct, frozen=True, kw_only=True):
    """What the pages share: the installation, its settings, the clock and random bytes."""

    store: Store
    settings: Settings
    now: Callable[[], datetime]
    random: Callable[[int], bytes]
    demo: Demo | None = None
    providers: Providers | None = None
    dates: Dates = no_dates

    @property
    def address(self) -> str:
        """The address people type, without a slash at its end."""
        return (self.settings.public_url or f"http://{self.settings.address}").rstrip("/")

    @property
    def secure(self) -> bool:
        """Whether people reach it over https."""
        return self.address.startswith("https://")


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """One request for a page. ``named`` is what stands in the path, ``asked`` what stands after the question mark."""

    shell: Shell
    now: datetime
    path: str
    named: Mapping[str, str] = {}
    asked: Mapping[str, str] = {}
    signed: SignedIn | None = None
    start: str = ""  # what this browser was given before signing in
    token: str = ""  # the raw token of the sign-in: for signing out and changing role only
    client: str = ""  # the address it comes from

    @property
    def store(self) -> Store:
        """The installation."""
        return self.shell.store

    @property
    def by(self) -> Asker:
        """Who is signed in, in which role.

        Raises:
            Unauthenticated: when nobody is: a page for anybody has no business asking.
        """
        if self.signed is None:
            raise Unauthenticated("Sign in first.")
        return self.signed.asker
