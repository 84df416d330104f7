"""What the door reads: everything the specification allows, and all that is wrong told by place and never by value."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collecting import a_payload
from samechild.collection.records import Child
from samechild.collection.structure import LONGEST_RECORD, STRUCTURAL, Read, in_words, read_batch, read_lines, told

POSITIONS = re.compile(r"\[(\d+)\]")
"""How both published clients find the failing records."""


def read(*records: Any, **given: Any) -> Read:
    """Read records sent as one body."""
    return read_batch(json.dumps(list(records)).encode(), **given)


def rules(found: Read) -> list[tuple[int, str, str]]:
    """Where what was broken."""
    return [(fault.position, fault.place, fault.rule) for fault in found.faults]


def broken(**given: Any) -> list[tuple[str, str]]:
    """What is wrong with one child: place and rule."""
    return [(place, rule) for _, place, rule in rules(read({"la_child_id": "C1", **given}))]


def in_episode(**given: Any) -> list[tuple[str, str]]:
    return broken(social_care_episodes=[{"social_care_episode_id": "E1", **given}])


def test_a_record_is_read_and_its_bytes_are_kept_as_they_came() -> None:
    one, other = a_payload("C1"), a_payload("C2")
    body = b"\xef\xbb\xbf [ " + json.dumps(one).encode() + b" ,\n" + json.dumps(other, indent=1).encode() + b"]\n"
    found = read_batch(body)
    assert found.faults == ()
    assert found.slices == (json.dumps(one).encode(), json.dumps(other, indent=1).encode())
    assert [child.la_child_id for child in found.children if child] == ["C1", "C2"]


def test_no_children_at_all_are_no_fault() -> None:
    assert read() == Read((), (), ())


@pytest.mark.parametrize("name", ["Zoë", "O\u2019Brien", "Łukasz 😀", 'say "null"', "back\\u0000slash"])
def test_names_are_read_however_they_are_written(name: str) -> None:
    record = a_payload(details={"first_name": name})
    for body in (json.dumps([record]), json.dumps([record], ensure_ascii=False)):
        found = read_batch(body.encode())
        assert found.faults == ()
        child = found.children[0]
        assert child is not None
        assert child.child_details is not None
        assert child.child_details.first_name == name


@pytest.mark.parametrize(
    ("body", "rule", "words"),
    [
        (b"", "STR-01", "array"),
        (b"{}", "STR-01", "even for one child"),
        (b"null", "STR-01", "array"),
        (b'"[]"', "STR-01", "array"),
        (b"[", "STR-01", "line 1, character 2"),
        (b'[{"la_child_id": "A"}\n {', "STR-01", "line 2, character 2"),
        (b'[{"la_child_id": "A"}] x', "STR-01", "follows"),
        (b'[{"la_child_id": "A"},]', "STR-01", "line 1"),
        (b"[NaN]", "STR-01", "NaN"),
        (b'[{"a": -Infinity}]', "STR-01", "Infinity"),
        (b"[" * 100_000, "STR-01", "deeply"),
        (b'[{"a":' * 50_000, "STR-01", "deeply"),
        (b'[{"la_child_id": "A\tB"}]', "STR-01", "line 1"),
        ('[{"la_child_id": "A"}]'.encode("utf-16"), "STR-03", "UTF-16"),
        ("\ufeff[]".encode("utf-16-be"), "STR-03", "UTF-16"),
        (b"\xff\xff[]", "STR-03", "PowerShell"),
        (b"\x81", "STR-03", "UTF-8"),
        (json.dumps([{"la_child_id": "A"}] * 101).encode(), "STR-02", "at most 100"),
        (b"[" + b"{}," * 300_000 + b"{}]", "STR-02", "at most 100"),
    ],
)
def test_a_body_that_cannot_be_used_says_why_once(body: bytes, rule: str, words: str) -> None:
    found = read_batch(body)
    assert rules(found) == [(-1, "", rule)]
    assert found.slices == ()
    assert found.children == ()
    assert words in told(found.faults)
    assert not POSITIONS.search(told(found.faults))


def test_records_in_another_encoding_are_told_apart_from_those_they_came_with() -> None:
    good, spoilt = (
        json.dumps(a_payload("C1")),
        json.dumps(a_payload("C2", details={"surname": "Zoë"}), ensure_ascii=False),
    )
    found = read_batch(b"[" + good.encode() + b"," + spoilt.encode("cp1252") + b"," + good.encode() + b"]")
    assert rules(found) == [(1, "", "STR-03")]
    assert [child is not None for child in found.children] == [True, False, True]
    assert "PowerShell" in told(found.faults)
    assert POSITIONS.findall(told(found.faults)) == ["1"]


@pytest.mark.parametrize(
    ("details", "place", "rule"),
    [
        ({"date_of_birth": "2015-02-30"}, "date_of_birth", "STR-13"),
        ({"date_of_birth": "14/03/2015"}, "date_of_birth", "STR-13"),
        ({"date_of_birth": "2015-03-14T00:00:00"}, "date_of_birth", "STR-13"),
        ({"date_of_birth": 20150314}, "date_of_birth", "STR-13"),
        ({"date_of_birth": None}, "date_of_birth", "STR-13"),
        ({"uasc_flag": "true"}, "uasc_flag", "STR-14"),
        ({"uasc_flag": 1}, "uasc_flag", "STR-14"),
        ({"purge": None}, "purge", "STR-14"),
        ({"unique_pupil_number": "A12345678901"}, "unique_pupil_number", "STR-16"),
        ({"former_unique_pupil_number": ""}, "former_unique_pupil_number", "STR-16"),
        ({"sex": "MF"}, "sex", "STR-17"),
        ({"sex": 1}, "sex", "STR-17"),
        ({"postcode": "ZZ99 3VZ "}, "postcode", "STR-17"),
        ({"unique_pupil_number_unknown_reason": "UN100"}, "unique_pupil_number_unknown_reason", "STR-17"),
        ({"disabilities": ["MOB", "MOB"]}, "disabilities/1", "STR-18"),
        ({"disabilities": ["MOBIL"]}, "disabilities/0", "STR-18"),
        ({"disabilities": [None]}, "disabilities/0", "STR-18"),
        ({"disabilities": [str(number) for number in range(13)]}, "disabilities", "STR-18"),
        ({"disabilities": "MOB"}, "disabilities", "STR-18"),
        ({"first_name": None}, "first_name", "STR-06"),
        ({"first_name": ["Zoë"]}, "first_name", "STR-06"),
        ({"first_name": "a" * 1001}, "first_name", "STR-06"),
        ({"first_name": "a\x00b"}, "first_name", "STR-03"),
        ({"surname": "\ud800"}, "surname", "STR-03"),
    ],
)
def test_personal_details_are_checked_field_by_field(details: dict[str, Any], place: str, rule: str) -> None:
    assert broken(child_details=details) == [(f"/child_details/{place}", rule)]


@pytest.mark.parametrize(
    ("items", "key", "rule"),
    [
        ("child_and_family_assessments", "child_and_family_assessment_id", "STR-08"),
        ("child_in_need_plans", "child_in_need_plan_id", "STR-09"),
        ("section_47_assessments", "section_47_assessment_id", "STR-10"),
        ("child_protection_plans", "child_protection_plan_id", "STR-11"),
        ("child_looked_after_placements", "child_looked_after_placement_id", "STR-12"),
    ],
)
@pytest.mark.parametrize("value", [None, "", "a b", "x" * 37, 7, "A\n", ...])
def test_every_item_of_a_list_has_its_id(items: str, key: str, rule: str, value: Any) -> None:
    item = {} if value is ... else {key: value}
    assert in_episode(**{items: [item]}) == [(f"/social_care_episodes/0/{items}/0/{key}", rule)]


def test_the_rest_of_an_episode_is_checked_too() -> None:
    assert broken(social_care_episodes=[{}])[0][1] == "STR-07"
    assert in_episode(closure_reason="RC12") == [("/social_care_episodes/0/closure_reason", "STR-17")]
    worker = {"care_worker_details": [{"worker_id": "a worker"}, {"worker_id": "x" * 13}, {}]}
    assert [rule for _, rule in in_episode(**worker)] == ["STR-20", "STR-20"]
    assessment = {"child_and_family_assessment_id": "A1", "factors": ["1A", "1A", "ABCD"]}
    assert [rule for _, rule in in_episode(child_and_family_assessments=[assessment])] == ["STR-19", "STR-19"]
    assert in_episode(adoption=[]) == [("/social_care_episodes/0/adoption", "STR-06")]
    assert in_episode(child_in_need_plans={}) == [("/social_care_episodes/0/child_in_need_plans", "STR-06")]
    assert in_episode(child_in_need_plans=None) == [("/social_care_episodes/0/child_in_need_plans", "STR-06")]


@pytest.mark.parametrize("score", ["12", 12.5, 12.0, True, None, 10**30, "1e999"])
def test_a_score_is_a_whole_number(score: Any) -> None:
    sent = json.dumps({"la_child_id": "C1", "health_and_wellbeing": {"sdq_assessments": [{"score": score}]}})
    sent = sent.replace('"1e999"', "1e999")
    found = read_batch(f"[{sent}]".encode())
    assert rules(found) == [(0, "/health_and_wellbeing/sdq_assessments/0/score", "STR-15")]


def test_endless_digits_are_no_score() -> None:
    body = '[{"la_child_id":"A","health_and_wellbeing":{"sdq_assessments":[{"score":' + "9" * 100_000 + "}]}}]"
    assert [rule for *_, rule in rules(read_batch(body.encode()))] == ["STR-15"]


@pytest.mark.parametrize("value", [None, "", "A-1", "a b", "x" * 21, 17, "é", "A\n", ["A"], ...])
def test_a_child_has_an_id_of_letters_and_digits(value: Any) -> None:
    record = {} if value is ... else {"la_child_id": value}
    assert rules(read(record)) == [(0, "/la_child_id", "STR-04")]


def test_longer_ids_are_taken_where_the_authority_still_has_them() -> None:
    long = "0123456789abcdef-0123456789abcdef_00"
    found = read({**a_payload(), "la_child_id": long}, long_ids=True)
    assert found.faults == ()
    child = found.children[0]
    assert child is not None
    assert (child.la_child_id, child.child_details is not None) == (long, True)
    assert rules(read({"la_child_id": long + "0"}, {"la_child_id": "a b"}, long_ids=True)) == [
        (0, "/la_child_id", "STR-04"),
        (1, "/la_child_id", "STR-04"),
    ]
    assert read({"la_child_id": long, "x": 1}, long_ids=True).children == (None,)


def test_the_second_id_may_be_null_as_the_published_client_sends_it() -> None:
    assert read({"la_child_id": "C1", "mis_child_id": None, "purge": True}).faults == ()
    assert broken(mis_child_id="a b") == [("/mis_child_id", "STR-05")]
    assert broken(mis_child_id="x" * 37) == [("/mis_child_id", "STR-05")]


def test_what_the_specification_does_not_know_is_refused_and_never_repeated() -> None:
    found = read({"la_child_id": "C1", "child_detials": {}, "Zebedee Quillfeather": 1, "legal_status": "C2"})
    assert rules(found) == [(0, "", "STR-06")] * 3
    assert "is child_details meant?" in found.faults[0].words
    assert "Zebedee" not in str(found.faults) + told(found.faults)
    assert "property 3" in found.faults[1].words


def test_a_property_that_stands_twice_is_refused() -> None:
    body = b'[{"la_child_id":"A","la_child_id":"B","Zebedee":1,"Zebedee":2,"child_details":{"sex":"M","sex":"F"}}]'
    found = read_batch(body)
    assert [(place, rule) for _, place, rule in rules(found)] == [
        ("", "STR-06"),
        ("", "STR-06"),
        ("/child_details", "STR-06"),
    ]
    assert "la_child_id" in found.faults[0].words
    assert "sex" in found.faults[-1].words
    assert "Zebedee" not in told(found.faults)


def test_everything_wrong_with_a_record_is_told_up_to_a_limit() -> None:
    episodes = [{"social_care_episode_id": f"E{number}", "referral_date": "x"} for number in range(30)]
    assert len(broken(social_care_episodes=episodes)) == 20
    assert len(broken(**{f"x{number}": 1 for number in range(30)})) == 20
    assert len(in_episode(referral_date="x", closure_date="y", purge="no")) == 3


def test_a_record_that_is_endless_is_refused() -> None:
    episodes = [{"social_care_episode_id": f"E{number}"} for number in range(LONGEST_RECORD // 30)]
    assert broken(social_care_episodes=episodes) == [("", "STR-06")]


def test_one_wrong_record_leaves_the_others_alone() -> None:
    found = read(a_payload("C1"), {"la_child_id": ""}, a_payload("C2"))
    assert [child is not None for child in found.children] == [True, False, True]
    assert len(found.slices) == 3


def test_the_same_child_twice_is_flagged_and_taken() -> None:
    found = read(a_payload("C1"), a_payload("C2"), a_payload("C1"))
    assert found.faults == ()
    assert [(flag.position, flag.rule) for flag in found.flags] == [(2, "STR-22")]


def test_lines_are_read_each_by_itself() -> None:
    line = json.dumps(a_payload("C1")).encode()
    found = read_lines(
        [line, b"{", b"\xff", line + b" " + line, b'{"la_child_id":"C2"}\r', b"\xef\xbb\xbf" + line, b"[]"]
    )
    assert [child.la_child_id if child else "" for child in found.children] == ["C1", "", "", "", "C2", "C1", ""]
    assert [(at, rule) for at, _, rule in rules(found)] == [
        (1, "STR-01"),
        (2, "STR-03"),
        (3, "STR-01"),
        (6, "STR-06"),
    ]


# --- telling ----------------------------------------------------------------------------------------------------------


def test_an_error_is_told_as_both_published_clients_read_it() -> None:
    bad = a_payload("C2", episode={"referral_date": "2026-02-30"})
    bad["social_care_episodes"].insert(0, {"social_care_episode_id": "E0"})
    text = told(read(a_payload("C1"), bad, {"la_child_id": "C3", "child_details": {"sex": "male"}}).faults)
    assert text.splitlines() == [
        "[1] in its second episode, referral_date: send a real calendar day as text, YYYY-MM-DD (STR-13)",
        "[2] child_details.sex: send text of at most 1 characters (STR-17)",
    ]
    assert POSITIONS.findall(text) == ["1", "2"]


def test_what_to_do_stands_early_enough_to_be_kept() -> None:
    details = {"sex": "male", "ethnicity": "white", "uasc_flag": "no", "date_of_birth": "x", "postcode": "y" * 9}
    text = told(read({"la_child_id": "C1", "child_details": details}).faults)
    assert len(text) < 450
    assert text.endswith("and 2 more")


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("", ""),
        ("/la_child_id", "la_child_id"),
        ("/child_details/disabilities/1", "in its child_details, second disability"),
        ("/health_and_wellbeing/sdq_assessments/0/score", "in its first SDQ assessment, score"),
        (
            "/social_care_episodes/1/child_protection_plans/11/end_date",
            "in its second episode, child protection plan number 12, end_date",
        ),
        ("/social_care_episodes/0/care_worker_details/2/worker_id", "in its first episode, third worker, worker_id"),
    ],
)
def test_a_place_is_said_in_words(place: str, words: str) -> None:
    assert in_words(place) == words


# --- the types and the reader agree -----------------------------------------------------------------------------------

names = st.sampled_from(["la_child_id", "purge", "child_details", "sex", "factors", "social_care_episodes", "x"])
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
    | st.just("2024-02-29"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=300)
@given(st.lists(values, max_size=4))
def test_whatever_is_sent_is_taken_or_told(records: list[Any]) -> None:
    found = read(*records)
    assert len(found.slices) == len(found.children) == len(records)
    faulty = {fault.position for fault in found.faults}
    assert {at for at, child in enumerate(found.children) if child is None} == faulty
    assert {int(at) for at in POSITIONS.findall(told(found.faults))} == faulty


words = st.sampled_from(["", "M", "MOB", "2024-02-29", "2023-02-29", "A123456789012"]) | values
details = st.fixed_dictionaries(
    {},
    optional={
        "sex": words,
        "date_of_birth": words,
        "first_name": st.text(max_size=4),
        "disabilities": st.lists(words, max_size=2),
        "unique_pupil_number": words,
        "purge": st.booleans() | values,
    },
)


@settings(max_examples=400)
@given(details)
def test_what_is_taken_is_what_the_declared_type_says(record: Any) -> None:
    sent = {"la_child_id": "C1", "child_details": record}
    found = read(sent)
    child = found.children[0]
    if child is not None:
        assert msgspec.json.decode(found.slices[0], type=Child) == child
        assert msgspec.json.decode(found.slices[0]) == json.loads(found.slices[0]) == sent


def test_every_structural_rule_is_in_the_catalogue_once() -> None:
    assert [rule.code for rule in STRUCTURAL] == [f"STR-{number:02}" for number in range(1, 23)]
    assert all(rule.test is None and rule.message and rule.mend for rule in STRUCTURAL)
    for rule in STRUCTURAL:
        assert set(rule.fields) <= {field.name for field in msgspec.structs.fields(rule.on)}, rule.code
