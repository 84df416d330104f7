"""A council that sends its children every day, for tests: its feed, its agreement and its system."""

from __future__ import annotations

import os
import time
from datetime import datetime, timedelta
from typing import Any

import msgspec

import gate
from asking import DAY, NOW, a_line
from indexing import OFFICER
from samechild.collection.receiving import Sending, receive
from samechild.collection.records import Taken
from samechild.collection.structure import read_batch
from samechild.records.disclosure import Asker
from samechild.storage import Store

KEY = "a-supplier-key-for-tests"


def a_payload(child: str = "C1", **given: Any) -> dict[str, Any]:
    """A child as a council sends one: only what the test is about is stated; ``details`` and ``episode`` add to it."""
    details = {
        "first_name": "Zebedee",
        "surname": "Quillfeather",
        "date_of_birth": "2015-03-14",
        "sex": "M",
        "ethnicity": "WBRI",
        "disabilities": ["NONE"],
        "postcode": "ZZ99 3VZ",
        "uasc_flag": False,
        "unique_pupil_number_unknown_reason": "UN4",
    }
    episode = {
        "social_care_episode_id": f"E{child}",
        "referral_date": "2026-03-02",
        "referral_source": "1A",
        "referral_no_further_action_flag": False,
    }
    return {
        "la_child_id": child,
        "child_details": {**details, **given.pop("details", {})},
        "social_care_episodes": [{**episode, **given.pop("episode", {})}],
        **given,
    }


def send(store: Store, by: Asker, *children: dict[str, Any], now: datetime = NOW, **given: Any) -> Taken:
    """Send children as the door does."""
    body = msgspec.json.encode(list(children))
    usual = {"authority": "845", "request_id": "r1", "supplier_key": KEY, "sent_bytes": len(body), "digest": body}
    sending = Sending(**{**usual, "body": read_batch(body), "began": time.perf_counter(), **given})
    return receive(store, by, sending, now, os.urandom)
