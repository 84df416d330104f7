"""What a school's submissions about a pupil add up to: against a slow and obvious model, in any order and number."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from samechild.collection.attendance.merge import Roll, joined, merge, parted, pupil_of, replay
from samechild.collection.attendance.records import Pupil

_MARK = st.fixed_dictionaries(
    {
        "date": st.sampled_from(["2026-06-08", "2026-06-09"]),
        "session": st.sampled_from(["AM", "PM"]),
        "code": st.sampled_from(["/", "I", "O"]),
    },
    optional={"minutes_late": st.sampled_from([0, 7])},
)
_SENT = st.fixed_dictionaries(
    {"pupil_id": st.just("P1")},
    optional={
        "surname": st.sampled_from(["Teal", "Avocet"]),
        "date_of_birth": st.just("2015-05-20"),
        "school": st.just("900001"),
        "marks": st.lists(_MARK, max_size=4),
        "purge": st.booleans(),
    },
)


def slowly(sent: list[dict[str, Any]]) -> tuple[dict[str, Any], dict[tuple[str, str], set[tuple[str, Any]]]] | None:
    """Field by field, session by session."""
    fields: dict[str, Any] | None = None
    sessions: dict[tuple[str, str], set[tuple[str, Any]]] = {}
    for record in sent:
        if record.get("purge"):
            fields, sessions = None, {}
            continue
        fields = {} if fields is None else fields
        fields |= {name: value for name, value in record.items() if name not in ("marks", "purge")}
        here: dict[tuple[str, str], set[tuple[str, Any]]] = {}
        for mark in record.get("marks", []):
            here.setdefault((mark["date"], mark["session"]), set()).add((mark["code"], mark.get("minutes_late")))
        sessions |= here
    return None if fields is None else (fields, sessions)


def told(held: Roll | None) -> tuple[dict[str, Any], dict[tuple[str, str], set[tuple[str, Any]]]] | None:
    if held is None:
        return None
    fields = {name: value for name, value in held.pupil.items() if name != "marks"}
    sessions: dict[tuple[str, str], set[tuple[str, Any]]] = {}
    for mark in held.pupil.get("marks", []):
        sessions.setdefault((mark["date"], mark["session"]), set()).add((mark["code"], mark.get("minutes_late")))
    return fields, sessions


@given(st.lists(_SENT, max_size=6))
def test_any_sequence_adds_up_to_what_the_slow_model_says(sent: list[dict[str, Any]]) -> None:
    assert told(replay(sent)) == slowly(sent)


@given(_SENT, st.lists(_SENT, max_size=3))
def test_the_same_again_changes_nothing_and_equal_states_are_equal_bytes(
    last: dict[str, Any], before: list[dict[str, Any]]
) -> None:
    once, twice = replay([*before, last]), replay([*before, last, last])
    assert msgspec.json.encode(once) == msgspec.json.encode(twice)
    turned = {**last, "marks": list(reversed(last["marks"]))} if "marks" in last else last
    assert msgspec.json.encode(replay([*before, turned])) == msgspec.json.encode(once)


@given(st.lists(_SENT, min_size=1, max_size=4))
def test_its_two_halves_are_put_together_exactly_and_the_content_says_not_who(sent: list[dict[str, Any]]) -> None:
    held = replay(sent)
    if held is None:
        return
    identity, content = parted(held)
    assert joined(identity, content) == held
    assert content.keys() <= {"school", "marks"}
    assert isinstance(pupil_of(held), Pupil)


def test_what_is_merged_stays_as_it_was() -> None:
    sent = {"pupil_id": "P1", "marks": [{"date": "2026-06-09", "session": "AM", "code": "N"}]}
    first = merge(None, sent)
    assert first is not None
    kept = msgspec.json.encode(first)
    second = merge(first, {"pupil_id": "P1", "marks": [{"date": "2026-06-09", "session": "AM", "code": "I"}]})
    assert second is not None
    assert [mark["code"] for mark in second.pupil["marks"]] == ["I"]
    assert msgspec.json.encode(first) == kept


def test_more_marks_than_may_be_sent_at_once_may_be_held() -> None:
    marks = [
        {"date": f"2026-{month:02}-{day:02}", "session": half, "code": "/"}
        for month in range(1, 13) for day in range(1, 29) for half in ("AM", "PM")
    ]  # fmt: skip
    older = [{**mark, "date": mark["date"].replace("2026", "2025")} for mark in marks]
    held = replay([{"pupil_id": "P1", "marks": marks}, {"pupil_id": "P1", "marks": older}])
    assert held is not None
    assert len(pupil_of(held).marks or ()) == 2 * len(marks)
