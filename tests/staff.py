"""People at work for the tests: a council that runs the installation, another one, a school, a trust, a childminder."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from argon2 import PasswordHasher

from samechild.policy.people import actions as people_actions
from samechild.policy.people.actions import operator
from samechild.policy.sign_in.rules import SignInRules
from samechild.records.disclosure import Asker
from samechild.settings import Settings
from samechild.storage import Store
from stores import an_installation, reopen

NOW = datetime(2025, 11, 24, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)
QUICK = SignInRules(hasher=PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
"""Passwords hashed at the lowest cost: tests make many."""


@dataclass(frozen=True)
class Office:
    """The organisations by their ids, and the access managers of those that have one."""

    store: Store
    council: str
    other: str
    school: str
    trust: str
    childminder: str
    manager: Asker
    second_manager: Asker
    other_manager: Asker
    school_manager: Asker

    def somebody(
        self, *roles: str, organisation: str = "", by: Asker | None = None, name: str = "Jo Fictive", email: str = ""
    ) -> str:
        """Add a person with these roles and return their id."""
        by = by or self.manager
        organisation = organisation or by.organisation
        address = email or f"{os.urandom(6).hex()}@staff.example"
        user = people_actions.add_user(self.store, by, organisation, name, address, NOW, os.urandom)
        for role in roles:
            people_actions.grant_role(self.store, by, user, role, NOW, os.urandom)
        return user


@contextmanager
def an_office_at_work() -> Iterator[Office]:
    """Open a fresh copy, on SQLite, of an installation that :func:`an_office` filled; throw it away afterwards."""
    folder, filled = _filled()
    with tempfile.TemporaryDirectory(prefix="samechild-office-") as copy:
        shutil.copytree(folder, copy, dirs_exist_ok=True)
        store = reopen(Settings(home=Path(copy) / filled.store.home.name))
        try:
            yield replace(filled, store=store)
        finally:
            store.close()


@cache
def _filled() -> tuple[Path, Office]:
    """An installation to copy, filled once for each process."""
    folder, owner = Path(tempfile.mkdtemp(prefix="samechild-filled-")), os.getpid()
    atexit.register(lambda: shutil.rmtree(folder, ignore_errors=True) if os.getpid() == owner else None)
    with an_installation() as settings:
        store = reopen(settings)
        filled = an_office(store)
        store.close()
        shutil.copytree(settings.home.parent, folder, dirs_exist_ok=True)
    return folder, filled


def an_office(store: Store) -> Office:
    """Fill a fresh installation with organisations and access managers."""

    def organisation(kind: str, name: str, **codes: str) -> str:
        return people_actions.add_organisation(
            store, operator(), kind=kind, name=name, codes=codes, now=NOW, random=os.urandom
        )

    council = organisation("local-authority", "Northmoor Council", gss="E10000999", entra=TENANT)
    other = organisation("local-authority", "Southmoor Council")
    school = organisation("academy", "Elm Academy", urn="999999", dsi=SCHOOL_ID)
    trust = organisation("nhs-trust", "Moor NHS Trust", ods="RZZ99")
    childminder = organisation("childminder", "A childminder")
    return Office(
        store=store,
        council=council,
        other=other,
        school=school,
        trust=trust,
        childminder=childminder,
        manager=a_manager(store, council, "m1@staff.example"),
        second_manager=a_manager(store, council, "m2@staff.example"),
        other_manager=a_manager(store, other, "m3@staff.example"),
        school_manager=a_manager(store, school, "m4@staff.example"),
    )


TENANT = "11111111-2222-3333-4444-555555555555"
SCHOOL_ID = "AAAAAAAA-BBBB-CCCC-DDDD-EEEEEEEEEEEE"


def a_manager(store: Store, organisation: str, email: str) -> Asker:
    """Make somebody an access manager, as the machine's operator does for the first one."""
    user = people_actions.add_user(store, operator(), organisation, "Access Manager", email, NOW, os.urandom)
    people_actions.grant_role(store, operator(), user, "access-manager", NOW, os.urandom)
    return Asker(user=user, organisation=organisation, role="access-manager", factors=2)
