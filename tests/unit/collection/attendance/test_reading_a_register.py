"""What a school's system sends is read strictly, and everything wrong with it is told without a value."""

from __future__ import annotations

import json
from typing import Any

import pytest

from samechild.collection.attendance.records import MOST_MARKS, Mark, Pupil
from samechild.collection.attendance.structural import STRUCTURAL
from samechild.collection.attendance.structure import read_register
from samechild.collection.records import declared
from samechild.collection.rules.rule import Rule
from samechild.collection.structure import Read, told

MARK = {"date": "2026-06-09", "session": "AM", "code": "/"}


def read(*pupils: Any, most: int = 100) -> Read:
    return read_register(json.dumps(list(pupils)).encode(), most=most)


def test_what_is_right_is_taken_and_kept_as_it_came() -> None:
    one = b'{"pupil_id": "P1","marks":[{"date":"2026-06-09", "session":"PM","code":"\\\\"}]}'
    other = b'{"pupil_id":"P2","purge":true}'
    found = read_register(b"[ " + one + b" ," + other + b"]")
    assert found.faults == ()
    assert found.slices == (one, other)
    assert [(each.la_child_id, each.purge) for each in found.children if each] == [("P1", None), ("P2", True)]
    assert read_register(b"[]").slices == ()


WRONG: dict[str, tuple[Any, list[tuple[str, str]]]] = {
    "no id": ({"marks": [MARK]}, [("/pupil_id", "REG-01")]),
    "an id with a line break": ({"pupil_id": "P1\n"}, [("/pupil_id", "REG-01")]),
    "a UPN of twelve": (
        {"pupil_id": "P1", "unique_pupil_number": "X00012341800"},
        [("/unique_pupil_number", "REG-02")],
    ),
    "a school of eight digits": ({"pupil_id": "P1", "school": "12345678"}, [("/school", "REG-03")]),
    "marks that are one": ({"pupil_id": "P1", "marks": MARK}, [("/marks", "REG-04")]),
    "too many marks": ({"pupil_id": "P1", "marks": [MARK] * (MOST_MARKS + 1)}, [("/marks", "REG-04")]),
    "a day that is none": (
        {"pupil_id": "P1", "marks": [{**MARK, "date": "2026-02-30"}]},
        [("/marks/0/date", "STR-13")],
    ),
    "a session at night": ({"pupil_id": "P1", "marks": [{**MARK, "session": "XX"}]}, [("/marks/0/session", "REG-05")]),
    "an empty code": ({"pupil_id": "P1", "marks": [{**MARK, "code": ""}]}, [("/marks/0/code", "REG-06")]),
    "minutes as text": (
        {"pupil_id": "P1", "marks": [{**MARK, "minutes_late": "5"}]},
        [("/marks/0/minutes_late", "REG-07")],
    ),
    "null": ({"pupil_id": "P1", "school": None}, [("/school", "REG-03")]),
    "something else": ({"pupil_id": "P1", "religion": "x"}, [("", "STR-06")]),
    "no object": ("P1", [("", "STR-06")]),
    "several": (
        {"pupil_id": "", "marks": [MARK, {"session": "AM"}]},
        [("/pupil_id", "REG-01"), ("/marks/1/date", "STR-13"), ("/marks/1/code", "REG-06")],
    ),
}


@pytest.mark.parametrize(("record", "expected"), WRONG.values(), ids=list(WRONG))
def test_everything_wrong_is_told_at_its_place(record: Any, expected: list[tuple[str, str]]) -> None:
    found = read({"pupil_id": "P0"}, record)
    assert [(each.position, each.place, each.rule) for each in found.faults] == [(1, *each) for each in expected]
    assert found.children[0] is not None
    assert found.children[1] is None
    assert told(found.faults).startswith("[1] ")


def test_no_value_stands_in_what_is_told() -> None:
    found = read(
        {"pupil_id": "Quillfeather!", "surname": 7, "Quillfeather": 1, "marks": [{**MARK, "code": "Quillfeather"}]}
    )
    assert len(found.faults) == 4
    assert "Quillfeather" not in told(found.faults)
    assert "1.0.1" not in told(found.faults)


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        (b"", "STR-01"),
        (b"{}", "STR-01"),
        (b"[" * 100_000, "STR-01"),
        ('[{"pupil_id": "P1", "surname": "Zoë"}]'.encode("utf-16"), "STR-03"),
        (json.dumps([{"pupil_id": f"P{number}"} for number in range(4)]).encode(), "STR-02"),
    ],
)
def test_a_body_that_cannot_be_used_is_refused_as_a_whole(body: bytes, rule: str) -> None:
    found = read_register(body, most=3)
    assert [(each.position, each.rule) for each in found.faults] == [(-1, rule)]


def test_text_of_another_encoding_spoils_only_its_record() -> None:
    found = read_register('[{"pupil_id": "P1", "surname": "Zoë"}, {"pupil_id": "P2"}]'.encode("cp1252"))
    assert [(each.position, each.rule) for each in found.faults] == [(0, "STR-03")]


def test_a_property_twice_is_told() -> None:
    found = read_register(
        b'[{"pupil_id": "P1", "marks": [{"date": "2026-06-09", "session": "AM", "code": "I", "code": "O"}]}]'
    )
    assert [(each.place, each.rule) for each in found.faults] == [("/marks/0", "STR-06")]


def test_every_structural_rule_is_about_a_declared_field() -> None:
    assert all(field in declared(rule.on) for rule in STRUCTURAL for field in rule.fields)
    assert {rule.on for rule in STRUCTURAL} == {Mark, Pupil}


@pytest.mark.parametrize("rule", STRUCTURAL, ids=lambda rule: rule.code)
def test_every_example_of_every_structural_rule(rule: Rule) -> None:
    assert rule.passes, "a rule shows what is right"
    assert rule.fails, "a rule shows what is wrong"
    for example in rule.passes:
        assert read_register(b"[" + example.thing + b"]").faults == ()
    for example in rule.fails:
        assert {each.rule for each in read_register(b"[" + example.thing + b"]").faults} == {rule.code}
