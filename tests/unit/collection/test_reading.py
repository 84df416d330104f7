"""What lies behind the pages of a council's data team: days against the usual, lists read, a record's cells."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asking import NOW
from collecting import a_payload
from samechild.collection.check import check
from samechild.collection.merge import Held, child_of, merge
from samechild.collection.reading.child import (
    Fault,
    Section,
    fields_in_words,
    in_words,
    marks_of,
    sections_of,
    table_in_words,
)
from samechild.collection.reading.days import Came, Mark, by_day, last_full
from samechild.collection.reading.received import read_ids
from samechild.collection.reading.teams import read_teams, team_of
from samechild.collection.rules.catalogue import REGISTER_RULES, RULES, by_code
from samechild.collection.rules.days import window_start
from samechild.collection.rules.rule import At, Rule
from samechild.collection.specification import in_force, to_come
from samechild.errors import Invalid
from samechild.town.case_errors import BY_NAME, put_in
from samechild.town.social_care import children
from samechild.web.pages.quality_rules import in_short

MONDAY = date(2026, 3, 2)
TODAY = date(2026, 6, 1)


THEM = list(children(400, 3, TODAY))


def days(first: date, *records: int) -> dict[date, Came]:
    return {first + timedelta(days=at): Came(records=number) for at, number in enumerate(records) if number}


class TestDays:
    def marks(self, came: dict[date, Came], day: date, today: date = TODAY) -> Mark:
        return by_day(came, day, day, today)[0].mark

    def test_a_night_on_which_nothing_came_is_missed(self) -> None:
        came = days(MONDAY, 50, 50, 50, 0, 50)
        assert self.marks(came, MONDAY + timedelta(days=3)) is Mark.MISSING

    def test_a_weekend_is_not(self) -> None:
        came = days(MONDAY, *([50] * 5 + [0] * 2) * 4)
        assert self.marks(came, MONDAY + timedelta(days=26)) is Mark.NOT_EXPECTED
        assert self.marks(came, MONDAY + timedelta(days=28)) is Mark.MISSING

    def test_today_is_not_over(self) -> None:
        came = days(MONDAY, *[50] * 20)
        day = MONDAY + timedelta(days=20)
        assert self.marks(came, day, today=day) is Mark.UNKNOWN
        assert self.marks(came, day, today=day + timedelta(days=1)) is Mark.MISSING

    def test_the_first_days_say_nothing(self) -> None:
        assert self.marks(days(MONDAY, 50), MONDAY + timedelta(days=1)) is Mark.UNKNOWN
        assert self.marks({}, MONDAY) is Mark.UNKNOWN

    def test_far_more_and_far_fewer_are_marked(self) -> None:
        came = days(MONDAY, *[60] * 21, 10, 200, 61)
        found = [each.mark for each in by_day(came, MONDAY + timedelta(days=21), MONDAY + timedelta(days=23), TODAY)]
        assert found == [Mark.FEWER, Mark.MORE, Mark.AS_USUAL]

    @given(st.dictionaries(st.dates(MONDAY, MONDAY + timedelta(days=90)), st.integers(0, 500)))
    def test_every_day_is_there_once_and_says_what_came(self, records: dict[date, int]) -> None:
        came = {day: Came(records=number) for day, number in records.items()}
        found = by_day(came, MONDAY, MONDAY + timedelta(days=90), TODAY)
        assert [each.day for each in found] == [MONDAY + timedelta(days=at) for at in range(91)]
        for each in found:
            assert each.came.records == records.get(each.day, 0)
            if each.mark in (Mark.MISSING, Mark.NOT_EXPECTED):
                assert not each.came.records
            if each.mark is Mark.MISSING:
                assert each.usual

    def test_the_share_of_unchanged_records(self) -> None:
        assert Came(records=10, unchanged=9).unchanged_share == 0.9
        assert Came().unchanged_share is None

    def test_the_last_day_on_which_nearly_everybody_came(self) -> None:
        came = days(MONDAY, 100, 5, 98, 6, 7)
        assert last_full(came, 100) == MONDAY + timedelta(days=2)
        assert last_full(days(MONDAY, 5, 6, 7), 100) is None
        assert last_full(days(MONDAY, 50, 45), 100) == MONDAY, "a night that lay on two days"
        assert last_full({}, 0) is None


class TestLists:
    def test_workers_and_teams(self) -> None:
        text = "\ufeffWorker,Team\nSW1,North\n\nSW2, South \nSW1,East\n"
        assert read_teams(text) == {"SW1": "East", "SW2": "South"}
        assert read_teams("SW1\tNorth, inner") == {"SW1": "North, inner"}
        assert read_teams("") == {}
        assert team_of({"SW1": "East"}, "SW1") == "East"
        assert team_of({"SW1": "East"}, "SW9") == ""

    @pytest.mark.parametrize("text", ["SW1", "SW1,", ",North", "SW1,North\nSW2", "a" * 90 + ",North", "SW1,No\x07rth"])
    def test_a_line_that_is_none_is_told_by_its_number(self, text: str) -> None:
        with pytest.raises(Invalid, match=r"^Line \d+: ") as told:
            read_teams(text)
        assert "SW" not in str(told.value)

    def test_ids(self) -> None:
        assert read_ids("la_child_id,name\nC1,x\nC2,y\nC1,z\n") == ["C1", "C2"]
        assert read_ids("C1\r\nC-2_x\r\n") == ["C1", "C-2_x"]
        assert read_ids("\ufeffC1;a\nC2;b") == ["C1", "C2"]

    @pytest.mark.parametrize(
        "text", ["", "\n\n", "la_child_id\n", "C1\nZoë Quill\n", "C" * 40, "=1+1", "C1\n,x\n", "\x00"]
    )
    def test_what_is_no_list_is_refused_without_its_values(self, text: str) -> None:
        with pytest.raises(Invalid) as told:
            read_ids(text)
        assert "Quill" not in str(told.value)

    @given(st.text(max_size=200))
    def test_nothing_that_is_typed_is_our_mistake(self, text: str) -> None:
        for reads in (read_ids, read_teams):
            with suppress(Invalid):
                assert reads(text) is not None


def a_held(**given: object) -> Held:
    merged = merge(None, a_payload("C1", **given), "2026-03-02").held
    assert merged is not None
    return merged


def cells(sections: list[Section]) -> dict[int, int]:
    """How many cells carry each number."""
    found: dict[int, int] = {}
    for section in sections:
        for row in section.rows:
            for cell in row:
                for number in cell.problems:
                    found[number] = found.get(number, 0) + 1
    return found


class TestChild:
    @pytest.mark.parametrize("name", sorted(BY_NAME))
    def test_every_cell_of_a_problem_is_in_the_record_or_said_to_be_missing(self, name: str) -> None:
        for child in THEM:
            spoilt = put_in(child, name)
            held = merge(None, spoilt, TODAY.isoformat()).held if spoilt else None
            if held is None:
                continue
            found = check(At(child=child_of(held), today=TODAY, window=window_start(TODAY)))
            faults = [
                Fault(number=at, rule=by_code()[each.rule], grade=each.grade.value, since=NOW, places=each.places)
                for at, each in enumerate(found, start=1)
            ]
            shown = cells(sections_of(held, marks_of(faults)))
            for fault in faults:
                missing = [place for place in fault.places if "/" not in place]
                assert shown.get(fault.number, 0) >= len(fault.places) - len(missing), (fault.rule.code, fault.places)
            return
        pytest.fail(f"no child can have the mistake {name}")

    def test_a_missing_value_with_a_problem_has_a_cell(self) -> None:
        held = a_held()
        sections = sections_of(held, {"child_details/sex": (1,), "social_care_episodes/EC1/closure_reason": (1,)})
        assert cells(sections) == {1: 2}

    def test_what_is_no_longer_sent_says_since_when(self) -> None:
        held = merge(a_held(), {"la_child_id": "C1", "child_details": {"sex": "M"}}, "2026-03-09").held
        assert held is not None
        details = next(each for each in sections_of(held, {}) if each.title == "Personal details")
        gone = {row[0].words: row[1].gone_since for row in details.rows}
        assert gone["Surname"] == "2026-03-09"
        assert gone["Sex"] == ""

    def test_codes_are_shown_with_what_they_mean(self) -> None:
        episode = next(each for each in sections_of(a_held(), {}) if each.title.startswith("Episode"))
        source = next(row[1] for row in episode.rows if row[0].words == "Referral source")
        assert source.words == "1A"
        assert "family" in source.means

    def test_places_are_told_in_words(self) -> None:
        path = "social_care_episodes/E1/child_looked_after_placements/P2/end_reason"
        assert in_words(path) == "Placements P2 in Social care episodes E1: Why it ended"
        assert in_words("child_details/sex") == "Personal details: Sex"
        assert in_words("social_care_episodes/E1/care_worker_details/SW1@2026-01-01/end_date").startswith("Workers SW1")
        assert "result 1" in in_words("health_and_wellbeing/sdq_assessments/0/score")
        assert in_words("") == "The whole record"
        assert in_words("nonsense/at/all") == "The whole record"

    @given(st.text(max_size=60))
    def test_any_place_can_be_told(self, path: str) -> None:
        assert in_words(path)


@pytest.mark.parametrize("rule", [*RULES, *REGISTER_RULES], ids=lambda rule: rule.code)
def test_every_rule_can_be_told_of(rule: Rule) -> None:
    told = by_code()[rule.code]
    assert table_in_words(told)
    assert all(words and "_" not in words for words in fields_in_words(told)), fields_in_words(told)
    for example in (*told.passes, *told.fails):
        assert in_short(example)
        assert not in_short(example).startswith(("b'", "{}"))


def test_the_specification_in_force_is_known() -> None:
    assert in_force().published == date(2026, 5, 19)
    assert all(each.changes for each in to_come())
    assert datetime.now(UTC).date() > in_force().published
