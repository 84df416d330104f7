"""A school that sends its attendance register every day, for tests: its feed, its agreement and its system."""

from __future__ import annotations

import os
import time
from datetime import timedelta
from typing import Any

import msgspec

import gate
from asking import DAY, NOW
from samechild.collection import feeds_store
from samechild.collection.attendance.actions import receive
from samechild.collection.attendance.structure import read_register
from samechild.collection.feeds import open_feed
from samechild.collection.receiving import Sending
from samechild.collection.records import ATTENDANCE, Feed, Taken, Way
from samechild.policy import store as policy_store
from samechild.policy.people.organisations import Organisation
from samechild.policy.people.store import keep_organisation
from samechild.policy.sign_in.opaque import digest
from samechild.records.disclosure import Asker
from samechild.storage import Login, Store

URN, KEY = "900001", "a-supplier-key-of-a-school"
SYSTEM = Asker(user="register", organisation="beechwood", role="submitting-system", factors=2)
LEAD = Asker(user="welfare", organisation="beechwood", role="attendance-officer", factors=2)
QUALITY = Asker(user="dq", organisation="beechwood", role="data-quality-officer", factors=2)
SOON = timedelta(minutes=1)


def a_school(store: Store) -> None:
    """A school that may send its register, under an agreement with the council, and its system."""
    gate.a_world(store)
    with store.write(Login.GATE) as connection:
        school = Organisation(
            organisation="beechwood", kind="academy", name="Beechwood", active_from=NOW - 30 * DAY, codes={"urn": URN}
        )
        keep_organisation(connection, school)
        policy_store.bump(connection, NOW - 30 * DAY)
        for person in (SYSTEM, LEAD, QUALITY, gate.an_officer("beechwood")):
            gate.give(connection, person)
    agreement = gate.a_signed_agreement(store, owner="beechwood", parties=("beechwood", "council"))
    terms = Feed(
        feed=URN,
        authority=URN,
        owner="beechwood",
        agreement=agreement.agreement,
        categories=(ATTENDANCE,),
        opened_at=NOW,
    )
    open_feed(store, gate.an_officer("beechwood"), terms, NOW)
    with store.write(Login.GATE) as connection:
        feeds_store.keep_client(
            connection, client=SYSTEM.user, organisation="beechwood", feed=URN, supplier="Registers Ltd",
            way=Way.SUPPLIER.value, valid_from=NOW, valid_until=None, added_by="test",
        )  # fmt: skip
        feeds_store.keep_key(connection, digest(KEY), SYSTEM.user, NOW)


def a_pupil(number: int = 1, *codes: str, day: str = "2026-10-30", **given: Any) -> dict[str, Any]:
    """A pupil with the codes of a morning and an afternoon."""
    marks = [{"date": day, "session": half, "code": code} for half, code in zip(("AM", "PM"), codes, strict=False)]
    usual = {"first_name": "Zebedee", "surname": f"Quillfeather{number}", "date_of_birth": "2015-03-14"}
    return {"pupil_id": f"P{number}", **usual, **({"marks": marks} if marks else {}), **given}


def send(store: Store, *pupils: dict[str, Any], now: Any = NOW, by: Asker = SYSTEM, **given: Any) -> Taken:
    """Send pupils as the door does."""
    body = msgspec.json.encode(list(pupils))
    usual = {"authority": URN, "request_id": "r1", "supplier_key": KEY, "sent_bytes": len(body), "digest": body}
    sending = Sending(**{**usual, "body": read_register(body), "began": time.perf_counter(), **given})
    return receive(store, by, sending, now, os.urandom)
