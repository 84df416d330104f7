"""Asking the gate, whole: decided, recorded, read, recorded again, on every kind of database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from asking import DAY, NOW, a_line, an_ask
from gate import (
    CHILD,
    DESK,
    LEAD,
    NURSE,
    WORKER,
    a_child,
    a_search,
    a_signed_agreement,
    a_world,
    an_officer,
    give,
    involve,
    own_ask,
)
from samechild.errors import Conflict, Invalid, Missing, Refused, Unavailable
from samechild.policy import ledger
from samechild.policy.actions import ask_gate, decide_each, gather_facts, permit, permits
from samechild.policy.agreement_actions import enter_law, sign_agreement, standings, start_shadow, withdraw_agreement
from samechild.policy.records import Consent, LegalEntry
from samechild.policy.relationship_actions import lift_mark, set_mark
from samechild.policy.store import messages_for
from samechild.policy.vault_actions import read_record, search
from samechild.records.disclosure import Ask, Asker, Effect, Emergency, Mode, Scope, Spread
from samechild.storage import Login, Store
from stores import KINDS, a_store


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    with a_store(request.param) as opened:
        a_world(opened)
        yield opened


@pytest.fixture
def sqlite() -> Iterator[Store]:
    with a_store("sqlite") as opened:
        a_world(opened)
        yield opened


def kinds_in(store: Store) -> list[str]:
    """The kinds of every entry of the ledger, oldest first."""
    with store.read(Login.GATE) as gate:
        return [entry.kind for entry in reversed(ledger.entries(gate))]


def from_school(record_key: str, **given: Any) -> Ask:
    """The school's lead asks the council about one record."""
    return an_ask(**{"who": LEAD, "scope": Scope(Spread.CHILD, (record_key,)), "record_type": "education.setting",
                     "condition": "", "confidence": "", **given})  # fmt: skip


def test_a_social_worker_reads_their_own_child_and_the_ledger_says_so(store: Store) -> None:
    child = a_child(store)
    involve(store, child, WORKER)
    found = read_record(store, own_ask(child))
    assert [row.plain for row in found] == [b"an episode"]
    assert kinds_in(store)[-2:] == ["decision", "outcome"]
    references = ledger.references_to(store, child)
    with store.read(Login.GATE) as gate:
        about = [entry.kind for entry in reversed(ledger.entries_about(gate, references))]
    assert about[-2:] == ["decision", "outcome"]


def test_a_refusal_is_recorded_and_names_who_can_decide(store: Store) -> None:
    child = a_child(store)
    with pytest.raises(Refused, match="not involved") as refused:
        read_record(store, own_ask(child))
    assert "duty desk of the council" in str(refused.value)
    assert kinds_in(store)[-1] == "decision"


def test_the_next_decision_obeys_an_agreement_and_its_withdrawal(store: Store) -> None:
    child = a_child(store)
    involve(store, child, LEAD)
    with pytest.raises(Refused, match="No sharing agreement"):
        read_record(store, from_school(child))
    made = a_signed_agreement(store)
    assert [row.plain for row in read_record(store, from_school(child))] == [b"a school"]
    withdraw_agreement(store, an_officer("school"), made.agreement, NOW)
    with pytest.raises(Refused, match="No sharing agreement"):
        read_record(store, from_school(child))
    assert [each.state for each in standings(store, NOW)] == ["withdrawn"]


def test_a_new_version_holds_once_all_have_signed_it(sqlite: Store) -> None:
    child = a_child(sqlite)
    involve(sqlite, child, LEAD)
    made = a_signed_agreement(sqlite)
    from samechild.policy.agreement_actions import write_agreement

    stricter = replace(
        made, version=0, rules=(a_line(effect=Effect.FORBID, exception=True, reason="a review"), *made.rules)
    )
    second = write_agreement(sqlite, an_officer("council"), stricter, "Sharing", NOW)
    sign_agreement(sqlite, an_officer("council"), second.agreement, second.version, NOW)
    assert read_record(sqlite, from_school(child))
    with pytest.raises(Conflict):
        sign_agreement(sqlite, an_officer("council"), second.agreement, second.version, NOW)
    sign_agreement(sqlite, an_officer("school"), second.agreement, second.version, NOW)
    with pytest.raises(Refused, match="excludes"):
        read_record(sqlite, from_school(child))
    assert [each.state for each in standings(sqlite, NOW)] == ["in force", "superseded"]


