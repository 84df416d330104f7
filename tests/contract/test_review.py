"""The review queue on each database: asked once, taken by one person, gone with either record, applied when agreed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from asking import DAY, NOW, a_line
from gate import a_signed_agreement, an_officer
from linking import taught, the_town_linked
from reviewing import ANN, BOB, CEM, THEODORA, a_council, a_pair, a_record, asked_about
from samechild.cli.tables import all_tables
from samechild.errors import Conflict, Invalid, Missing, Refused
from samechild.index import actions
from samechild.index import review_store as tables
from samechild.index import store as index_tables
from samechild.index.actions import open_space
from samechild.index.cluster import open_cluster, preview_split, split_cluster, undo_event
from samechild.index.dry_run import apply, dry_run, in_words, read_model
from samechild.index.evidence import evidence, household
from samechild.index.live import live
from samechild.index.models import keep_model
from samechild.index.records import Piece, Space
from samechild.index.review import LEASE, PASSED_ON, Doubt, Question, Reply, Said, Stage
from samechild.index.review_actions import answer, finish_answers, open_pair, opened_note, undo_answer
from samechild.index.review_labels import as_said, labels
from samechild.index.review_queue import Filters, let_go, queue, take, take_next
from samechild.policy.ledger import entries
from samechild.policy.relationship_actions import Relationship, relate, set_mark
from samechild.policy.retention.erasure import Why, erase
from samechild.records.disclosure import Asker
from samechild.storage import Login, Store
from stores import KINDS, a_store


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    with a_store(request.param) as opened:
        yield opened


def a_question(one: str = "one", other: str = "other", **given: Any) -> Question:
    """A question of the council's own space about two of its records."""
    usual: dict[str, Any] = {
        "question": f"question-{one}-{other}",
        "space": "council",
        "kind": Doubt.DOUBT,
        "record_key": one,
        "owner": "council",
        "child": f"child-{one}",
        "other_key": other,
        "other_owner": "council",
        "other_child": f"child-{other}",
        "weight": 4.5,
        "probability": 0.95,
        "opened_at": NOW,
        "evidence": (Piece("surname", "the same", 6.0), Piece("forename", "different", -1.5)),
    }
    return Question(**{**usual, **given})


def asked(store: Store, *questions: Question) -> list[str]:
    with store.write(Login.INDEX) as index:
        return tables.open_questions(index, questions)


def test_a_pair_is_asked_about_once(store: Store) -> None:
    first = asked(store, a_question(), a_question("third"))
    again = asked(store, a_question("other", "one", question="another", weight=2.0), a_question("fourth"))
    assert first == ["question-one-other", "question-third-other"]
    assert again == ["question-one-other", "question-fourth-other"]
    with store.read(Login.INDEX) as index:
        found = tables.open_in(index, "council", 10)
        assert [each.asked.question for each in found] == sorted(["question-one-other", *first[1:], *again[1:]])
        kept = tables.one_question(index, first[0])
    assert kept is not None
    assert kept.asked.weight == 2.0  # brought up to date
    assert (kept.asked.record_key, kept.asked.child) == ("one", "child-one")
    assert kept.asked.evidence == a_question().evidence


def test_the_same_pair_twice_in_one_call_is_one_question(store: Store) -> None:
    ids = asked(store, a_question(), a_question(question="again"))
    assert ids == ["question-one-other"] * 2


def test_a_withdrawn_question_may_be_asked_again(store: Store) -> None:
    asked(store, a_question(), a_question("third", "fourth"))
    with store.write(Login.INDEX) as index:
        assert tables.withdraw(index, "another space", ["one"], NOW) == 0
        assert tables.withdraw(index, "council", ["other"], NOW) == 1
        assert tables.withdraw(index, "council", ["other"], NOW) == 0
    assert asked(store, a_question(question="anew")) == ["anew"]
    with store.write(Login.INDEX) as index:
        assert tables.withdraw_pairs(index, "council", [("other", "one"), ("third", "x")], NOW) == 1
        gone = tables.one_question(index, "anew")
        assert gone is not None
        assert gone.stage is Stage.SUPERSEDED
        assert [each.asked.question for each in tables.open_in(index, "council", 9)] == ["question-third-fourth"]


