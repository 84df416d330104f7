"""What an agency is told to look at in its own records, and what it is never told."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from samechild.files.write import write_csv
from samechild.index.drift import ANOTHER, NEITHER, UNREADABLE, YOURS, Drift, Drifts, drift_of, drift_table
from samechild.index.records import Held
from samechild.records.types import Sector

TODAY = date(2026, 11, 22)
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
SECTORS = {"council": Sector.LOCAL_AUTHORITY, "school": Sector.EDUCATION, "trust": Sector.HEALTH}
WREN = {"forename": "Wren", "surname": "Avocet", "date_of_birth": "2014-03-09", "sex": "F", "postcode": "LS1 6AB"}


def held(owner: str, values: dict[str, str], *, key: str = "", days: int = 0, source: str = "system") -> Held:
    return Held(
        record_key=key or f"{owner}-1",
        owner=owner,
        source=source,
        received_at=NOON + timedelta(days=days),
        values={"record_id": f"{owner}/7", **values},
    )


def lines(*records: Held, of: str = "school") -> list[Drift]:
    return drift_of(of, records, SECTORS, TODAY)


def told(*records: Held, of: str = "school") -> list[tuple[str, str, str, str]]:
    return [(line.field, line.held_here, line.kind, line.stands) for line in lines(*records, of=of)]


def test_alike_but_for_spelling_is_nothing_to_look_at() -> None:
    other = {"full_name": "AVOCET, WREN", "date_of_birth": "09/03/2014", "sex": "2", "postcode": "ls16ab"}
    assert told(held("school", WREN), held("trust", other)) == []


def test_a_nickname_is_no_fault_of_data() -> None:
    assert (
        told(
            held("school", {"forename": "Bill", "surname": "Heron"}),
            held("trust", {"forename": "William", "surname": "Heron"}),
        )
        == []
    )


def test_one_that_stands_alone_against_two_is_told_that_another_stands() -> None:
    found = lines(held("school", {**WREN, "date_of_birth": "2014-09-03"}), held("council", WREN), held("trust", WREN))
    (line,) = found
    assert (line.field, line.held_here, line.stands) == ("Date of birth", "2014-09-03", ANOTHER)
    assert line.kind == "day and month exchanged"
    assert (line.against, line.record_id) == ("another agency's record", "school/7")


def test_one_that_stands_with_most_is_told_that_its_own_stands() -> None:
    found = told(held("school", WREN), held("council", {**WREN, "date_of_birth": "2011-01-01"}), held("trust", WREN))
    assert found == [("Date of birth", "2014-03-09", "different", YOURS)]


def test_where_no_rule_decides_somebody_should_look() -> None:
    found = told(held("school", WREN, key="a"), held("school", {**WREN, "sex": "M"}, key="b"))
    assert [(each[0], each[3]) for each in found] == [("Sex", NEITHER), ("Sex", NEITHER)]


def test_another_source_of_the_agency_is_named() -> None:
    (line, other) = lines(
        held("school", WREN, key="a", source="register"),
        held("school", {**WREN, "surname": "Heron"}, key="b", source="clubs", days=1),
    )
    assert {line.against, other.against} == {"your own register", "your own clubs"}


def test_an_old_address_still_held_is_said_to_be_one() -> None:
    moved = {**WREN, "postcode": "LS2 7AD", "previous_postcode": "LS1 6AB"}
    assert told(held("school", WREN), held("council", moved, days=9)) == [
        ("Address", "LS1 6AB", "an earlier value", ANOTHER)
    ]
    assert told(held("school", WREN), held("council", moved, days=9), of="council") == []


def test_a_value_that_is_none_is_told_without_any_other_record() -> None:
    broken = {"nhs_number": "9990000019", "date_of_birth": "2014-02-31", "postcode": "nowhere", "forename": "Baby"}
    found = lines(held("school", broken))
    assert {line.kind for line in found} == {UNREADABLE}
    assert sorted(line.held_here for line in found) == ["2014-02-31", "9990000019", "nowhere"]


def test_what_says_that_nothing_is_known_is_no_broken_value() -> None:
    assert told(held("school", {"date_of_birth": "unknown", "postcode": "no fixed abode", "nhs_number": ""})) == []


def test_another_agencys_own_number_of_the_child_is_not_compared() -> None:
    assert told(held("school", {"other_id": "77"}), held("trust", {"other_id": "12"})) == []


SECRET = st.text(alphabet="QXZJ", min_size=6, max_size=9)


@given(SECRET, SECRET, st.dates(date(2008, 1, 1), date(2020, 1, 1)))
def test_no_other_agencys_value_is_ever_told(forename: str, surname: str, born: date) -> None:
    others = held(
        "trust", {"forename": forename, "surname": surname, "date_of_birth": born.isoformat(), "upn": surname}
    )
    for line in lines(held("school", WREN), others):
        text = " ".join((line.held_here, line.kind, line.against, line.why, line.field, line.record_id))
        assert forename not in text
        assert surname not in text
        assert born.isoformat() not in text.replace(WREN["date_of_birth"], "")
        assert "trust" not in text
        assert forename not in repr(line)
        assert "Avocet" not in repr(line)


def test_a_download_runs_nothing_and_counts_add_up(tmp_path: Path) -> None:
    found = lines(
        held("school", {**WREN, "forename": "=HYPERLINK(1)", "surname": "Heron"}),
        held("council", WREN),
        held("trust", WREN),
    )
    all_of_it = Drifts(organisation="school", lines=tuple(found), records=1, compared=1)
    write_csv(drift_table(all_of_it), tmp_path / "drift.csv")
    text = (tmp_path / "drift.csv").read_bytes()
    assert text.startswith(b"\xef\xbb\xbfSource,Record,Field,Held here")
    assert b",=" not in text
    assert b"'=HYPERLINK" in text
    assert sum(number for _, _, number in all_of_it.counts()) == len(found)
    assert all_of_it.by_field() == [("Name", 1)]
