"""Questions: which pairs are put to a person, in what order, and how many."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from linking import a_child, a_town, by_hand, decision, given_records, known, linked
from samechild.linkage import deciding
from samechild.linkage.claims import torn_between_twins
from samechild.linkage.conditions import Always, equal, missing
from samechild.linkage.model import Comparison, Level, Model

ONE, OTHER = "9990000018", "9997000013"


@pytest.fixture
def _no_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """No questions beyond the limit, however few children there are."""
    monkeypatch.setattr(deciding, "FEW_QUESTIONS", 0)


@pytest.mark.usefixtures("_no_few")
def test_no_more_questions_than_people_can_answer() -> None:
    given = given_records(a_town())
    few, many = linked(given, review_limit=3.0), linked(given, review_limit=1000.0)
    assert few.review.num_rows == int(3.0 / 1000 * few.counts["children"])
    assert few.review.num_rows < many.review.num_rows
    kept = few.review.select(["record_a", "record_b"]).to_pylist()
    assert kept == many.review.select(["record_a", "record_b"]).to_pylist()[: len(kept)]  # the worst first
    assert "below this run's line for questions" in " ".join(few.pairs["reason"].to_pylist())
    assert few.review["answer"].null_count == few.review.num_rows


@pytest.mark.usefixtures("_no_few")
def test_two_numbers_in_one_child_are_told_even_beyond_the_limit() -> None:
    records = by_hand(
        a_child(source="a", nhs_number=ONE, upn="A999000115001"),
        a_child(source="b", nhs_number=OTHER, upn="A999000115001"),
    )
    asked = known(records, review_limit=1000.0)
    assert decision(asked, "r0", "r1") == "ask"
    assert asked.review["child_a"].to_pylist() == asked.review["child_b"].to_pylist()
    silent = known(records, review_limit=0.0)
    assert decision(silent, "r0", "r1") == "same"
    assert "contradict" in silent.pairs["reason"][0].as_py()


def test_each_pair_of_children_is_asked_about_once() -> None:
    review = linked(given_records(a_town()), review_limit=1000.0).review
    children = [frozenset(each) for each in zip(*(review[f"child_{end}"].to_pylist() for end in "ab"), strict=True)]
    assert len(children) > 5
    assert len(set(children)) == len(children)
    assert review["review_id"].to_pylist() == [f"Q{number:06d}" for number in range(1, len(children) + 1)]


# --- a record that stands between two twins ---------------------------------------------------------------------------


def _comparison(name: str, **marks: bool) -> Comparison:
    levels = (Level("missing", missing(name), is_null=True), Level("same", equal(name)), Level("different", Always()))
    return msgspec.structs.replace(Comparison(name, levels), **marks)


MODEL = Model(
    "twins", (_comparison("forename"), _comparison("date_of_birth"), _comparison("nhs_number", identifier=True)), ()
)
SAME, DIFFERENT, NULL = 1, 2, 0


def torn(levels: list[list[int]], sex: list[int] | None = None) -> list[int]:
    """Records 0 and 1 are one child, 2 its twin; pairs 0-1, 0-2, 1-2 with levels of forename, birth date, number."""
    columns = [np.array(column, np.uint8) for column in zip(*levels, strict=True)]
    left, right = np.array([0, 0, 1], np.int32), np.array([1, 2, 2], np.int32)
    twins = np.array([False, True, True])
    codes = None if sex is None else np.array(sex, np.int32)
    found: list[int] = torn_between_twins(np.array([0, 0, 2]), left, right, columns, twins, MODEL, codes).tolist()
    return found


def test_one_twins_name_and_the_others_number_is_a_question() -> None:
    assert torn([[DIFFERENT, SAME, SAME], [DIFFERENT, SAME, DIFFERENT], [SAME, SAME, DIFFERENT]]) == [1]


def test_a_record_that_agrees_with_its_own_child_is_none() -> None:
    assert torn([[SAME, SAME, SAME], [DIFFERENT, SAME, DIFFERENT], [DIFFERENT, SAME, DIFFERENT]]) == []


def test_the_other_twins_sex_is_a_question_unless_a_number_says_whose_it_is() -> None:
    pairs = [[SAME, SAME, NULL], [DIFFERENT, SAME, NULL], [DIFFERENT, SAME, NULL]]
    assert torn(pairs, sex=[0, 1, 1]) == [1]
    assert torn(pairs, sex=[0, 0, 1]) == []
    assert torn([[SAME, SAME, SAME], *pairs[1:]], sex=[0, 1, 1]) == []