def test_a_question_goes_with_either_of_its_records(store: Store) -> None:
    """Erasure deletes rows by record key in the owner's own space, without knowing of questions."""
    asked(store, a_question(other_owner="school"), a_question("third", "fourth"))
    with store.write(Login.IDENTITY, "school") as identity:
        sides = tables.index_question_records
        identity.execute(sides.delete().where(sides.c.record_key == "other"))
    with store.read(Login.INDEX) as index:
        assert tables.one_question(index, "question-one-other") is None
        assert [each.asked.question for each in tables.open_in(index, "council", 9)] == ["question-third-fourth"]


def test_an_answered_question_can_be_opened_again(store: Store) -> None:
    asked(store, a_question())
    with store.write(Login.INDEX) as index:
        assert tables.settle(index, "question-one-other", Reply.SAME, 7, NOW)
        assert not tables.settle(index, "question-one-other", Reply.SAME, 7, NOW)
        assert tables.open_in(index, "council", 9) == []
        assert [each.event for each in tables.answered_in(index, "council")] == [7]
        assert tables.reopen(index, "question-one-other")
        assert not tables.reopen(index, "question-one-other")
        assert len(tables.open_in(index, "council", 9)) == 1


def test_opened_again_beside_a_newer_question_it_is_superseded(store: Store) -> None:
    asked(store, a_question())
    with store.write(Login.INDEX) as index:
        tables.settle(index, "question-one-other", Reply.DIFFERENT, 7, NOW)
    asked(store, a_question(question="anew"))
    with store.write(Login.INDEX) as index:
        assert tables.reopen(index, "question-one-other")
        assert [each.asked.question for each in tables.open_in(index, "council", 9)] == ["anew"]


def test_answers_are_kept_in_order(store: Store) -> None:
    asked(store, a_question())
    with store.write(Login.INDEX) as index:
        for number, who in enumerate(("ann", "bob"), 1):
            said = Said(
                question="question-one-other", number=number, who=who, organisation="council", answer=Reply.SAME,
                blind=number > 1, at=NOW, note=b"sealed",
            )  # fmt: skip
            tables.keep_answer(index, said)
        tables.take_back(index, "question-one-other", 1, NOW)
        found = tables.answers_to(index, ["question-one-other", "none"])
        assert [(each.who, each.taken_back_at) for each in found["question-one-other"]] == [("ann", NOW), ("bob", None)]
        assert tables.answers_by(index, "council") == {"bob": 1}
        assert tables.last_by(index, "council", "ann") is None


# --- what reviewers do ------------------------------------------------------------------------------------------------

LATER = NOW + timedelta(minutes=1)


@pytest.fixture(params=("sqlite", "postgres"), name="council")
def a_council_to_review(request: pytest.FixtureRequest) -> Iterator[Store]:
    with a_store(request.param) as opened:
        a_council(opened)
        yield opened


@pytest.fixture(name="modelled")
def a_council_with_a_model() -> Iterator[Store]:
    with a_store("sqlite") as opened:
        a_council(opened, model=True)
        yield opened


def child_of(store: Store, *keys: str) -> list[str]:
    with store.read(Login.INDEX) as index:
        found = index_tables.children_of(index, "council", list(keys))
    return [found[key] for key in keys]


def state_hash(store: Store) -> str:
    with store.read(Login.INDEX) as index:
        head = index_tables.head(index, "council")
    assert head is not None
    return head[0]


def say(store: Store, by: Asker, question: str, reply: Reply, note: str = "", now: Any = LATER) -> Any:
    return answer(store, by, question, reply, note, now, os.urandom)


