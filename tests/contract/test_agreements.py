"""Writing, signing and withdrawing agreements; relationships, marks and approvals: who may, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Thread
from typing import Any

import pytest
from msgspec.structs import replace

from asking import DAY, NOW, a_judgement, a_line, an_agreement, an_ask, some_facts
from gate import OPERATOR, WORKER, a_child, a_signed_agreement, a_world, an_officer, involve, own_ask
from samechild.errors import Conflict, Invalid, Missing, Refused
from samechild.policy.actions import gather_facts, question_of
from samechild.policy.agreement_actions import (
    check_agreement,
    enter_law,
    sign_agreement,
    standings,
    start_shadow,
    withdraw_agreement,
    write_agreement,
)
from samechild.policy.book import book_of
from samechild.policy.decide import decide
from samechild.policy.records import LegalEntry
from samechild.policy.relationship_actions import Relationship, approve, end_relationships, relate, set_mark
from samechild.policy.store import messages_for, related_to, seen, tell
from samechild.policy.vault_actions import Kept, keep_record, read_record, search
from samechild.records.disclosure import Asker, Effect
from samechild.storage import Login, Store
from stores import a_store

GOOD = a_line(purposes=("safeguarding",), powers=("CA2004-s10",), bases=("6(1)(e)",))


@pytest.fixture
def store() -> Iterator[Store]:
    with a_store("sqlite") as opened:
        a_world(opened)
        yield opened


def a_draft(**given: Any) -> Any:
    """An agreement that can be kept."""
    return an_agreement(**{"agreement": "", "version": 0, "rules": (GOOD,), **given})


@pytest.mark.parametrize(
    "wrong",
    [
        {"parties": ("school", "trust")},
        {"parties": ("council",)},
        {"ends": NOW - 31 * DAY},
        {"rules": ()},
        {"rules": (a_line(),)},
        {"rules": (replace(GOOD, modes=()),)},
        {"rules": (replace(GOOD, purposes=("gossip",)),)},
        {"rules": (replace(GOOD, purposes=("accountability",)),)},
        {"rules": (replace(GOOD, exception=True),)},
        {"rules": (replace(GOOD, valid_from=NOW, valid_until=NOW),)},
    ],
)
def test_what_cannot_be_an_agreement_is_said(store: Store, wrong: dict[str, Any]) -> None:
    assert check_agreement(a_draft(**wrong))
    with pytest.raises(Invalid):
        write_agreement(store, an_officer("council"), a_draft(**wrong), "A title", NOW)


def test_an_agreement_needs_a_title_and_an_officer_of_the_owner(store: Store) -> None:
    with pytest.raises(Invalid, match="title"):
        write_agreement(store, an_officer("council"), a_draft(), " ", NOW)
    for stranger in (WORKER, an_officer("school"), replace(an_officer("council"), factors=1),
                     Asker(user="nobody", organisation="council", role="information-governance", factors=2),
                     Asker(user="x", organisation="nowhere", role="information-governance", factors=2)):  # fmt: skip
        with pytest.raises(Refused):
            write_agreement(store, stranger, a_draft(), "A title", NOW)
    late = NOW + 400 * DAY
    with pytest.raises(Refused):
        write_agreement(store, replace(an_officer("council"), user="gone"), a_draft(), "A title", late)
    assert write_agreement(store, OPERATOR, a_draft(), "A title", NOW).version == 1


def test_versions_follow_one_another(store: Store) -> None:
    made = a_signed_agreement(store)
    officer = an_officer("council")
    with pytest.raises(Missing):
        write_agreement(store, officer, a_draft(agreement="unknown"), "A title", NOW)
    with pytest.raises(Conflict):
        write_agreement(store, officer, a_draft(agreement=made.agreement, version=7), "A title", NOW)
    other = a_draft(agreement=made.agreement, owner="school")
    with pytest.raises(Invalid, match="stays the same"):
        write_agreement(store, an_officer("school"), other, "A title", NOW)
    second = write_agreement(store, officer, a_draft(agreement=made.agreement), "A title", NOW)
    assert second.version == 2
    with pytest.raises(Conflict, match="newer"):
        sign_agreement(store, officer, made.agreement, 1, NOW)
    with pytest.raises(Missing):
        sign_agreement(store, officer, made.agreement, 9, NOW)


def test_only_a_party_signs_and_a_withdrawn_agreement_stays_so(store: Store) -> None:
    made = a_signed_agreement(store)
    with pytest.raises(Refused):
        withdraw_agreement(store, an_officer("trust"), made.agreement, NOW)
    with pytest.raises(Refused, match="party"):
        withdraw_agreement(store, OPERATOR, made.agreement, NOW)
    withdraw_agreement(store, an_officer("school"), made.agreement, NOW)
    with pytest.raises(Conflict, match="withdrawn"):
        withdraw_agreement(store, an_officer("school"), made.agreement, NOW)
    assert book_of(store, 99).between == {}


def test_how_agreements_stand(store: Store) -> None:
    officer = an_officer("council")
    draft = write_agreement(store, officer, a_draft(), "Draft", NOW)
    assert [each.state for each in standings(store, NOW)] == ["draft"]
    sign_agreement(store, officer, draft.agreement, 1, NOW)
    standing = standings(store, NOW, "school")[0]
    assert (standing.state, standing.unsigned) == ("part signed", ("school",))
    sign_agreement(store, an_officer("school"), draft.agreement, 1, NOW)
    assert [each.state for each in standings(store, NOW)] == ["in force"]
    assert [each.state for each in standings(store, NOW - 31 * DAY)] == ["to come"]
    assert [each.state for each in standings(store, NOW + 31 * DAY)] == ["ended"]
    assert standings(store, NOW, "trust") == []


def test_law_and_shadow_weeks_are_entered_with_sense(store: Store) -> None:
    officer = an_officer("council")
    with pytest.raises(Invalid, match="instrument"):
        enter_law(store, officer, LegalEntry("universal", NOW, " "), NOW)
    with pytest.raises(Invalid, match="end after"):
        enter_law(store, officer, LegalEntry("universal", NOW, "an order", NOW), NOW)
    with pytest.raises(Invalid):
        start_shadow(store, officer, "council", NOW, NOW)
    with pytest.raises(Refused):
        start_shadow(store, officer, "school", NOW + DAY, NOW)


def test_a_relationship_names_one_person_or_team_with_its_source(store: Store) -> None:
    good = Relationship(owner="council", record_key="r", organisation="council", person="u", since=NOW, source="a feed")
    for wrong in ({"kind": "friend"}, {"person": ""}, {"team": "t"}, {"source": ""}, {"until": NOW}):
        with pytest.raises(Invalid):
            relate(store, OPERATOR, [replace(good, **wrong)], NOW)


def test_an_ended_relationship_no_longer_counts(store: Store) -> None:
    child = a_child(store)
    involve(store, child, WORKER)
    with store.read(Login.GATE) as gate:
        rows = related_to(gate, WORKER.user, NOW)
    assert [row.record_key for row in rows] == [child]
    assert end_relationships(store, OPERATOR, [row.id for row in rows], NOW + DAY) == 1
    with pytest.raises(Refused, match="not involved"):
        read_record(store, replace(own_ask(child), now=NOW + 2 * DAY))


def test_only_an_officer_of_the_owner_marks(store: Store) -> None:
    child = a_child(store)
    with pytest.raises(Refused):
        set_mark(store, WORKER, "council", [child], "shielded", NOW)
    with pytest.raises(Refused):
        set_mark(store, an_officer("school"), "council", [child], "shielded", NOW)
    with pytest.raises(Invalid):
        set_mark(store, an_officer("council"), "council", [child], "interesting", NOW)
    set_mark(store, an_officer("council"), "council", [child], "opted-out", NOW)
    assert gather_facts(store, own_ask(child)).opted_out


def test_an_approval_is_for_one_question_by_somebody_who_may(store: Store) -> None:
    child = a_child(store)
    asked = own_ask(child)
    with pytest.raises(Refused):
        approve(store, WORKER, question_of(store, asked), NOW)
    approve(store, an_officer("council"), question_of(store, asked), NOW)
    assert gather_facts(store, asked).approvals == ("officer-council",)
    assert gather_facts(store, replace(asked, purpose="child-protection")).approvals == ()


def test_what_is_kept_and_searched_must_be_declared_and_whole(store: Store) -> None:
    kept = Kept(owner="council", basis="public task", identity={"surname": "Avocet"})
    for wrong in (
        replace(kept, identity={"shoe": "4"}),
        replace(kept, content={"gossip": b"x"}),
        replace(kept, content={"personal.address": b"x"}),
    ):
        with pytest.raises(Invalid):
            keep_record(store, wrong, NOW)
    from gate import a_search

    for values in ({}, {"date_of_birth": "2014"}, {"surname": "Avocet", "date_of_birth": "31/02/2014"}):
        with pytest.raises(Invalid):
            search(store, a_search(), values)
    with pytest.raises(Invalid):
        search(store, own_ask("r"), {"surname": "Avocet"})


def test_a_message_is_shown_until_it_was_seen(store: Store) -> None:
    with store.write(Login.GATE) as gate:
        tell(gate, id="m", organisation="council", person="", role="duty-desk", kind="a", entry=1, at=NOW)
        assert len(messages_for(gate, "somebody", "council", "duty-desk")) == 1
        assert messages_for(gate, "somebody", "school", "duty-desk") == []
        seen(gate, "m", NOW)
        assert messages_for(gate, "somebody", "council", "duty-desk") == []


def test_an_exception_in_the_agreement_refuses_one_school(store: Store) -> None:
    line = a_line(effect=Effect.FORBID, exception=True, organisations=("school",), reason="under review")
    a_signed_agreement(store, rules=(GOOD, line))
    facts = gather_facts(store, an_ask())
    assert [each.rules[1].reason for each in facts.agreements] == ["under review"]


def test_nothing_to_keep_is_kept_without_harm(store: Store) -> None:
    assert relate(store, OPERATOR, [], NOW) == []
    set_mark(store, an_officer("council"), "council", [], "opted-out", NOW)


def test_two_who_wait_for_the_same_book_read_it_once(store: Store) -> None:
    newest = book_of(store)
    shelf = store.memory["policy.book"]
    shelf.book, found = None, []
    with shelf.lock:
        waiting = Thread(target=lambda: found.append(book_of(store)))
        waiting.start()
        shelf.book = newest
    waiting.join()
    assert found == [newest]


def test_the_duty_to_share_needs_a_recorded_judgement() -> None:
    asked = an_ask(power="CA2004-s16LA", confidence="statute")
    assert [reason.rule for reason in decide(asked, some_facts()).reasons] == ["detriment-judged"]


def test_the_duty_about_the_identifier_carries_nothing_else() -> None:
    asked = an_ask(power="CA2004-s16LC", confidence="statute", judgement=a_judgement())
    entry = LegalEntry("CA2004-s16LC", NOW - DAY, "regulations")
    assert [reason.rule for reason in decide(asked, some_facts(entries=(entry,))).reasons] == ["identifier-alone"]
