"""A small world behind the gate: a council, a school and a hospital trust, their people, an agreement, a child.

Everybody is invented. Grants and organisations are written straight into the tables; what is tested goes through the
actions.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from asking import DAY, NOW, a_line, an_agreement, an_ask
from samechild.policy import store as tables
from samechild.policy.agreement_actions import sign_agreement, write_agreement
from samechild.policy.people.organisations import Organisation
from samechild.policy.people.rules import Grant
from samechild.policy.people.store import keep_grant, keep_organisation
from samechild.policy.records import Agreement
from samechild.policy.relationship_actions import Relationship, relate
from samechild.policy.vault_actions import Kept, keep_record
from samechild.records.disclosure import Ask, Asker, Mode, Route, Scope, Spread
from samechild.storage import Login, Store

OPERATOR = Asker(user="operator", organisation="", role="operator", factors=2)
LEAD = Asker(user="lead", organisation="school", role="safeguarding-lead", factors=2)
WORKER = Asker(user="worker", organisation="council", role="social-worker", factors=2)
DESK = Asker(user="desk", organisation="council", role="duty-desk", factors=2)
NURSE = Asker(user="nurse", organisation="trust", role="nurse", factors=2)
PEOPLE = (LEAD, WORKER, DESK, NURSE)
KINDS = {"council": "local-authority", "school": "maintained-school", "trust": "nhs-trust"}
CHILD = {
    "forename": "Wren",
    "surname": "Avocet",
    "date_of_birth": "2014-03-09",
    "sex": "F",
    "postcode": "LS1 6AB",
    "school": "900001",
    "nhs_number": "9990000018",
}


def an_officer(organisation: str) -> Asker:
    """The information governance officer of an organisation."""
    return Asker(user=f"officer-{organisation}", organisation=organisation, role="information-governance", factors=2)


def a_world(store: Store, kinds: dict[str, str] | None = None) -> None:
    """Organisations and people with their roles, from thirty days ago."""
    with store.write(Login.GATE) as gate:
        for name, kind in (kinds or KINDS).items():
            keep_organisation(
                gate,
                Organisation(
                    organisation=name,
                    kind=kind,
                    name=f"The {name}",
                    codes={"la-code": "845"} if name == "council" else {},
                    active_from=NOW - 30 * DAY,
                    route=Route(f"duty desk of the {name}", "telephone 01632 960000"),
                ),
            )
        tables.bump(gate, NOW - 30 * DAY)
        for person in (*PEOPLE, *(an_officer(name) for name in (kinds or KINDS))):
            give(gate, person)


def give(gate: Any, person: Asker, **dates: Any) -> None:
    """Give somebody their role, straight into the table."""
    keep_grant(
        gate,
        Grant(
            grant_id=f"grant-{person.user}-{person.role}",
            holder=person.user,
            role=person.role,
            organisation=person.organisation,
            granted_by="operator",
            granted_at=NOW - 30 * DAY,
            **{"valid_from": NOW - 30 * DAY, "valid_until": None, **dates},
        ),
    )


def a_signed_agreement(store: Store, **given: Any) -> Agreement:
    """An agreement written by the owner's officer and signed by every party."""
    draft = an_agreement(
        **{
            "agreement": "",
            "version": 0,
            "rules": (
                a_line(purposes=("safeguarding", "child-protection"), powers=("CA2004-s10",), bases=("6(1)(e)",)),
            ),
            **given,
        }
    )
    made = write_agreement(store, an_officer(draft.owner), draft, "Sharing for safeguarding", NOW)
    for party in made.parties:
        sign_agreement(store, an_officer(party), made.agreement, made.version, NOW)
    return made


def a_child(store: Store, **given: Any) -> str:
    """A child of whom the council holds identity and an episode; returns the record key."""
    usual = {
        "owner": "council",
        "basis": "public task",
        "identity": CHILD,
        "content": {"social-care.episode": b"an episode", "education.setting": b"a school"},
    }
    return keep_record(store, Kept(**{**usual, **given}), NOW)


def involve(store: Store, record_key: str, *people: Asker, owner: str = "council") -> None:
    """Make people involved with a record."""
    relate(
        store,
        OPERATOR,
        [
            Relationship(
                owner=owner,
                record_key=record_key,
                organisation=person.organisation,
                person=person.user,
                since=NOW - DAY,
                source="a test",
            )
            for person in people
        ],
        NOW,
    )


def own_ask(record_key: str, **given: Any) -> Ask:
    """The council's own social worker asks for the episode of a child."""
    usual = {
        "who": WORKER,
        "scope": Scope(Spread.CHILD, (record_key,)),
        "power": "",
        "basis": "",
        "condition": "",
        "confidence": "",
    }
    return an_ask(**{**usual, **given})


def a_search(**given: Any) -> Ask:
    """The council's own social worker searches for a child."""
    usual = {"scope": Scope(Spread.SEARCH), "mode": Mode.EXISTENCE, "record_type": "personal.identity"}
    return own_ask("", **{**usual, **given})


def later(ask: Ask, by: timedelta) -> Ask:
    """The same question at another time."""
    return replace(ask, now=ask.now + by)