def test_a_whole_question_from_the_queue_to_one_child_and_back(modelled: Store) -> None:
    one, other = a_pair(modelled, forename="Thea")
    asked_about(modelled, one, other, twice=False)
    before = state_hash(modelled)
    question = take_next(modelled, ANN, "council", NOW)
    pair = open_pair(modelled, ANN, question, NOW)
    assert (pair.one.values["forename"], pair.other.values["forename"]) == ("Theodora", "Thea")
    assert pair.heard == ()
    done = say(modelled, ANN, question, Reply.SAME, "same door, same day")
    assert done.applied
    assert len(set(child_of(modelled, one, other))) == 1
    assert take_next(modelled, BOB, "council", LATER) == ""
    assert undo_answer(modelled, ANN, "council", LATER) == question
    assert len(set(child_of(modelled, one, other))) == 2
    assert state_hash(modelled) == before
    assert take_next(modelled, ANN, "council", LATER) == question


def test_two_children_are_ruled_apart_and_the_ruling_can_be_taken_back(modelled: Store) -> None:
    one, other = a_pair(modelled, forename="Ottilie")
    question = asked_about(modelled, one, other, twice=False)
    before = state_hash(modelled)
    assert say(modelled, ANN, question, Reply.DIFFERENT).applied
    here, there = child_of(modelled, one, other)
    with pytest.raises(Conflict):
        actions.merge(modelled, ANN, "council", here, there, "", LATER)
    undo_answer(modelled, ANN, "council", LATER)
    assert state_hash(modelled) == before


def test_a_record_that_changed_beyond_recognition_is_taken_out_when_it_is_another_child(modelled: Store) -> None:
    one, child = a_record(modelled)
    other, _ = a_record(modelled, source="school", forename="Bartholomew", child=child)
    question = asked_about(modelled, other, one, twice=False, kind=Doubt.CHANGED)
    assert open_pair(modelled, ANN, question, NOW).together
    say(modelled, ANN, question, Reply.DIFFERENT)
    assert child_of(modelled, one) == [child]
    assert child_of(modelled, other) != [child]


def test_no_two_people_hold_one_question(council: Store) -> None:
    questions = {asked_about(council, *a_pair(council)) for _ in range(2)}
    first, second = (take_next(council, by, "council", NOW) for by in (ANN, BOB))
    assert {first, second} == questions
    assert take_next(council, CEM, "council", NOW) == ""
    assert take_next(council, ANN, "council", NOW) == first  # what one holds comes first
    with pytest.raises(Conflict):
        take(council, CEM, first, NOW)
    with pytest.raises(Conflict):
        open_pair(council, CEM, first, NOW)
    let_go(council, ANN, first, NOW)
    assert take_next(council, CEM, "council", NOW) == first
    assert take_next(council, ANN, "council", NOW + LEASE) in questions  # a lease ends


def test_nobody_is_given_their_own_family(council: Store) -> None:
    one, other = a_pair(council)
    question = asked_about(council, one, other)
    mine = Relationship(
        owner="council", record_key=other, organisation="council", person="ann", kind="own-family",
        since=NOW - DAY, source="a test",
    )  # fmt: skip
    relate(council, an_officer("council"), [mine], NOW)
    assert take_next(council, ANN, "council", NOW) == ""
    assert queue(council, ANN, "council", NOW).counts["open"] == 0
    for act in (
        lambda: open_pair(council, ANN, question, NOW),
        lambda: take(council, ANN, question, NOW),
        lambda: say(council, ANN, question, Reply.SAME),
    ):
        with pytest.raises(Missing):
            act()
    assert take_next(council, BOB, "council", LATER) == question


def test_a_sealed_identity_is_not_in_the_queue(council: Store) -> None:
    one, other = a_pair(council)
    question = asked_about(council, one, other)
    set_mark(council, an_officer("council"), "council", [other], "sealed-identity", NOW)
    found = queue(council, ANN, "council", LATER)
    assert (found.waiting, found.counts["open"]) == ((), 0)
    with pytest.raises(Missing):
        open_pair(council, ANN, question, LATER)


