"""Two records side by side: what counts as the same, alike, different; and letters that part are marked."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samechild.index.side_by_side import Mark, Step, counted, lines, probability, short_title, waterfall
from samechild.records import fields

TODAY = date(2026, 11, 2)


def one_line(field: str, one: str, other: str) -> tuple[Mark, str]:
    found = lines({field: one}, {field: other}, TODAY)
    assert [each.field for each in found] == [field]
    return found[0].mark, found[0].words


@pytest.mark.parametrize(
    ("field", "one", "other", "mark"),
    [
        ("surname", "O'Neil", "ONEIL", Mark.SAME),
        ("surname", "Avocet", "Avocett", Mark.ALIKE),
        ("surname", "Avocet", "Plover", Mark.DIFFERENT),
        ("forename", "William", "Bill", Mark.ALIKE),
        ("forename", "Wren", "", Mark.ONE_SIDE),
        ("date_of_birth", "2014-03-09", "09/03/2014", Mark.SAME),
        ("date_of_birth", "2014-03-09", "2014-09-03", Mark.ALIKE),
        ("date_of_birth", "2014-03-09", "2011-07-21", Mark.DIFFERENT),
        ("date_of_birth", "some day", "2011-07-21", Mark.DIFFERENT),
        ("postcode", "ls1 6ab", "LS16AB", Mark.SAME),
        ("nhs_number", "999 000 0018", "9990000018", Mark.SAME),
        ("email", "wren@example.org", "wrem@example.org", Mark.ALIKE),
    ],
)
def test_values_are_compared_as_they_are_meant(field: str, one: str, other: str, mark: Mark) -> None:
    assert one_line(field, one, other)[0] is mark


def test_a_difference_that_explains_itself_says_so() -> None:
    assert "nickname" in one_line("forename", "William", "Bill")[1]
    assert one_line("date_of_birth", "2014-03-09", "2014-09-03")[1] == "day and month exchanged"


def test_only_the_letters_that_part_are_marked() -> None:
    (line,) = lines({"surname": "Avocet"}, {"surname": "Avoret"}, TODAY)
    assert line.one == (("Avo", False), ("c", True), ("et", False))
    assert line.other == (("Avo", False), ("r", True), ("et", False))


def test_what_neither_has_is_left_out_and_order_is_as_declared() -> None:
    found = lines({"school": "900001", "forename": "Wren"}, {"surname": "Avocet"}, TODAY)
    assert [each.field for each in found] == ["forename", "surname", "school"]
    assert counted(found) == {Mark.SAME: 0, Mark.ALIKE: 0, Mark.DIFFERENT: 0, Mark.ONE_SIDE: 3}


def test_a_line_does_not_print_what_it_holds() -> None:
    (line,) = lines({"forename": "Wren"}, {"forename": "Wren"}, TODAY)
    assert "Wren" not in repr(line)


NAMES = sorted(name for name, field in fields().items() if field.given and name not in ("source", "record_id"))


def test_titles_are_short() -> None:
    titles = {name: short_title(name) for name in NAMES}
    assert titles["date_of_birth"] == "Date of birth"
    assert titles["birth_order"] == "Place in a multiple birth"
    assert titles["school"] == "School"
    assert all(title.strip() for title in titles.values())


RECORDS = st.dictionaries(st.sampled_from(NAMES), st.text(max_size=30), max_size=6)


@given(RECORDS, RECORDS)
def test_the_order_of_the_two_does_not_matter_and_nothing_is_lost(one: dict[str, str], other: dict[str, str]) -> None:
    there, back = lines(one, other, TODAY), lines(other, one, TODAY)
    assert [(each.field, each.mark) for each in there] == [(each.field, each.mark) for each in back]
    for line in there:
        assert "".join(text for text, _ in line.one) == one.get(line.field, "").strip()
        assert "".join(text for text, _ in line.other) == other.get(line.field, "").strip()


@given(RECORDS)
def test_a_record_is_the_same_as_itself(record: dict[str, str]) -> None:
    assert {each.mark for each in lines(record, record, TODAY)} <= {Mark.SAME}


def test_evidence_adds_up_and_what_weighs_nothing_is_left_out() -> None:
    pieces = [("surname", "the same", 6.0), ("sex", "missing", 0.0), ("forename", "different", -8.0)]
    steps = waterfall(-20.0, pieces, str.title)
    assert steps[1:] == [Step("Forename", "different", -8.0), Step("Surname", "the same", 6.0)]
    assert sum(step.bits for step in steps) == -22.0


@pytest.mark.parametrize(("bits", "chance"), [(0.0, 0.5), (1.0, 2 / 3), (-2000.0, 0.0), (5000.0, 1.0)])
def test_bits_as_a_probability(bits: float, chance: float) -> None:
    assert probability(bits) == pytest.approx(chance)
