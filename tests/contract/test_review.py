"""The review queue on each database: asked once, taken by one person, gone with either record, applied when agreed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from asking import NOW
from samechild.index import review_store as tables
from samechild.index.records import Piece
from samechild.index.review import Doubt, Question, Reply, Said, Stage
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