def test_a_question_that_is_not_there_sounds_like_one_that_may_not_be_seen(council: Store) -> None:
    question = asked_about(council, *a_pair(council))
    stranger = Asker(user="lead", organisation="school", role="safeguarding-lead", factors=2)
    heard = []
    for by, wanted in ((ANN, "no such question"), (stranger, question)):
        with pytest.raises(Missing) as told:
            open_pair(council, by, wanted, NOW)
        heard.append(str(told.value))
    assert heard[0] == heard[1]
    with pytest.raises(Missing):
        queue(council, stranger, "council", NOW)
    with pytest.raises(Refused):
        queue(council, an_officer("council"), "council", NOW)


def test_a_second_opinion_is_blind_and_nothing_is_done_before_two_agree(modelled: Store) -> None:
    one, other = a_pair(modelled, forename="Thea")
    question = asked_about(modelled, one, other, twice=True)
    before = state_hash(modelled)
    first = say(modelled, ANN, question, Reply.SAME, "a note of the first")
    assert (first.applied, first.waits) == (False, True)
    assert state_hash(modelled) == before
    with pytest.raises(Conflict):
        say(modelled, ANN, question, Reply.SAME)
    assert take_next(modelled, ANN, "council", LATER) == ""
    assert take_next(modelled, BOB, "council", LATER) == question
    assert open_pair(modelled, BOB, question, LATER).heard == ()
    say(modelled, BOB, question, Reply.DIFFERENT)
    assert state_hash(modelled) == before
    assert open_pair(modelled, CEM, question, LATER).heard == ()
    assert say(modelled, CEM, question, Reply.SAME).applied
    assert len(set(child_of(modelled, one, other))) == 1
    agreed = {each.who: each for each in queue(modelled, ANN, "council", LATER).agreements}
    assert (agreed["ann", "bob"].both, agreed["ann", "bob"].alike) == (1, 0)


def test_every_question_about_a_shielded_child_needs_two(modelled: Store) -> None:
    one, other = a_pair(modelled)
    question = asked_about(modelled, one, other, twice=False)
    set_mark(modelled, an_officer("council"), "council", [other], "shielded", NOW)
    assert say(modelled, ANN, question, Reply.SAME).waits
    assert say(modelled, BOB, question, Reply.SAME).applied


def test_what_a_shield_hides_leaves_no_trace_in_the_pair_or_its_evidence(modelled: Store) -> None:
    one, other = a_pair(modelled)
    question = asked_about(modelled, one, other)
    alive = live(modelled, "council", NOW)
    set_mark(modelled, an_officer("council"), "council", [other], "shielded", NOW)
    pair = open_pair(modelled, ANN, question, LATER)
    assert "postcode" in pair.one.values
    assert not {"postcode", "address"} & set(pair.other.values)
    without = {name: value for name, value in THEODORA.items() if name not in ("postcode", "address")}
    shown = evidence(alive, pair.one.values, pair.other.values, NOW.date())
    assert shown == evidence(alive, THEODORA, without, NOW.date())
    assert shown != evidence(alive, THEODORA, THEODORA, NOW.date())


def test_evidence_adds_up_to_the_weight(modelled: Store) -> None:
    alive = live(modelled, "council", NOW)
    found = evidence(alive, THEODORA, {**THEODORA, "forename": "Thea", "nhs_number": ""}, NOW.date())
    assert sum(step.bits for step in found.steps) == pytest.approx(found.weight, abs=0.5)
    assert found.probability > 0.5