def test_a_search_finds_by_exact_values_and_writes_none_of_them(store: Store) -> None:
    child = a_child(store)
    found = search(store, a_search(), {"surname": "avocet", "date_of_birth": "9/3/2014"})
    assert found.record_keys == (child,)
    assert search(store, a_search(), {"surname": "Avocet", "date_of_birth": "2014-03-10"}).record_keys == ()
    with store.read(Login.GATE) as gate:
        written = " ".join(str(entry) for entry in ledger.entries(gate))
    assert "vocet" not in written
    assert "2014" not in written


def test_a_shielded_child_is_found_by_name_and_never_by_place(store: Store) -> None:
    child = a_child(store)
    place = {"surname": "Avocet", "postcode": CHILD["postcode"]}
    assert search(store, a_search(), place).record_keys == (child,)
    set_mark(store, an_officer("council"), "council", [child], "shielded", NOW)
    assert search(store, a_search(), place).record_keys == ()
    assert search(store, a_search(), {"surname": "Avocet"}).record_keys == (child,)
    involve(store, child, WORKER)
    address = own_ask(child, record_type="personal.address")
    with pytest.raises(Missing) as hidden:
        read_record(store, address)
    with pytest.raises(Missing) as nothing:
        read_record(store, own_ask(a_bare_child(store), record_type="personal.address"))
    assert str(hidden.value) == str(nothing.value)
    lift_mark(store, an_officer("council"), "council", [child], "shielded", NOW)
    assert search(store, a_search(), place).record_keys == (child,)


def a_bare_child(store: Store) -> str:
    """A child with a name and no address, with whom the worker is involved."""
    child = a_child(store, identity={"surname": "Dunlin"}, content={})
    involve(store, child, WORKER)
    return child


def test_a_sealed_identity_is_in_no_search(store: Store) -> None:
    child = a_child(store)
    set_mark(store, an_officer("council"), "council", [child], "sealed-identity", NOW)
    assert search(store, a_search(), {"surname": "Avocet"}).record_keys == ()


def test_breaking_the_glass_tells_the_supervisor_before_anything_is_read(store: Store) -> None:
    child = a_child(store)
    read_record(store, own_ask(child, emergency=Emergency("child missing tonight", "supervisor")))
    with store.read(Login.GATE) as gate:
        told = messages_for(gate, "supervisor", "council", "")
    assert [row.kind for row in told] == ["tell-supervisor"]


def test_a_refused_safeguarding_question_becomes_a_case_somebody_reviews(store: Store) -> None:
    from samechild.policy.registers.store import every_case

    with pytest.raises(Refused):
        read_record(store, own_ask(a_child(store)))
    with store.read(Login.GATE) as gate:
        assert len(every_case(gate)) == 1


def test_in_shadow_weeks_everything_is_decided_and_nothing_disclosed(store: Store) -> None:
    child = a_child(store)
    involve(store, child, WORKER)
    start_shadow(store, an_officer("council"), "council", NOW + 7 * DAY, NOW)
    with pytest.raises(Refused, match="nothing is disclosed"):
        read_record(store, own_ask(child))
    assert kinds_in(store)[-1] == "decision"
    assert read_record(store, replace(own_ask(child), now=NOW + 8 * DAY))


