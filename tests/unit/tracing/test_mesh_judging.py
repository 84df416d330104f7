"""What an answer means: accepted only when the service is sure and nothing speaks against it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samechild.identifiers.nhs_number import check, from_serial
from samechild.tracing.mesh_answer import read_response
from samechild.tracing.mesh_codes import CODES
from samechild.tracing.reconcile import (
    ANOTHER_BIRTH_DATE,
    ANOTHER_GIVEN_NAME,
    ANOTHER_NUMBER,
    BAD_NUMBER,
    NOT_SURE,
    NOTHING_TO_COMPARE,
    coverage,
    is_due,
    judge,
    national_values,
    status_before_trace,
)
from samechild.tracing.records import NumberStatus, Obtained, Traced, TraceOutcome
from trace_files import REFERENCE, a_line, a_subject, an_answer

OTHER = from_serial(8_910_044)
NOW = datetime(2026, 11, 2, tzinfo=UTC)
DAY = timedelta(days=1)


def judged(known: dict[str, Any] | None = None, **cells: Any) -> Traced:
    line = read_response(an_answer(a_line(**cells)), {REFERENCE}).lines[0]
    return judge(a_subject(**(known or {})), line)


def test_the_number_given_is_confirmed_by_birth_date_and_name() -> None:
    traced = judged()
    assert (traced.outcome, traced.number, traced.differences) == (TraceOutcome.MATCHED, "9990000018", ())
    assert (traced.status, traced.obtained) == (NumberStatus.VERIFIED, Obtained.CHECKED)


def test_a_child_without_a_number_is_found_when_every_detail_agrees() -> None:
    traced = judged({"claimed": ""}, MATCHED_ALGORITHM_INDICATOR="3", REQ_NHS_NUMBER="")
    assert (traced.outcome, traced.obtained) == (TraceOutcome.MATCHED, Obtained.TRACED)


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"MATCHED_ALGORITHM_INDICATOR": "4"}, NOT_SURE),  # the likeliest by scores, however likely
        ({"MATCHED_ALGORITHM_INDICATOR": "2"}, NOT_SURE),
        ({"MATCHED_ALGORITHM_INDICATOR": "0"}, NOT_SURE),
        ({"MATCHED_CONFIDENCE_PERCENTAGE": "99.99"}, NOT_SURE),
        ({"MATCHED_CONFIDENCE_PERCENTAGE": ""}, NOT_SURE),
        ({"DATE_OF_BIRTH": "20140903"}, ANOTHER_BIRTH_DATE),
        ({"DATE_OF_BIRTH": "2013"}, ANOTHER_BIRTH_DATE),
        ({"GIVEN_NAME": "ROBIN"}, ANOTHER_GIVEN_NAME),  # the other twin
        ({"GIVEN_NAME": "WRAN"}, ANOTHER_GIVEN_NAME),  # a letter apart is enough to ask
        ({"MATCHED_NHS_NO": OTHER}, ANOTHER_NUMBER),  # a plausible different child
        ({"MATCHED_NHS_NO": "9990000019"}, BAD_NUMBER),
    ],
)
def test_whatever_speaks_against_somebody_makes_a_question(cells: dict[str, str], reason: str) -> None:
    traced = judged(None, **cells)
    assert traced.outcome is TraceOutcome.CONTRADICTION
    assert reason in traced.reasons
    assert (traced.accepted, traced.status) == (False, NumberStatus.CONFLICT)
    assert "nhs_number" not in national_values(traced)


def test_a_search_that_tells_nothing_to_compare_is_a_question() -> None:
    silent = {"GIVEN_NAME": "", "OTHER_GIVEN_NAME": "", "DATE_OF_BIRTH": "", "FAMILY_NAME": ""}
    traced = judged({"claimed": ""}, MATCHED_ALGORITHM_INDICATOR="3", **silent)
    assert NOTHING_TO_COMPARE in traced.reasons
    assert judged(None, **silent).accepted  # the service compared number and birth date itself


def test_of_several_born_together_the_given_name_must_be_the_very_name() -> None:
    short = {"GIVEN_NAME": "WILLIAM"}
    assert judged({"given": ("Bill",)}, **short).accepted
    assert judged({"given": ("Bill",), "one_of_several": True}, **short).outcome is TraceOutcome.CONTRADICTION
    none = {"GIVEN_NAME": "", "OTHER_GIVEN_NAME": ""}
    assert judged({"one_of_several": True}, **none).outcome is TraceOutcome.CONTRADICTION


@pytest.mark.parametrize(
    ("code", "matched", "outcome", "previous"),
    [
        ("90", OTHER, TraceOutcome.SUPERSEDED, "9990000018"),
        ("91", OTHER, TraceOutcome.SUPERSEDED, "9990000018"),  # one text's code for merged
        ("91", "0000000000", TraceOutcome.INVALIDATED, "9990000018"),  # and for deleted
        ("91", "", TraceOutcome.INVALIDATED, "9990000018"),
        ("90", "9990000018", TraceOutcome.MATCHED, ""),
        ("00", "0000000000", TraceOutcome.NONE, ""),
        ("00", "9999999999", TraceOutcome.SEVERAL, ""),
        ("00", "", TraceOutcome.NONE, ""),
        ("92", "9990000018", TraceOutcome.RESTRICTED, ""),
        ("97", "9999999999", TraceOutcome.SEVERAL, ""),
        ("98", "0000000000", TraceOutcome.NONE, ""),
        ("96", "", TraceOutcome.NOT_ENOUGH, ""),
        ("16", "", TraceOutcome.NOT_ENOUGH, ""),
        ("15", "", TraceOutcome.UNAVAILABLE, ""),
        ("05", "", TraceOutcome.UNAVAILABLE, ""),
        ("13", "", TraceOutcome.UNAVAILABLE, ""),
    ],
)
def test_every_code_with_its_number_means_one_thing(
    code: str, matched: str, outcome: TraceOutcome, previous: str
) -> None:
    traced = judged(None, ERROR_SUCCESS_CODE=code, MATCHED_NHS_NO=matched)
    assert (traced.outcome, traced.previous) == (outcome, previous)
    assert f"code {code}" in traced.reasons
    assert (traced.number != "") == traced.accepted


def test_a_replaced_number_of_another_child_is_not_taken_over() -> None:
    traced = judged(None, ERROR_SUCCESS_CODE="90", MATCHED_NHS_NO=OTHER, DATE_OF_BIRTH="20100101")
    assert traced.outcome is TraceOutcome.CONTRADICTION


def test_differences_are_told_by_field_in_comparable_form() -> None:
    traced = judged({"postcode": "ls16ab"}, FAMILY_NAME="HERON", GP_PRACTICE_CODE="Y90002")
    assert (traced.outcome, traced.differences) == (TraceOutcome.MATCHED, ("surname",))
    assert "LS1" not in repr(traced)
    assert judged({"postcode": "LS1 6AA", "gp_practice": "Y1"}).differences == ("postcode", "gp_practice")


@given(
    code=st.sampled_from(sorted(CODES)),
    algorithm=st.sampled_from("01234"),
    confidence=st.sampled_from(["", "0", "50", "99", "100"]),
    matched=st.sampled_from(["", "0000000000", "9999999999", "9990000018", OTHER, "1111111111", "9990000019"]),
    name=st.sampled_from(["WREN", "ROBIN", ""]),
    born=st.sampled_from(["20140309", "20140310", "2014", ""]),
    claimed=st.sampled_from(["", "9990000018", OTHER]),
    several=st.booleans(),
)
def test_nothing_is_accepted_that_anything_speaks_against(
    code: str, algorithm: str, confidence: str, matched: str, name: str, born: str, claimed: str, several: bool
) -> None:
    traced = judged(
        {"claimed": claimed, "one_of_several": several},
        ERROR_SUCCESS_CODE=code,
        MATCHED_ALGORITHM_INDICATOR=algorithm,
        MATCHED_CONFIDENCE_PERCENTAGE=confidence,
        MATCHED_NHS_NO=matched,
        GIVEN_NAME=name,
        OTHER_GIVEN_NAME="",
        DATE_OF_BIRTH=born,
    )
    if traced.accepted:
        assert algorithm in "13"
        assert confidence == "100"
        assert born in ("20140309", "2014", "")
        assert name in ("WREN", "")
        assert check(traced.number).value == matched
        assert not claimed or matched == claimed or code in ("90", "91")
        assert not (several and not name)
        assert "nhs_number" in national_values(traced)
    else:
        assert "nhs_number" not in national_values(traced)


# --- when, and how many -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "last", "due"),
    [
        (NumberStatus.TRACE_REQUIRED, None, True),
        (NumberStatus.NOT_TRACED, NOW - DAY, True),
        (NumberStatus.VERIFIED, NOW - 364 * DAY, False),
        (NumberStatus.VERIFIED, NOW - 365 * DAY, True),
        (NumberStatus.VERIFIED, None, True),
        (NumberStatus.NO_SINGLE_MATCH, NOW - 89 * DAY, False),
        (NumberStatus.NO_SINGLE_MATCH, NOW - 90 * DAY, True),
        (NumberStatus.CONFLICT, NOW - 900 * DAY, False),
        (NumberStatus.NOT_REQUIRED, None, False),
        (NumberStatus.POSTPONED, None, True),
    ],
)
def test_when_a_number_is_traced_again(status: NumberStatus, last: datetime | None, due: bool) -> None:
    assert is_due(status, last, NOW) is due
    assert not is_due(status, last, NOW, NOW.date() - timedelta(days=41))


def test_a_number_nobody_traced_is_not_traced_required_or_postponed() -> None:
    assert status_before_trace("9990000018", None, NOW) is NumberStatus.NOT_TRACED
    assert status_before_trace("", date(2014, 3, 9), NOW) is NumberStatus.TRACE_REQUIRED
    assert status_before_trace("", date(2026, 10, 1), NOW) is NumberStatus.POSTPONED


def test_the_share_verified_counts_records_nobody_looked_at() -> None:
    verified, parent = NumberStatus.VERIFIED, Obtained.PARENT
    counted = coverage([(verified, Obtained.TRACED), (NumberStatus.NOT_TRACED, parent), (verified, parent)], 8)
    assert (counted.total, counted.with_number, counted.verified, counted.unverified) == (8, 3, 2, 1)
    assert counted.share == 0.25
    assert counted.by_status[NumberStatus.TRACE_REQUIRED] == 5
    assert counted.by_obtained == {Obtained.TRACED: 1, parent: 2}
    assert coverage([], 0).share == 0