def test_brothers_sisters_and_twins_near_by_are_shown_but_not_where_a_shielded_one_lives(modelled: Store) -> None:
    one, other = a_pair(modelled, forename="Thea")
    _, twin_child = a_record(modelled, forename="Ottilie", nhs_number="")
    hidden, _ = a_record(modelled, forename="Ambrose", date_of_birth="2012-07-01", nhs_number="")
    _, brother_child = a_record(modelled, forename="Crispin", date_of_birth="2011-01-05", nhs_number="")
    set_mark(modelled, an_officer("council"), "council", [hidden], "shielded", NOW)
    alive = live(modelled, "council", LATER)
    children = child_of(modelled, one, other)
    found = household(modelled, ANN, alive, [THEODORA], children, LATER)
    assert [(each.name, each.same_day) for each in found] == [
        ("Ottilie Quillfeather", True),
        ("Crispin Quillfeather", False),
    ]
    assert [each.child for each in found] == [twin_child, brother_child]
    assert "Ottilie" not in repr(found)


def test_who_cannot_tell_passes_it_on_with_a_note(modelled: Store) -> None:
    one, other = a_pair(modelled)
    question = asked_about(modelled, one, other, twice=False)
    assert say(modelled, ANN, question, Reply.CANNOT_TELL, "ask the school").waits
    assert take_next(modelled, BOB, "council", LATER) == ""  # has answered no more than Ann
    waiting = queue(modelled, BOB, "council", LATER, Filters(passed_on=True)).waiting
    assert [(each.question, each.may_take) for each in waiting] == [(question, False)]
    late = LATER + PASSED_ON
    assert take_next(modelled, BOB, "council", late) == question
    heard = open_pair(modelled, BOB, question, late).heard
    assert [(each.who, each.answer, each.note) for each in heard] == [("ann", Reply.CANNOT_TELL, "ask the school")]
    assert say(modelled, BOB, question, Reply.DIFFERENT, now=late).applied


def test_a_note_is_sealed_and_nowhere_in_the_ledger(council: Store) -> None:
    one, other = a_pair(council)
    question = asked_about(council, one, other, twice=True)
    say(council, ANN, question, Reply.SAME, "Zanzibar")
    with council.read(Login.INDEX) as index:
        (kept,) = tables.answers_to(index, [question])[question]
    assert kept.note
    assert b"Zanzibar" not in kept.note
    with council.read(Login.GATE) as gate:
        assert "Zanzibar" not in repr(entries(gate))
        assert THEODORA["forename"] not in repr(entries(gate))


def test_merging_one_pair_answers_the_others_about_the_same_two_children(modelled: Store) -> None:
    one, child = a_record(modelled)
    second, _ = a_record(modelled, source="health", child=child)
    other, _ = a_record(modelled, source="school", forename="Thea")
    question = asked_about(modelled, one, other, twice=False)
    asked_about(modelled, second, other, twice=False)
    say(modelled, ANN, question, Reply.SAME)
    assert queue(modelled, ANN, "council", LATER).counts["open"] == 0


def test_what_the_index_does_not_let_be_done_was_not_said(modelled: Store) -> None:
    one, other = a_pair(modelled)
    question = asked_about(modelled, one, other, twice=False)
    actions.part(modelled, BOB, "council", one, other, "", NOW)
    with modelled.write(Login.INDEX) as index:  # asked all the same
        assert tables.one_question(index, question) is not None
    with pytest.raises(Conflict):
        say(modelled, ANN, question, Reply.SAME)
    found = queue(modelled, ANN, "council", LATER)
    assert [each.question for each in found.waiting] == [question]
    assert found.experience == {}


def test_an_answer_that_was_kept_and_not_acted_on_is_finished(modelled: Store) -> None:
    one, other = a_pair(modelled)
    question = asked_about(modelled, one, other, twice=False)
    with modelled.write(Login.INDEX) as index:  # as after a stop between the two
        said = Said(
            question=question, number=1, who="ann", organisation="council", answer=Reply.SAME, blind=False, at=NOW
        )
        tables.keep_answer(index, said)
        tables.settle(index, question, Reply.SAME, 0, NOW)
    assert finish_answers(modelled, ANN, "council", NOW) == 0  # somebody may just be giving it
    assert finish_answers(modelled, ANN, "council", LATER) == 1
    assert finish_answers(modelled, ANN, "council", LATER) == 0
    assert len(set(child_of(modelled, one, other))) == 1