def test_a_list_is_decided_once_for_each_combination_of_facts(store: Store) -> None:
    children = [a_child(store) for _ in range(6)]
    involve(store, children[0], WORKER)
    involve(store, children[1], WORKER)
    asked = own_ask("", scope=Scope(Spread.BATCH, tuple(children)))
    before = len(kinds_in(store))
    given = permits(store, asked)
    assert [sorted(each.record_keys) for each in given] == [sorted(children[:2])]
    assert kinds_in(store)[before:] == ["decision", "decision"]
    assert len(decide_each(store, asked)) == 2


def test_a_role_that_ended_ends_the_next_question(sqlite: Store) -> None:
    late = Asker(user="agency", organisation="council", role="social-worker", factors=2)
    with sqlite.write(Login.GATE) as gate:
        give(gate, late, valid_until=NOW + DAY)
    child = a_child(sqlite)
    involve(sqlite, child, late)
    assert read_record(sqlite, own_ask(child, who=late))
    with pytest.raises(Refused, match="do not hold this role"):
        read_record(sqlite, replace(own_ask(child, who=late), now=NOW + 2 * DAY))


def test_law_that_waits_for_regulations_is_off_until_entered(sqlite: Store) -> None:
    asked = an_ask(power="CA2004-s16LC", scope=Scope(Spread.BATCH))
    rules = {reason.rule for reason in ask_gate(sqlite, asked).reasons}
    assert "power-in-force" in rules
    entry = LegalEntry("CA2004-s16LC", NOW - DAY, "The Consistent Identifier (Test) Regulations")
    enter_law(sqlite, an_officer("council"), entry, NOW)
    assert "power-in-force" not in {reason.rule for reason in ask_gate(sqlite, asked).reasons}
    with pytest.raises(Invalid):
        enter_law(sqlite, an_officer("council"), replace(entry, name="CA1989-s17"), NOW)
    with pytest.raises(Refused):
        enter_law(sqlite, WORKER, entry, NOW)


def test_a_clock_moved_back_discloses_nothing(sqlite: Store) -> None:
    child = a_child(sqlite)
    involve(sqlite, child, WORKER)
    read_record(sqlite, own_ask(child))
    with pytest.raises((Refused, Unavailable)):
        read_record(sqlite, replace(own_ask(child), now=NOW - timedelta(hours=1)))


def test_an_unrecorded_question_about_a_child_is_refused(sqlite: Store) -> None:
    with pytest.raises(Refused, match="recorded"):
        ask_gate(sqlite, own_ask("some record"))


def test_nobody_from_nowhere_gets_nothing(sqlite: Store) -> None:
    stranger = Asker(user="x", organisation="nowhere", role="social-worker", factors=2)
    for owner in ("council", "nowhere", "elsewhere"):
        with pytest.raises(Refused):
            permit(sqlite, own_ask("r", who=stranger, owner=owner))


def test_facts_hold_no_name(sqlite: Store) -> None:
    child = a_child(sqlite)
    involve(sqlite, child, LEAD, NURSE)
    facts = gather_facts(sqlite, from_school(child))
    assert "vocet" not in repr(facts)
    assert facts.consent is Consent.NOT_ASKED


def test_a_duty_desk_needs_no_involvement(sqlite: Store) -> None:
    child = a_child(sqlite)
    assert read_record(sqlite, own_ask(child, who=DESK))
    with pytest.raises(Invalid):
        read_record(sqlite, own_ask(child, who=DESK, mode=Mode.EXISTENCE))


def test_the_number_is_searched_with_and_not_seen_by_those_who_may_not(sqlite: Store) -> None:
    child = a_child(sqlite)
    involve(sqlite, child, LEAD)
    a_signed_agreement(sqlite)
    theirs = read_record(sqlite, from_school(child, record_type="personal.identity"))
    assert b"Avocet" in theirs[0].plain
    assert b"9990000018" not in theirs[0].plain
    own = read_record(sqlite, own_ask(child, who=DESK, record_type="personal.identity"))
    assert b"9990000018" in own[0].plain
    assert search(sqlite, a_search(), {"nhs_number": "999 000 0018"}).record_keys == (child,)
