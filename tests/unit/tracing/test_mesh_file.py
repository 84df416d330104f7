"""Trace files: what a request says, and how an answer is read, turned away or taken in part."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samechild.errors import Invalid, TooLarge
from samechild.identifiers.nhs_number import from_serial
from samechild.tracing.mesh_answer import LAYOUTS, read_response
from samechild.tracing.mesh_codes import CODES, Algorithm
from samechild.tracing.mesh_file import LONGEST, Asked, Control, file_name, write_request
from samechild.tracing.records import Subject
from trace_files import FULL, REFERENCE, a_line, a_subject, an_answer, headed


def rows_of(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(content.decode("utf-8"))))


def test_a_request_says_number_names_sex_birth_date_and_postcode_and_nothing_else() -> None:
    written = write_request([Asked(REFERENCE, a_subject())])
    (row,) = rows_of(written.content)
    assert list(row) == list(LONGEST)
    assert {name: value for name, value in row.items() if value} == {
        "UNIQUE REFERENCE": REFERENCE,
        "NHS_NO": "9990000018",
        "FAMILY_NAME": "Avocet",
        "GIVEN_NAME": "Wren",
        "OTHER_GIVEN_NAME": "Isla",
        "GENDER": "2",
        "DATE_OF_BIRTH": "20140309",
        "POSTCODE": "LS1 6AB",
    }
    assert written.references == (REFERENCE,)
    assert written.issues == ()


def test_the_older_service_has_a_control_row_with_the_count_instead_of_headings() -> None:
    name = file_name(datetime(2026, 11, 2, 9, 30, 5, tzinfo=UTC))
    assert name == "MPTREQ_20261102093005.csv"
    control = Control(name.removesuffix(".csv"), "SPINE_MPTPHASE4_TRACE", 0)
    first, second = list(csv.reader(StringIO(write_request([Asked(REFERENCE, a_subject())], control).content.decode())))
    assert first == ["MPTREQ_20261102093005", "SPINE_MPTPHASE4_TRACE", "1"]
    assert len(second) == len(LONGEST)


@pytest.mark.parametrize("claimed", ["9990000019", "0000000000", "9999999999", "123", "320 000 0010"])
def test_a_number_that_cannot_be_one_is_not_sent(claimed: str) -> None:
    (row,) = rows_of(write_request([Asked(REFERENCE, a_subject(claimed=claimed))]).content)
    assert row["NHS_NO"] == ""


@pytest.mark.parametrize("name", ["Baby", "Male infant", "Twin 1", "Baby girl"])
def test_a_placeholder_is_not_sent_as_a_given_name(name: str) -> None:
    (row,) = rows_of(write_request([Asked(REFERENCE, a_subject(given=(name, "Isla")))]).content)
    assert (row["GIVEN_NAME"], row["OTHER_GIVEN_NAME"]) == ("", "")


def test_nothing_a_spreadsheet_runs_and_no_line_of_its_own_comes_from_a_name() -> None:
    content = write_request(
        [Asked(REFERENCE, a_subject(family='=HYPERLINK("x")\r\nEvil,Row', given=("@Wren",)))]
    ).content
    (row,) = rows_of(content)
    assert not row["FAMILY_NAME"].startswith(("=", "+", "-", "@"))
    assert (row["GIVEN_NAME"], row["FAMILY_NAME"]) == ("Wren", 'HYPERLINK("x") Evil,Row')


@pytest.mark.parametrize(
    ("subject", "rule"),
    [
        (a_subject(birth_date=None), "trace-not-enough"),
        (a_subject(claimed="", family=""), "trace-not-enough"),
        (a_subject(claimed="", given=("Baby",), sex=""), "trace-not-enough"),
        (a_subject(family="A" * 36), "trace-too-long"),
    ],
)
def test_who_cannot_be_asked_about_is_left_out_and_told_of_without_a_value(subject: Subject, rule: str) -> None:
    written = write_request([Asked(REFERENCE, subject), Asked("another-reference", a_subject())])
    assert written.references == ("another-reference",)
    assert [(issue.rule, issue.row) for issue in written.issues] == [(rule, 1)]
    assert "Avocet" not in repr(written)
    assert all("Avocet" not in issue.message for issue in written.issues)


@pytest.mark.parametrize("references", [["same-reference"] * 2, ["Wren Avocet"], ["1"]])
def test_a_reference_is_opaque_and_used_once(references: list[str]) -> None:
    with pytest.raises(Invalid):
        write_request([Asked(reference, a_subject()) for reference in references])


def test_what_is_printed_of_a_request_or_an_answer_hides_the_values() -> None:
    line = read_response(an_answer(a_line()), {REFERENCE}).lines[0]
    for shown in (repr(Asked(REFERENCE, a_subject())), repr(line), repr(line.person)):
        assert "Avocet" not in shown
        assert "9990000018" not in shown


# --- answers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", LAYOUTS, ids=[str(len(layout)) for layout in LAYOUTS])
@pytest.mark.parametrize("first", ["headings", "control row", "both"])
def test_every_declared_layout_is_read_with_headings_or_a_control_row(layout: Sequence[str], first: str) -> None:
    line = a_line(layout=layout)
    rows = ([["MPTREQ_20210802171059", "SPINE_MPT_RESPONSE", "1", "00"], []] if first != "headings" else []) + (
        [list(layout)] if first != "control row" else []
    )
    response = read_response(headed(rows, [line]), {REFERENCE})
    (read,) = response.lines
    assert (read.code, read.matched, read.algorithm, read.confidence) == (
        "00",
        "9990000018",
        Algorithm.CROSS_CHECK,
        100,
    )
    assert read.person.families == ("AVOCET",)
    assert read.person.givens == (("WREN", "ISLA"),)
    assert (read.person.birth_date, read.person.sex) == ("2014-03-09", "F")
    assert read.person.postcodes == ("LS1 6AB",)
    assert response.missing == ()


def test_lines_with_one_column_fewer_than_the_headings_are_read_by_the_declared_layout() -> None:
    """As published samples are: the headings name the date of registration, the lines leave it out."""
    headings = next(layout for layout in LAYOUTS if len(layout) == 34)
    (line,) = read_response(headed([list(headings)], [a_line()]), {REFERENCE}).lines
    assert line.matched == "9990000018"


def test_other_names_of_the_same_columns_are_known() -> None:
    other = {
        "UNIQUE_REFERENCE": "UNIQUE REFERENCE", "REQ_NHS_NUMBER": "REQ_NHS_NO", "SENSITIVITY_FLAG": "SENSITIVTY_FLAG",
        "POSTCODE": "POST_CODE", "ERROR_SUCCESS_CODE": "ERROR/SUCCESS_CODE",
    }  # fmt: skip
    headings = [other.get(name, name) for name in FULL]
    (line,) = read_response(headed([headings], [a_line()]), {REFERENCE}).lines
    assert (line.code, line.person.postcodes) == ("00", ("LS1 6AB",))


def test_columns_in_another_order_are_read_by_their_headings() -> None:
    order = [*reversed(FULL[1:])]
    headings = [FULL[0], *order]
    line = dict(zip(FULL, a_line(), strict=True))
    (read,) = read_response(headed([headings], [[line[name] for name in headings]]), {REFERENCE}).lines
    assert (read.matched, read.person.families) == ("9990000018", ("AVOCET",))


@pytest.mark.parametrize("width", [1, 5, 27, 30, 32, 35, 40])
@pytest.mark.parametrize("with_headings", [True, False])
def test_a_line_of_another_width_refuses_the_whole_file(width: int, with_headings: bool) -> None:
    line = (a_line() * 2)[:width]
    rows = [a_line(), line] if with_headings else [line]
    with pytest.raises(Invalid) as told:
        read_response(headed([FULL] if with_headings else [], rows), {REFERENCE})
    assert "Avocet".upper() not in str(told.value)


def test_a_file_that_is_cut_is_refused() -> None:
    whole = an_answer(a_line(), a_line(reference="another-reference"))
    for cut in range(len(an_answer()) + 10, len(whole) - 40, 7):
        with pytest.raises(Invalid):
            read_response(whole[:cut], {REFERENCE, "another-reference"})


def test_the_count_of_the_control_row_must_be_there() -> None:
    control = ["MPTREQ_20210802171059", "SPINE_MPT_RESPONSE", "2", "00"]
    with pytest.raises(Invalid, match="2 lines and 1"):
        read_response(headed([control], [a_line()]), {REFERENCE})


@pytest.mark.parametrize("code", [code for code, each in CODES.items() if each.meaning != "found"])
def test_a_file_turned_away_as_a_whole_says_so(code: str) -> None:
    control = ["MPTREQ_20210802171059", "SPINE_MPT_RESPONSE", "0", code]
    response = read_response(headed([control], []), {REFERENCE})
    assert (response.refused, response.missing, response.lines) == (code, (REFERENCE,), ())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("ERROR_SUCCESS_CODE", "42"),
        ("ERROR_SUCCESS_CODE", "N"),
        ("MATCHED_NHS_NO", "LS1 6AB"),
        ("MATCHED_ALGORITHM_INDICATOR", "100"),
        ("MATCHED_CONFIDENCE_PERCENTAGE", "101"),
        ("MATCHED_CONFIDENCE_PERCENTAGE", "wren@example.org"),
        ("UNIQUE_REFERENCE", " "),
    ],
)
def test_a_line_that_does_not_read_is_left_out_and_its_child_stays_open(field: str, value: str) -> None:
    good = a_line(reference="another-reference")
    response = read_response(an_answer(a_line(**{field: value}), good), {REFERENCE, "another-reference"})
    assert [line.reference for line in response.lines] == ["another-reference"]
    assert response.missing == (REFERENCE,)
    assert [issue.rule for issue in response.issues] == ["trace-line", "trace-missing"]
    assert not any(value in issue.message for issue in response.issues if len(value) > 3)
    with pytest.raises(Invalid, match="not one line"):
        read_response(an_answer(a_line(**{field: value})), {REFERENCE})


def test_a_reference_that_comes_twice_counts_once_or_not_at_all() -> None:
    same = read_response(an_answer(a_line(), a_line()), {REFERENCE})
    assert (len(same.lines), same.doubled) == (1, ())
    other = read_response(an_answer(a_line(), a_line(MATCHED_NHS_NO=from_serial(77))), {REFERENCE})
    assert (other.lines, other.doubled) == ((), (REFERENCE,))
    assert [issue.rule for issue in other.issues] == ["trace-twice"]


def test_a_reference_never_sent_is_left_out() -> None:
    response = read_response(an_answer(a_line(), a_line(reference="never-asked-1")), {REFERENCE})
    assert [line.reference for line in response.lines] == [REFERENCE]
    assert [issue.rule for issue in response.issues] == ["trace-reference"]


def test_a_sensitive_record_shows_no_place_even_if_the_file_does() -> None:
    for line in (a_line(ERROR_SUCCESS_CODE="92"), a_line(SENSITIVITY_FLAG="S")):
        person = read_response(an_answer(line), {REFERENCE}).lines[0].person
        assert (person.restricted, person.postcodes, person.gp_practice) == (True, (), "")


@pytest.mark.parametrize(
    ("written", "read"),
    [("20140309", "2014-03-09"), ("201403091230", "2014-03-09"), ("201403", "2014-03"), ("2014", "2014"),
     ("20140231", ""), ("unknown", ""), ("2014-03-09", "")],
)  # fmt: skip
def test_dates_are_as_whole_as_they_were_sent(written: str, read: str) -> None:
    line = read_response(an_answer(a_line(DATE_OF_BIRTH=written)), {REFERENCE}).lines[0]
    assert line.person.birth_date == read


@pytest.mark.parametrize("content", [b"", b"\n\n", b"PK\x03\x04\0\0", b"\xff\xfe\0a", b"hello", b'"never ended'])
def test_what_is_no_answer_at_all_is_refused(content: bytes) -> None:
    with pytest.raises(Invalid):
        read_response(content, {REFERENCE})


def test_a_file_of_windows_letters_with_a_mark_in_front_is_read() -> None:
    marked = b"\xef\xbb\xbf" + an_answer(a_line(FAMILY_NAME="ÀVOCET"))
    assert read_response(marked, {REFERENCE}).lines[0].person.families == ("ÀVOCET",)
    windows = an_answer(a_line(FAMILY_NAME="ÀVOCET")).decode().encode("cp1252")
    assert read_response(windows, {REFERENCE}).lines[0].person.families == ("ÀVOCET",)


def test_too_many_children_go_into_several_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("samechild.tracing.mesh_file.MOST_LINES", 1)
    with pytest.raises(TooLarge):
        write_request([Asked(REFERENCE, a_subject()), Asked("another-reference", a_subject())])


@given(st.binary(max_size=400))
def test_no_bytes_do_more_than_be_refused(content: bytes) -> None:
    with suppress(Invalid):
        read_response(content, {REFERENCE})


@given(st.text(max_size=30), st.text(max_size=30), st.dates(date(2000, 1, 1), date(2026, 1, 1)), st.text(max_size=12))
def test_whatever_a_name_holds_a_request_has_one_line_of_the_declared_width(
    family: str, name: str, born: date, place: str
) -> None:
    subject = Subject(family=family, given=(name,), birth_date=born, sex="F", postcode=place, claimed="9990000018")
    content = write_request([Asked(REFERENCE, subject)]).content
    rows = list(csv.reader(StringIO(content.decode("utf-8"), newline="")))
    assert [len(row) for row in rows] == [len(LONGEST)] * 2
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in rows[1][1:])
