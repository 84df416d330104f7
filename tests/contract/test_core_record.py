"""One child as different people may see it: core record, who knows the child, connected people, family, drift."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from os import urandom
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from asking import DAY, NOW, a_line
from children_kept import WREN, a_record, a_space
from consenting import a_responsibility, a_suspicion
from gate import NURSE, WORKER, a_signed_agreement, a_world, an_officer, give, involve
from samechild.cli.tables import all_tables
from samechild.errors import Invalid, Missing, Refused
from samechild.index import families_store
from samechild.index.drift import Drifts
from samechild.index.drifting import drifts
from samechild.index.families import Connected, Tie, connect, connected, disconnect
from samechild.index.households import Evidence, family
from samechild.index.known_to import Known, known_to
from samechild.index.viewing import ChildView, view_child
from samechild.policy import ledger
from samechild.policy.actions import permit
from samechild.policy.consent.actions import record_harm
from samechild.policy.relationship_actions import set_mark
from samechild.policy.retention.erasure import Why, erase
from samechild.policy.vault_actions import Kept, keep_record
from samechild.records.disclosure import Ask, Asker, Mode, Scope, Spread
from samechild.storage import Login, Store
from samechild.web.pages.drift import as_file
from stores import KINDS, a_store

KEEPER = Asker(user="keeper", organisation="council", role="data-quality-officer", factors=2)
SCHOOLS_KEEPER = Asker(user="bursar", organisation="school", role="data-quality-officer", factors=2)
QUALITY = ("linkage-quality", "safeguarding", "child-protection")


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    with a_store(request.param) as opened:
        a_world(opened)
        with opened.write(Login.GATE) as gate:
            give(gate, KEEPER)
            give(gate, SCHOOLS_KEEPER)
        a_space(opened)
        yield opened


def agree(store: Store, owner: str, *others: str, **line: Any) -> None:
    """An owner lets others see what it holds of children, to keep records together and to safeguard."""
    given = {"purposes": QUALITY, "powers": ("CA2004-s10",), "bases": ("6(1)(e)",), **line}
    a_signed_agreement(store, owner=owner, parties=(owner, *others), rules=(a_line(**given),))


def asks(who: Asker = KEEPER, **given: Any) -> Ask:
    purpose = "linkage-quality" if who.role == "data-quality-officer" else "safeguarding"
    usual = {
        "who": who,
        "purpose": purpose,
        "mode": Mode.CONTENT,
        "record_type": "personal.identity",
        "owner": who.organisation,
        "scope": Scope(Spread.BATCH),
        "now": NOW,
        "power": "CA2004-s10",
        "basis": "6(1)(e)",
    }
    return Ask(**{**usual, **given})


def view(store: Store, who: Asker = KEEPER, child: str = "wren") -> ChildView:
    return view_child(store, who, "partners", child, asks(who))


def known(store: Store, who: Asker = KEEPER, **given: Any) -> list[Known]:
    return known_to(store, who, "partners", "wren", asks(who, **given))


def entries(store: Store) -> int:
    with store.read(Login.GATE) as gate:
        return ledger.entries(gate, limit=1)[0].number


def shown(found: ChildView) -> set[tuple[str, str, str]]:
    """Every value the core record shows anywhere."""
    return {
        (claim.field, claim.owner, claim.text)
        for chosen in found.core.fields
        for claim in (
            chosen.value,
            *chosen.agreeing,
            *(each.claim for each in (*chosen.variants, *chosen.conflicts)),
            *chosen.former,
        )
    }


# --- the core record --------------------------------------------------------------------------------------------------


def test_values_of_two_agencies_stand_beside_each_other(store: Store) -> None:
    agree(store, "school", "council")
    a_record(store, "wren", "council", WREN)
    a_record(store, "wren", "school", {**WREN, "surname": "Heron", "nhs_number": "9990000018"}, days=3)
    found = view(store)
    (name,) = found.core.of("name")
    assert {(name.value.text, name.value.owner), *((b.claim.text, b.claim.owner) for b in name.conflicts)} == {
        ("Wren Avocet", "council"),
        ("Wren Heron", "school"),
    }
    assert found.core.of("nhs_number") == ()  # may be searched with, not seen, between council and school
    assert {held.received_at for held in found.read.records} == {NOW - 10 * DAY, NOW - 3 * DAY}


def test_a_record_that_may_not_be_read_leaves_no_trace(store: Store) -> None:
    a_record(store, "wren", "council", WREN)
    alone = shown(view(store))
    a_record(store, "wren", "school", {**WREN, "surname": "Heron", "date_of_birth": "2013-01-01"})
    found = view(store)
    assert shown(found) == alone
    assert {chosen.rule.name for chosen in found.core.fields} == {"alone"}
    assert all(not chosen.conflicts for chosen in found.core.fields)


def test_who_is_not_involved_is_told_that_nothing_is_there(store: Store) -> None:
    key = a_record(store, "wren", "council", WREN)
    with pytest.raises(Missing) as nothing:
        view(store, WORKER)
    with pytest.raises(Missing) as nobody:
        view(store, WORKER, "no-such-child")
    assert str(nothing.value) == str(nobody.value)
    involve(store, key, WORKER)
    assert view(store, WORKER).core.of("name")[0].value.text == "Wren Avocet"


def test_a_shielded_childs_place_is_not_in_the_core_record(store: Store) -> None:
    key = a_record(store, "wren", "council", {**WREN, "school": "900001"})
    set_mark(store, an_officer("council"), "council", [key], "shielded", NOW)
    assert {chosen.field for chosen in view(store).core.fields} == {"name", "date_of_birth", "sex"}


# --- who knows the child ----------------------------------------------------------------------------------------------


def test_who_knows_the_child_since_when_and_whom_to_ring(store: Store) -> None:
    agree(store, "school", "council", modes=(Mode.EXISTENCE,))
    a_record(store, "wren", "council", WREN, days=9)
    a_record(store, "wren", "school", WREN, days=5)
    a_record(store, "wren", "trust", WREN, days=2)  # no agreement with the trust
    found = known(store)
    assert [(each.organisation, each.service) for each in found] == [("council", ""), ("school", "")]
    assert (found[1].since, found[1].last) == (NOW - 5 * DAY, NOW - 5 * DAY)
    assert found[1].route is not None
    assert found[1].route.how == "telephone 01632 960000"


def test_services_are_told_each_by_its_own_permission(store: Store) -> None:
    key = a_record(store, "wren", "council", WREN)
    content = {"social-care.involvement": b"a team", "social-care.protection-plan": b"a plan"}
    keep_record(store, Kept(owner="council", basis="public task", identity={}, content=content, record_key=key), NOW)
    assert [each.service for each in known(store)] == ["", "social-care.involvement"]


def test_a_hidden_agency_and_none_are_answered_alike_with_the_same_work(store: Store) -> None:
    agree(store, "school", "council", modes=(Mode.EXISTENCE,))
    own = a_record(store, "wren", "council", WREN)
    before = entries(store)
    without = known(store)
    work = entries(store) - before
    key = a_record(store, "wren", "school", WREN)
    for record_key, owner in ((key, "school"), (own, "council")):
        set_mark(store, an_officer(owner), owner, [record_key], "shielded", NOW)
    before = entries(store)
    assert [msgspec.structs.replace(each) for each in known(store)] == without
    assert entries(store) - before == work


def test_a_sensitive_service_is_brokered_and_not_named(store: Store) -> None:
    agree(store, "trust", "council", modes=(Mode.EXISTENCE,), conditions=("Sch1-18",))
    a_record(store, "wren", "council", WREN)
    key = a_record(store, "wren", "trust", WREN)
    content = {"health.sensitive": b"a visit"}
    keep_record(store, Kept(owner="trust", basis="public task", identity={}, content=content, record_key=key), NOW)
    grounds = {"condition": "Sch1-18", "purpose": "safeguarding"}
    involve(store, key, NURSE, owner="trust")
    assert [each.name for each in known(store, WORKER, **grounds)] == ["The council", "The trust"]
    own = Scope(Spread.CHILD, (key,))
    kind = "health.sensitive"
    may = permit(store, asks(NURSE, owner="trust", scope=own, record_type=kind, power="", basis="", condition=""))
    record_harm(store, may, a_suspicion(record_key=key), NOW, urandom)
    found = known(store, WORKER, **grounds)[-1]
    assert (found.brokered, found.organisation, found.route, found.since) == (True, "", None, None)
    assert "trust" not in found.name


# --- connected people -------------------------------------------------------------------------------------------------


def a_mother(record_key: str, **given: Any) -> Connected:
    usual = {
        "record_key": record_key,
        "owner": "council",
        "tie": Tie.MOTHER,
        "name": "Philippa Quillfeather",
        "told_by": "birth certificate seen",
        "basis": "public task",
        "date_of_birth": date(1990, 5, 1),
        "number": "999 000 0026",
        "phone": "01632 960123",
        "responsibility": a_responsibility(),
        "evidence": "birth certificate",
    }
    return Connected(**{**usual, **given})


def people(store: Store, key: str, who: Asker = KEEPER, now: datetime = NOW) -> list[Connected]:
    return connected(store, asks(who, now=now), "council", [key])


def test_a_connected_person_is_kept_sealed_and_read_by_a_permit_of_its_own(store: Store) -> None:
    key = a_record(store, "wren", "council", WREN)
    identity = connect(store, asks(), a_mother(key), urandom)
    (mother,) = people(store, key)
    assert (mother.name, mother.number, mother.connection) == ("Philippa Quillfeather", "9990000026", identity)
    assert mother.responsible(date(2020, 1, 1))
    assert not mother.responsible(date(2013, 1, 1))
    assert "Quillfeather" not in repr(mother)
    with store.read(Login.IDENTITY, "council") as vault:
        rows = vault.execute(sa.select(families_store.index_connected)).all()
        assert all(b"Quillfeather" not in bytes(row.sealed) and "Quill" not in str(row) for row in rows)
    assert people(store, key, WORKER) == []  # not involved
    involve(store, key, WORKER)
    assert [each.name for each in people(store, key, WORKER)] == ["Philippa Quillfeather"]


def test_the_newest_word_counts_and_a_person_can_be_deleted_alone(store: Store) -> None:
    key, later = a_record(store, "wren", "council", WREN), NOW + timedelta(minutes=1)
    identity = connect(store, asks(), a_mother(key), urandom)
    ended = a_mother(key, connection=identity, until=date(2026, 10, 1), phone="")
    connect(store, asks(now=later), ended, urandom)
    (mother,) = people(store, key, now=later)
    assert (mother.until, mother.phone, mother.holds(NOW.date())) == (date(2026, 10, 1), "", False)
    with pytest.raises(Refused):
        disconnect(store, asks(SCHOOLS_KEEPER, now=later), "council", key, identity)
    disconnect(store, asks(now=later), "council", key, identity)
    assert people(store, key, now=later) == []
    with pytest.raises(Missing):
        disconnect(store, asks(now=later), "council", key, identity)


def test_connected_people_go_with_the_record(store: Store) -> None:
    key = a_record(store, "wren", "council", WREN)
    connect(store, asks(), a_mother(key), urandom)
    erase(store, all_tables(), [key], Why.REQUEST, an_officer("council"), NOW)
    with store.read(Login.IDENTITY, "council") as vault:
        assert vault.scalar(sa.select(sa.func.count()).select_from(families_store.index_connected)) == 0


def test_another_organisation_sees_neither_number_nor_restricted_people(store: Store) -> None:
    agree(store, "council", "school")
    key = a_record(store, "wren", "council", WREN)
    connect(store, asks(), a_mother(key), urandom)
    connect(store, asks(), a_mother(key, tie=Tie.FATHER, name="Ulric Quillfeather", restricted=True), urandom)
    found = people(store, key, SCHOOLS_KEEPER)
    assert [(each.tie, each.number) for each in found] == [(Tie.MOTHER, "")]
    assert {each.tie for each in people(store, key)} == {Tie.MOTHER, Tie.FATHER}


def test_of_a_shielded_child_nobody_is_told_with_whom_it_lives(store: Store) -> None:
    key = a_record(store, "wren", "council", WREN)
    connect(store, asks(), a_mother(key), urandom)
    connect(store, asks(), a_mother(key, tie=Tie.FOSTER_CARER, name="Foster Carer", responsibility=None), urandom)
    set_mark(store, an_officer("council"), "council", [key], "shielded", NOW)
    assert [(each.tie, each.phone) for each in people(store, key)] == [(Tie.MOTHER, "")]


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "  "},
        {"told_by": ""},
        {"basis": ""},
        {"number": "9990000019"},
        {"number": "not a number"},
        {"evidence": ""},
        {"since": date(2020, 1, 1), "until": date(2019, 1, 1)},
        {"responsibility": a_responsibility(since=date(2020, 1, 1), until=date(2020, 1, 1))},
    ],
)
def test_a_connection_that_cannot_be_is_not_kept(wrong: dict[str, Any]) -> None:
    with a_store("sqlite") as store:
        a_world(store)
        with pytest.raises(Invalid) as error:
            connect(store, asks(), a_mother("key", **wrong), urandom)
        assert "Quillfeather" not in str(error.value)
        assert "999" not in str(error.value)


def test_a_mothers_number_among_the_childs_is_noticed(store: Store) -> None:
    agree(store, "trust", "council")
    key = a_record(store, "wren", "council", {**WREN, "nhs_number": "9990000026"})
    connect(store, asks(), a_mother(key), urandom)
    (found,) = view(store).misplaced
    assert (found.tie, found.claim.owner) == (Tie.MOTHER, "council")


# --- family -----------------------------------------------------------------------------------------------------------


def relatives(store: Store, who: Asker = KEEPER) -> dict[str, set[Evidence]]:
    return {each.child: set(each.evidence) for each in family(store, who, "partners", "wren", asks(who))}


def test_other_children_of_the_home_as_far_as_each_may_be_known_of(store: Store) -> None:
    a_record(store, "wren", "council", WREN)
    a_record(store, "robin", "council", {**WREN, "forename": "Robin", "date_of_birth": "2016-01-01"})
    a_record(store, "jay", "school", {**WREN, "forename": "Jay", "date_of_birth": "2012-01-01"})
    both = {Evidence.ADDRESS, Evidence.SURNAME}
    assert relatives(store) == {"robin": both}
    agree(store, "school", "council", modes=(Mode.EXISTENCE,))
    assert relatives(store) == {"robin": both, "jay": both}


def test_a_shielded_child_is_no_relative_by_address_and_has_none(store: Store) -> None:
    key = a_record(store, "wren", "council", WREN)
    other = a_record(store, "robin", "council", {**WREN, "forename": "Robin"})
    set_mark(store, an_officer("council"), "council", [other], "shielded", NOW)
    assert relatives(store) == {}
    assert family(store, KEEPER, "partners", "robin", asks()) == []
    assert key != other


def test_one_mother_of_two_children_of_two_agencies(store: Store) -> None:
    agree(store, "school", "council")
    own = a_record(store, "wren", "council", {"forename": "Wren", "surname": "Avocet"})
    other = a_record(store, "jay", "school", {"forename": "Jay", "surname": "Heron"})
    connect(store, asks(), a_mother(own), urandom)
    connect(store, asks(SCHOOLS_KEEPER), a_mother(other, owner="school", number="9990000026"), urandom)
    assert relatives(store) == {"jay": {Evidence.PARENT}}


def test_a_closed_identity_is_no_relative(store: Store) -> None:
    own = a_record(store, "wren", "council", WREN)
    former = a_record(store, "former", "council", {**WREN, "surname": "Heron"})
    connect(store, asks(), a_mother(own), urandom)
    connect(store, asks(), a_mother(former), urandom)
    assert set(relatives(store)) == {"former"}
    set_mark(store, an_officer("council"), "council", [former], "sealed-identity", NOW)
    assert relatives(store) == {}


# --- drift ------------------------------------------------------------------------------------------------------------


def found_by(store: Store, who: Asker) -> Drifts:
    return drifts(store, who, "partners", NOW)


def test_each_agency_is_told_of_its_own_records_only(store: Store) -> None:
    agree(store, "school", "council")
    agree(store, "council", "school")
    a_record(store, "wren", "council", WREN)
    a_record(store, "wren", "school", {**WREN, "date_of_birth": "2014-09-03"})
    for who, value in ((KEEPER, "2014-03-09"), (SCHOOLS_KEEPER, "2014-09-03")):
        found = found_by(store, who)
        assert [(line.field, line.held_here, line.against) for line in found.lines] == [
            ("Date of birth", value, "another agency's record")
        ]
        assert (found.records, found.compared) == (1, 1)


def test_without_an_agreement_nothing_is_compared(store: Store) -> None:
    a_record(store, "wren", "council", WREN)
    a_record(store, "wren", "school", {**WREN, "date_of_birth": "2014-09-03"})
    found = found_by(store, KEEPER)
    assert (found.lines, found.records, found.compared) == ((), 1, 0)


def test_only_who_keeps_records_together_compares_them(store: Store) -> None:
    a_record(store, "wren", "council", WREN)
    with pytest.raises(Refused):
        found_by(store, WORKER)
    with pytest.raises(Missing):
        drifts(store, KEEPER, "no such space", NOW)


def test_the_ledger_holds_one_batch_and_no_value(store: Store) -> None:
    agree(store, "school", "council")
    a_record(store, "wren", "council", WREN)
    a_record(store, "wren", "school", {**WREN, "surname": "Heron"})
    before = entries(store)
    found_by(store, KEEPER)
    with store.read(Login.GATE) as gate:
        new = [each for each in ledger.entries(gate, limit=100) if each.number > before]
    text = "".join(msgspec.json.encode(each).decode() for each in new)
    assert len({part[:16] for part in text.split("drift-")[1:]}) == 1
    assert [word for word in ("Avocet", "Heron", "2014-03-09", "LS1", "High Street") if word in text] == []


def test_a_download_opens_in_a_spreadsheet(store: Store) -> None:
    agree(store, "school", "council")
    a_record(store, "wren", "council", {**WREN, "forename": "=1+1"})
    a_record(store, "wren", "school", {**WREN, "surname": "Heron"})
    found = found_by(store, KEEPER)
    text = as_file(found, "csv", "drift").content.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["Record"] for row in rows] == ["council/wren"] * len(rows)
    assert rows
    assert rows[0]["Held here"].startswith("'=1+1")
    assert as_file(found, "xlsx", "drift").content.startswith(b"PK")