def test_an_answer_another_step_rests_on_is_taken_back_only_after_it(modelled: Store) -> None:
    one, other = a_pair(modelled)
    question = asked_about(modelled, one, other, twice=False)
    say(modelled, ANN, question, Reply.SAME)
    actions.unlink(modelled, BOB, "council", other, "", LATER)
    with pytest.raises(Conflict, match=r"\d"):
        undo_answer(modelled, ANN, "council", LATER)
    with pytest.raises(Missing):
        undo_answer(modelled, BOB, "council", LATER)  # only one's own


def test_labels_are_what_people_agreed_on(modelled: Store) -> None:
    pairs = [a_pair(modelled) for _ in range(3)]
    replies = (Reply.SAME, Reply.DIFFERENT, Reply.CANNOT_TELL)
    for pair, reply in zip(pairs, replies, strict=True):
        say(modelled, ANN, asked_about(modelled, *pair, twice=False), reply)
    found = labels(modelled, ANN, "council", LATER)
    assert {(each.record_key, each.other_key): (each.same, each.people) for each in found} == {
        pairs[0]: (True, 1),
        pairs[1]: (False, 1),
    }
    named = {key: ("source", key) for key in (*pairs[0], pairs[1][0])}
    assert [(said.record_a, said.record_b, said.same) for said in as_said(found, named)] == [(*pairs[0], True)]


# --- a child's records ------------------------------------------------------------------------------------------------


def a_wrong_child(store: Store) -> tuple[str, tuple[str, ...]]:
    """A child with three records of Theodora and one of another child; the child and the four keys."""
    first, child = a_record(store)
    second, _ = a_record(store, source="health", child=child)
    third, _ = a_record(store, source="schools", child=child, forename="Thea")
    wrong, _ = a_record(
        store, source="early years", child=child, forename="Bartholomew", date_of_birth="2011-07-01", sex="M",
        nhs_number="",
    )  # fmt: skip
    return child, (first, second, third, wrong)


def test_the_weakest_link_is_where_the_wrong_record_hangs(modelled: Store) -> None:
    child, keys = a_wrong_child(modelled)
    found = open_cluster(modelled, ANN, "council", child, LATER)
    assert {each.record_key for each in found.read.records} == set(keys)
    assert found.held is not None
    assert found.held.part == (keys[3],)
    assert found.held.weakest is not None
    assert found.held.weakest.bits < 0 < max(tie.bits for tie in found.held.ties)
    assert [event.child for event in found.events] == [child] * 4


def test_a_space_without_a_model_shows_records_without_weights(council: Store) -> None:
    _, child = a_record(council)
    assert open_cluster(council, ANN, "council", child, LATER).held is None


def test_what_would_move_is_told_and_then_done_and_taken_back(modelled: Store) -> None:
    child, keys = a_wrong_child(modelled)
    before = state_hash(modelled)
    asked_about(modelled, keys[3], a_record(modelled)[0])
    after_record = state_hash(modelled)
    preview = preview_split(modelled, ANN, "council", child, [keys[3]], LATER)
    assert (preview.leave, set(preview.stay)) == ((keys[3],), set(keys[:3]))
    assert (preview.told, preview.lead_here, preview.open_questions) == (("council",), 0, 1)
    assert state_hash(modelled) == after_record != before
    event = split_cluster(modelled, ANN, "council", child, [keys[3]], "a note", LATER)
    assert child_of(modelled, *keys[:3]) == [child] * 3
    assert child_of(modelled, keys[3]) != [child]
    undo_event(modelled, ANN, "council", event.number, "", LATER)
    assert state_hash(modelled) == after_record
    two = split_cluster(modelled, ANN, "council", child, keys[2:], "", LATER)
    assert child_of(modelled, *keys[2:]) == [child_of(modelled, keys[2])[0]] * 2
    three = split_cluster(modelled, ANN, "council", child_of(modelled, keys[2])[0], [keys[2]], "", LATER)
    with pytest.raises(Conflict, match=str(three.number)):  # the later step first
        undo_event(modelled, ANN, "council", two.number, "", LATER)
    for number in (three.number, two.number):
        undo_event(modelled, ANN, "council", number, "", LATER)
    assert state_hash(modelled) == after_record


