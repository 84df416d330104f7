"""A council with an index of its own and two reviewers, for tests of the review queue. Everybody is invented."""

from __future__ import annotations

import os
from datetime import datetime
from secrets import token_hex
from typing import Any

from asking import NOW
from gate import a_world, give
from linking import taught, the_town_linked
from samechild.index import review_store
from samechild.index import store as tables
from samechild.index.actions import open_space
from samechild.index.lifecycle import found
from samechild.index.models import keep_model
from samechild.index.records import Piece, Space
from samechild.index.review import SECOND_LOOKS, Doubt, Question, looked_at_twice
from samechild.index.writing import Draft, Owned, write
from samechild.policy.vault_actions import Kept, keep_record
from samechild.records.disclosure import Asker
from samechild.storage import Login, Store

ANN = Asker(user="ann", organisation="council", role="data-quality-officer", factors=2)
BOB = Asker(user="bob", organisation="council", role="data-quality-officer", factors=2)
CEM = Asker(user="cem", organisation="council", role="data-quality-officer", factors=2)
REVIEWERS = (ANN, BOB, CEM)
THEODORA = {
    "forename": "Theodora",
    "surname": "Quillfeather",
    "date_of_birth": "2015-03-09",
    "sex": "F",
    "postcode": "LS1 6AB",
    "address": "4 Heron Lane",
    "nhs_number": "9990000018",
}


def a_council(store: Store, *, model: bool = False, now: datetime = NOW) -> None:
    """The world of the gate, three reviewers of the council, and the council's own space."""
    a_world(store)
    with store.write(Login.GATE) as gate:
        for person in REVIEWERS:
            give(gate, person)
    open_space(store, ANN, Space(space="council", title="The council's own", members=("council",)), now)
    if model:
        keep_model(store, "council", taught(), the_town_linked().frequencies, now)


def a_record(
    store: Store,
    *,
    space: str = "council",
    owner: str = "council",
    source: str = "social care",
    now: datetime = NOW,
    child: str = "",
    **values: str,
) -> tuple[str, str]:
    """A record of Theodora, but for what is said to be different, as a child of its own; its key and its child.

    With ``child`` it joins a child that is there.
    """
    given = {name: value for name, value in {**THEODORA, **values}.items() if value}
    key = keep_record(store, Kept(owner=owner, basis="public task", identity=given), now)
    with store.write(Login.INDEX) as index:
        tables.hold(index)
        row = {
            "owner": owner, "record_key": key, "received_at": now, "basis": "public task",
            "retention": "as the record it belongs to", "source": source, "local": token_hex(8), "digest": token_hex(8),
            "changed_on": "", "seen_at": now,
        }  # fmt: skip
        tables.keep_records(index, [row])
        planned = found({}, token_hex(16), [key])
        if child:
            from samechild.index.lifecycle import link

            members = tables.members_of(index, space, [child])
            state = {("member", each): child for each in members} | {("child", child): "live"}
            planned = link(state, key, child, lambda a, b: f"{a} {b}")
        write(index, space, [Draft(planned=planned)], {key: Owned(owner, "public task")}, now)
    return key, planned.child


def a_pair(store: Store, *, now: datetime = NOW, **other: str) -> tuple[str, str]:
    """Two records of one child, the second different as said; their keys."""
    return a_record(store, now=now)[0], a_record(store, now=now, source="school", **other)[0]


def asked_about(store: Store, one: str, other: str, *, twice: bool | None = None, **given: Any) -> str:
    """A question about two records of the council; ``twice`` picks an id that is in the sample, or is not."""
    with store.write(Login.INDEX) as index:
        rows = tables.records_by_key(index, [one, other])
        child_of = tables.children_of(index, given.get("space", "council"), [one, other])
        usual: dict[str, Any] = {
            "question": _an_id(store, twice),
            "space": "council",
            "kind": Doubt.DOUBT,
            "record_key": one,
            "owner": rows[one].owner,
            "child": child_of[one],
            "other_key": other,
            "other_owner": rows[other].owner,
            "other_child": child_of[other],
            "weight": 4.5,
            "probability": 0.95,
            "opened_at": NOW,
            "evidence": (Piece("surname", "the same", 6.0),),
        }
        return review_store.open_questions(index, [Question(**{**usual, **given})])[0]


def _an_id(store: Store, twice: bool | None) -> str:
    assert 0 < SECOND_LOOKS < 1
    while True:
        made = os.urandom(16).hex()
        if twice is None or looked_at_twice(store.keys.reference(f"second opinion\x1f{made}")) is twice:
            return made
