"""A council that sends its children every day, for tests: its feed, its agreement and its system."""

from __future__ import annotations

import os
import time
from datetime import datetime
from typing import Any

import msgspec

import gate
from asking import NOW
from indexing import OFFICER, SYSTEM
from linking import taught, the_town_linked
from samechild.collection import feeds_store
from samechild.collection.beyond import CATEGORIES
from samechild.collection.feeds import open_feed
from samechild.collection.receiving import Sending, receive
from samechild.collection.records import Feed, Taken, Way
from samechild.collection.structure import read_batch
from samechild.index.actions import open_space
from samechild.index.models import keep_model
from samechild.index.records import Space
from samechild.policy.sign_in.opaque import digest
from samechild.records.disclosure import Asker
from samechild.storage import Login, Store

KEY = "a-supplier-key-for-tests"


def a_council(store: Store, *, index: bool = False, **feed: Any) -> Asker:
    """A council that may send, and its system; with ``index``, also its own index space with a trained model."""
    gate.a_world(store)
    with store.write(Login.GATE) as connection:
        for person in (OFFICER, SYSTEM):
            gate.give(connection, person)
    agreement = gate.a_signed_agreement(store, parties=("council", "school"))
    usual: dict[str, Any] = {"feed": "845", "authority": "845", "owner": "council", "agreement": agreement.agreement}
    usual |= {"categories": CATEGORIES, "opened_at": NOW}
    open_feed(store, gate.an_officer("council"), Feed(**{**usual, **feed}), NOW)
    with store.write(Login.GATE) as connection:
        feeds_store.keep_client(
            connection,
            client=SYSTEM.user,
            organisation="council",
            feed="845",
            supplier="",
            way=Way.OWN.value,
            valid_from=NOW,
            valid_until=None,
            added_by="test",
        )
        feeds_store.keep_key(connection, digest(KEY), SYSTEM.user, NOW)
    if index:
        open_space(store, OFFICER, Space(space="council", title="The council's own", members=("council",)), NOW)
        keep_model(store, "council", taught(), the_town_linked().frequencies, NOW)
    return SYSTEM


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