def test_a_split_must_leave_something_on_both_sides_and_name_the_childs_own(modelled: Store) -> None:
    child, keys = a_wrong_child(modelled)
    stranger, _ = a_record(modelled)
    for leave in ([], list(keys), [stranger], [keys[0], stranger]):
        with pytest.raises(Invalid):
            preview_split(modelled, ANN, "council", child, leave, LATER)
        with pytest.raises(Invalid):
            split_cluster(modelled, ANN, "council", child, leave, "", LATER)
    with pytest.raises(Missing):
        open_cluster(modelled, ANN, "council", "no such child", LATER)


def test_what_a_shield_hides_does_not_weigh_in_the_picture(modelled: Store) -> None:
    child, keys = a_wrong_child(modelled)
    before = open_cluster(modelled, ANN, "council", child, LATER).held
    set_mark(modelled, an_officer("council"), "council", [keys[1]], "shielded", LATER)
    found = open_cluster(modelled, ANN, "council", child, LATER)
    hidden = next(each for each in found.read.records if each.record_key == keys[1])
    assert "postcode" not in hidden.values
    assert found.held is not None
    assert before is not None
    bits = {(tie.one, tie.other): tie.bits for tie in found.held.ties}
    was = {(tie.one, tie.other): tie.bits for tie in before.ties}
    assert bits != was


# --- a new model ------------------------------------------------------------------------------------------------------


def test_a_dry_run_tells_what_would_change_and_changes_nothing_until_applied(modelled: Store) -> None:
    one, first = a_record(modelled)
    other, second = a_record(modelled, source="schools")  # plainly the same child, kept apart so far
    _, keys = a_wrong_child(modelled)
    before = state_hash(modelled)
    frequencies = the_town_linked().frequencies
    run = dry_run(modelled, ANN, "council", taught(), frequencies, LATER)
    assert state_hash(modelled) == before
    assert (run.records, run.children_now) == (6, 3)
    shift = next(shift for shift in run.diff.shifts if first in shift.children)
    assert {first, second} <= set(shift.children)
    assert any(one in group and other in group for group in shift.groups)
    told = "\n".join(in_words(run))
    assert first in told
    assert THEODORA["surname"] not in told
    done = apply(modelled, ANN, run, taught(), frequencies, LATER)
    assert done.left_out == 0
    assert len(set(child_of(modelled, one, other))) == 1
    assert child_of(modelled, keys[3]) != child_of(modelled, keys[0])
    with pytest.raises(Conflict):  # the index has moved on
        apply(modelled, ANN, run, taught(), frequencies, LATER)
    again = dry_run(modelled, ANN, "council", taught(), frequencies, LATER)
    assert again.diff.shifts == ()


def test_a_dry_run_keeps_to_what_people_decided(modelled: Store) -> None:
    one, other = a_pair(modelled)
    say(modelled, ANN, asked_about(modelled, one, other, twice=False), Reply.DIFFERENT)
    run = dry_run(modelled, ANN, "council", taught(), the_town_linked().frequencies, LATER)
    assert run.diff.shifts == ()
    assert (run.labels, run.labels_right) == (1, 0)  # the model alone would put them together


