"""The rules of the attendance register: every example of every rule, the codes, and what a rule must not do."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest

from samechild.collection.attendance import rules
from samechild.collection.attendance.check import check_pupil, check_session
from samechild.collection.attendance.codes import Counts, codes, counts_as
from samechild.collection.attendance.records import Mark, Pupil
from samechild.collection.attendance.rules import RULES, SchoolDay, session_counts, within
from samechild.collection.rules import catalogue
from samechild.collection.rules.rule import Example, Grade, Rule

TODAY = date(2026, 6, 10)


def a_pupil(*marks: tuple[str, str, str], **fields: str) -> Pupil:
    given = [{"date": day, "session": half, "code": code} for day, half, code in marks]
    return msgspec.convert({"pupil_id": "P1", **fields, "marks": given}, Pupil)


def _found(rule: Rule, example: Example) -> bool:
    assert rule.test is not None
    found = rule.test(example.thing, example.at)
    return found if isinstance(found, bool) else bool(list(found))


@pytest.mark.parametrize(
    ("rule", "example", "expected"),
    [
        pytest.param(rule, example, expected, id=f"{rule.code}-{'fails' if expected else 'passes'}-{number}")
        for rule in RULES
        for expected, examples in ((False, rule.passes), (True, rule.fails))
        for number, example in enumerate(examples)
    ],
)
def test_every_example_of_every_rule(rule: Rule, example: Example, expected: bool) -> None:
    assert _found(rule, example) is expected


def test_every_rule_is_whole_and_listed_once() -> None:
    declared = [each for each in vars(rules).values() if isinstance(each, Rule)]
    assert sorted(each.code for each in declared) == sorted(each.code for each in RULES)
    assert len({each.code for each in RULES}) == len(RULES)
    assert all(each.passes and each.fails and each.message and each.mend for each in RULES)


def test_the_catalogue_lists_the_register_by_itself_and_finds_each_rule_by_its_code() -> None:
    listed = [each.code for each in catalogue.REGISTER_RULES]
    assert listed == sorted(listed, key=lambda code: (list(catalogue.REGISTER_SECTIONS).index(code[:3]), code))
    assert len(set(listed)) == len(listed)
    assert not set(listed) & {each.code for each in catalogue.RULES}
    assert all(catalogue.by_code()[each.code] is each for each in catalogue.REGISTER_RULES)
    assert {catalogue.section_of(code) for code in listed} == set(catalogue.REGISTER_SECTIONS.values())
    for each in catalogue.REGISTER_RULES:
        assert each.passes, each.code
        assert each.fails, each.code
        assert each.mend.endswith("."), each.code
        assert not each.message.endswith("."), each.code


def test_a_rule_of_the_register_comes_into_force_and_goes_out_of_it() -> None:
    assert sum(map(len, catalogue.of_register(2026).values())) == len(RULES)
    assert catalogue.of_register(2023) == {}
    strange = a_pupil(("2026-06-09", "AM", "?"), ("2026-06-09", "PM", "/"))
    assert "ATT-01" in {each.rule for each in check_pupil(strange, TODAY)}
    ended = [msgspec.structs.replace(each, until=2025) if each.code == "ATT-01" else each for each in RULES]
    assert "ATT-01" not in {each.rule for each in check_pupil(strange, TODAY, rules=catalogue.chosen(ended, 2026))}


def test_the_codes_are_those_of_the_regulations() -> None:
    """SI 2024/208 regulation 10, and the guidance's two administrative codes."""
    in_force = {each.code for each in codes().values() if each.usable_on(TODAY)}
    tables = "/ \\ L | K V P W B D | C1 M J1 S X C2 C | T R I E Q Y1 Y2 Y3 Y4 Y5 Y6 Y7 | G N O U | Z #"
    assert in_force == set(tables.replace("|", "").split())
    counted = {each: {code.code for code in codes().values() if code.counts_as is each} & in_force for each in Counts}
    assert counted == {
        Counts.PRESENT: {"/", "\\", "L", "K", "V", "P", "W", "B"},
        Counts.AUTHORISED: {"C", "C1", "C2", "E", "I", "J1", "M", "R", "S", "T"},
        Counts.UNAUTHORISED: {"G", "N", "O", "U"},
        Counts.NOT_REQUIRED: {"D", "X", "Q", "Y1", "Y2", "Y3", "Y4", "Y5", "Y6", "Y7", "Z", "#"},
    }
    assert counts_as("H") is Counts.AUTHORISED
    assert not codes()["H"].usable_on(TODAY)
    assert counts_as("nothing") is None


