"""Checking children before they are sent: what the receiver would say, by record."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import msgspec
import pytest

from samechild.collection.before_sending import Report, check_body, check_children
from samechild.collection.rules.examples import a_child, an_episode, worker
from samechild.collection.rules.rule import Grade

TODAY = date(2026, 6, 10)


def _payload(la_child_id: str, **details: Any) -> dict[str, Any]:
    """The usual child as sent, with a name and number of its own."""
    usual = {"unique_pupil_number": None, "unique_pupil_number_unknown_reason": "UN3", "surname": f"Ash{la_child_id}"}
    made: dict[str, Any] = msgspec.to_builtins(a_child(**{**usual, **details}))
    return {**made, "la_child_id": la_child_id}


def _rules(report: Report) -> list[tuple[int, str]]:
    return [(each.record, each.rule) for each in report.findings]


def test_children_without_problems() -> None:
    report = check_body(json.dumps([_payload("A1"), _payload("A2")]).encode(), TODAY)
    assert (report.records, report.children, report.findings, report.found_errors) == (2, 2, (), False)


@pytest.mark.parametrize("way", ["array", "lines", "one by one"])
def test_the_same_is_found_in_whatever_form_they_come(way: str) -> None:
    sent = [_payload("A1"), _payload("A2", sex="F", ethnicity="XX"), {"la_child_id": "A 3"}, _payload("A4", sex=None)]
    if way == "array":
        report = check_body(json.dumps(sent, indent=1).encode(), TODAY)
    elif way == "lines":
        report = check_body("\ufeff".encode() + b"\r\n".join(json.dumps(each).encode() for each in sent), TODAY)
    else:
        report = check_children(enumerate(sent, 1), TODAY)
    assert _rules(report) == [(2, "CHD-09"), (3, "STR-04"), (4, "CHD-06")]
    assert [each.la_child_id for each in report.findings] == ["A2", "A 3", "A4"]
    assert report.found_errors
    assert (report.records, report.children) == (4, 3)


def test_blank_lines_are_counted_as_lines() -> None:
    body = b"\n\n" + json.dumps(_payload("A1", sex=None)).encode() + b"\n"
    assert _rules(check_body(body + b"\n" + json.dumps(_payload("A2", sex=None)).encode(), TODAY)) == [
        (3, "CHD-06"),
        (5, "CHD-06"),
    ]


def test_one_object_over_several_lines() -> None:
    report = check_body(json.dumps(_payload("A1", sex=None), indent=2).encode(), TODAY)
    assert _rules(report) == [(1, "CHD-06")]


@pytest.mark.parametrize("body", [b"", b"   ", b"[", b"nonsense", b"\xff\xfe[\x00]\x00", b'"text"', b"[1]", b"{}"])
def test_what_is_no_file_of_children_is_said_to_be_none(body: bytes) -> None:
    report = check_body(body, TODAY)
    assert report.found_errors
    assert {each.grade for each in report.findings} == {Grade.REJECT}
    assert report.children == 0


def test_a_query_is_no_error() -> None:
    report = check_body(json.dumps([_payload("A1", sex="U")]).encode(), TODAY)
    assert [each.grade for each in report.findings] == [Grade.QUERY]
    assert not report.found_errors


def test_children_of_one_file_are_compared_with_each_other() -> None:
    number = "X000123418007"
    sent = [_payload("A1"), _payload("A2", surname="AshA1")]
    for each in sent:
        each["child_details"]["unique_pupil_number"] = number
        del each["child_details"]["unique_pupil_number_unknown_reason"]
    assert _rules(check_children(enumerate(sent, 1), TODAY)) == [
        (1, "CHD-33"),
        (1, "CHD-34"),
        (2, "CHD-33"),
        (2, "CHD-34"),
    ]


def test_records_of_one_child_are_put_together_as_the_receiver_does() -> None:
    whole = _payload("A1")
    later = {"la_child_id": "A1", "child_details": {**whole["child_details"], "sex": "9"}}
    report = check_children([(1, whole), (2, later)], TODAY)
    assert _rules(report) == [(2, "CHD-06"), (2, "STR-22")]
    assert (report.records, report.children) == (2, 1)


def test_a_child_to_be_erased_has_no_problems() -> None:
    assert check_children([(1, {"la_child_id": "A1", "purge": True})], TODAY).findings == ()
    older = [(1, {"la_child_id": "0f1e-2d3c_" + "A" * 26, "purge": True})]
    assert _rules(check_children(older, TODAY)) == [(1, "STR-04")]
    assert check_children(older, TODAY, long_ids=True).findings == ()


def test_records_of_changes_are_recognised() -> None:
    whole = _payload("A1")
    bare = {"la_child_id": "A1", "social_care_episodes": [{"social_care_episode_id": "E1"}]}
    assert check_children([(1, whole)], TODAY).partial == 0
    assert check_children([(1, bare)], TODAY).partial == 1


def test_a_finding_says_whom_to_ask() -> None:
    made = a_child(
        an_episode(workers=[worker("SW1", "2026-06-03", "2026-06-05"), worker("SW2", "2026-06-05")]), sex=None
    )
    report = check_children([(1, msgspec.to_builtins(made))], TODAY)
    assert [(each.rule, each.worker) for each in report.findings] == [("CHD-06", "SW2")]


def test_the_worst_and_most_frequent_come_first() -> None:
    sent = [_payload("A1", sex="U"), _payload("A2", sex=None), _payload("A3", ethnicity=None), _payload("A4", sex="9")]
    assert list(check_children(enumerate(sent, 1), TODAY).by_rule()) == ["CHD-06", "CHD-09", "CHD-08"]


def test_many_children_are_taken_some_at_a_time() -> None:
    def made() -> Iterator[tuple[int, dict[str, Any]]]:
        for number in range(1, 2502):
            yield number, _payload(f"A{number}", sex=None if number in (1000, 1001, 2501) else "F")

    report = check_children(made(), TODAY)
    assert _rules(report) == [(1000, "CHD-06"), (1001, "CHD-06"), (2501, "CHD-06")]
    assert report.children == 2501