def test_a_dry_run_needs_a_reviewer_records_and_a_whole_model(modelled: Store, tmp_path: Any) -> None:
    with pytest.raises(Invalid):
        dry_run(modelled, ANN, "council", taught(), the_town_linked().frequencies, LATER)
    with pytest.raises(Refused):
        dry_run(modelled, an_officer("council"), "council", taught(), the_town_linked().frequencies, LATER)
    with pytest.raises(Missing):
        read_model(tmp_path / "model.json")
    (tmp_path / "model.json").write_text("{}", encoding="utf-8")
    with pytest.raises(Invalid):
        read_model(tmp_path / "model.json")


def test_a_question_whether_two_records_should_be_of_one_child_stays_when_others_join(modelled: Store) -> None:
    child, keys = a_wrong_child(modelled)
    question = asked_about(modelled, keys[3], keys[0], twice=False, kind=Doubt.CHANGED)
    another, other_child = a_record(modelled, source="police")
    actions.merge(modelled, BOB, "council", other_child, child, "", LATER)
    assert child_of(modelled, keys[3]) == child_of(modelled, another)
    with modelled.read(Login.INDEX) as index:
        assert [each.asked.question for each in tables.open_in(index, "council", 9)] == [question]


# --- between organisations, and when a child is erased ----------------------------------------------------------------


def test_a_joint_space_is_reviewed_under_the_agreement_that_names_it() -> None:
    with a_store("sqlite") as store:
        a_council(store)
        shared = {"purposes": ("linkage-quality",), "powers": ("CA2004-s10",), "bases": ("6(1)(e)",)}
        parties = {"parties": ("council", "school"), "rules": (a_line(**shared),)}
        agreement = a_signed_agreement(store, owner="school", **parties)
        space = Space(space="joint", title="Both", members=("council", "school"), agreement=agreement.agreement)
        open_space(store, ANN, space, NOW)
        keep_model(store, "joint", taught(), the_town_linked().frequencies, NOW)
        own, _ = a_record(store, space="joint")
        theirs, _ = a_record(store, space="joint", owner="school", source="register", forename="Thea")
        question = asked_about(store, own, theirs, twice=False, space="joint")
        pair = open_pair(store, ANN, question, NOW)
        assert pair.other.values["forename"] == "Thea"
        assert say(store, ANN, question, Reply.SAME).applied
        with store.read(Login.INDEX) as index:
            assert len(set(index_tables.children_of(index, "joint", [own, theirs]).values())) == 1


def test_without_an_agreement_the_other_organisations_record_is_not_there() -> None:
    with a_store("sqlite") as store:
        a_council(store)
        own, _ = a_record(store)
        theirs, _ = a_record(store, owner="school")
        question = asked_about(store, own, theirs)
        assert queue(store, ANN, "council", NOW).counts["open"] == 0
        with pytest.raises(Missing):
            open_pair(store, ANN, question, NOW)


@pytest.mark.parametrize("which", [0, 1])
def test_erasing_either_child_ends_the_question_its_note_and_its_label(council: Store, which: int) -> None:
    keep_model(council, "council", taught(), the_town_linked().frequencies, NOW)
    pair = a_pair(council)
    question = asked_about(council, *pair, twice=False)
    say(council, ANN, question, Reply.DIFFERENT, "Zanzibar")
    assert len(labels(council, ANN, "council", LATER)) == 1
    with council.read(Login.INDEX) as index:
        sealed = tables.answers_to(index, [question])[question][0].note
        asked_then = tables.one_question(index, question)
    assert asked_then is not None
    with council.read(Login.GATE) as gate:
        assert opened_note(council, gate, asked_then, sealed) == "Zanzibar"
    erase(council, all_tables(), [pair[which]], Why.REQUEST, ANN, LATER)
    assert labels(council, ANN, "council", LATER) == []
    with council.read(Login.INDEX) as index:
        assert tables.one_question(index, question) is None
        assert len(tables.answers_in(index, "council")) == 1  # still counts towards agreement
    with council.read(Login.GATE) as gate, pytest.raises(Missing):
        opened_note(council, gate, asked_then, sealed)