def test_a_pupil_with_nothing_wrong_has_no_problems() -> None:
    pupil = a_pupil(
        ("2026-06-08", "AM", "/"), ("2026-06-08", "PM", "\\"), ("2026-06-09", "AM", "I"), ("2026-06-09", "PM", "I"),
        date_of_birth="2015-05-20", school="900/4001",
    )  # fmt: skip
    assert check_pupil(pupil, TODAY, ["900001", "9004001"]) == []


def test_problems_name_rules_and_cells_and_no_value() -> None:
    pupil = a_pupil(("2026-06-09", "AM", "I"), ("2026-06-09", "AM", "O"), ("2026-06-09", "PM", "O"), school="900002")
    told = [(each.rule, each.grade, each.places) for each in check_pupil(pupil, TODAY, ["900001"])]
    session = "marks/2026-06-09 AM"
    assert told == [
        ("ATT-03", Grade.ERROR, (f"{session}/date", f"{session}/session", f"{session}/code")),
        ("ATT-15", Grade.ERROR, ("school",)),
    ]


def test_a_cell_of_the_pupil_stands_at_the_pupil() -> None:
    found = check_pupil(a_pupil(("2014-06-09", "AM", "/"), date_of_birth="2015-05-20"), TODAY)
    assert ("marks/2014-06-09 AM/date", "date_of_birth") in [each.places for each in found if each.rule == "ATT-05"]


def test_ten_days_are_broken_by_one_session_at_school_and_not_by_holidays() -> None:
    days = ["2026-05-18", "2026-05-19", "2026-05-20", "2026-05-21", "2026-05-22"]
    days += ["2026-06-01", "2026-06-02", "2026-06-03", "2026-06-04", "2026-06-05"]  # after a week without school
    away = [(day, half, "O") for day in days for half in ("AM", "PM")]
    assert "ATT-16" in {each.rule for each in check_pupil(a_pupil(*away), TODAY)}
    came = [(day, half, "L" if (day, half) == ("2026-05-22", "PM") else code) for day, half, code in away]
    assert "ATT-16" not in {each.rule for each in check_pupil(a_pupil(*came), TODAY)}
    closed = [*away[:4], ("2026-05-20", "AM", "Y4"), ("2026-05-20", "PM", "Y4"), *away[6:], ("2026-06-08", "AM", "O")]
    assert "ATT-16" not in {each.rule for each in check_pupil(a_pupil(*closed), TODAY)}
    closed.append(("2026-06-08", "PM", "O"))
    assert "ATT-16" in {each.rule for each in check_pupil(a_pupil(*closed), TODAY)}


def test_a_rule_that_fails_is_our_mistake_and_the_others_still_run() -> None:
    def broken(mark: Mark, at: object) -> bool:
        raise ZeroDivisionError

    again = [msgspec.structs.replace(each, test=broken) if each.code == "ATT-01" else each for each in RULES]
    pupil = a_pupil(("2026-06-09", "AM", "\\"), ("2026-06-09", "PM", "\\"))
    found = check_pupil(pupil, TODAY, rules=catalogue.chosen(again, 2026))
    assert [(each.rule, each.places[0]) for each in found] == [
        ("ATT-02", "marks/2026-06-09 AM/session"),
        ("SYS-01", "ATT-01"),
    ]


def test_a_school_session_counts_every_pupil() -> None:
    them = [a_pupil(("2026-06-09", "AM", code)) for code in ("/", "/", "#")]
    (session,) = session_counts(them)
    assert session == SchoolDay(day=date(2026, 6, 9), session="AM", counts={"/": 2, "#": 1})
    assert [(each.rule, each.places) for each in check_session(session)] == [("ATT-18", ("2026-06-09 AM",))]
    assert check_session(SchoolDay(day=TODAY, session="AM", counts={"#": 3})) == []


def test_nothing_that_holds_a_record_prints_it() -> None:
    pupil = a_pupil(("2026-06-09", "AM", "I"), surname="Quillfeather")
    assert "Quillfeather" not in f"{pupil!r}{within(pupil, TODAY)!r}"
