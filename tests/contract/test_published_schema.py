"""The published specification against the types declared here: every difference is listed, and each has its reason."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from collecting import a_payload
from project import ROOT
from samechild.collection.structure import read_batch
from samechild.web.collection_shapes import CHILDREN_SCHEMA, sent_schemas

PUBLISHED = ROOT / "tests" / "fixtures" / "csc_1_0_1.json"
LIMITS = ("minLength", "maxLength", "maxItems", "uniqueItems", "minimum", "maximum")
SAID = ("type", "format", "pattern", "required", *LIMITS)
"""What of a schema decides whether something is taken."""

NO_NUL = "^[^\\x00]*$"
NUL = "the character NUL cannot be kept in a PostgreSQL text and is never meant"
NAME = "no name is longer than 1,000 characters, and an endless one would be a burden to everything that reads it"
ITEM = "an item is told apart by its id, so it cannot be empty; Python's $ also stands before a last line break"
LINE = "Python's $ also stands before a last line break"
SCORE = "the total difficulties score runs from 0 to 40; what is far outside is told, what is endless is not kept"
LENGTH = "the pattern says the length"

ID = ("^[A-Za-z0-9_-]*$", "^[A-Za-z0-9_-]{1,36}$(?!\\n)", ITEM)
MAYBE_ID = ("^[A-Za-z0-9_-]*$", "^[A-Za-z0-9_-]*$(?!\\n)", LINE)

KEYS = (
    "social_care_episode_id",
    "child_and_family_assessment_id",
    "child_in_need_plan_id",
    "section_47_assessment_id",
    "child_protection_plan_id",
    "child_looked_after_placement_id",
)


def deliberate(place: str, said: str) -> tuple[Any, Any, str] | None:
    """What the specification says at a place, what is declared here instead, and why; None: they must agree."""
    name = place.rpartition(".")[2]
    if said == "pattern":
        if name in KEYS:
            return ID
        if name in ("worker_id", "mis_child_id"):
            return MAYBE_ID
        if name == "la_child_id":
            return ("^[A-Za-z0-9]+$", "^[A-Za-z0-9]{1,20}$(?!\\n)", LENGTH)
        return (None, NO_NUL, NUL)
    if said == "maxLength" and name in ("first_name", "surname"):
        return (None, 1000, NAME)
    if said == "maxLength" and name in (*KEYS, "la_child_id"):
        return (20 if name == "la_child_id" else 36, None, LENGTH)
    if name == "score" and said in ("minimum", "maximum"):
        return (None, -999_999 if said == "minimum" else 999_999, SCORE)
    return None


@cache
def published() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    return found


def declared_here(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema with what it refers to."""
    if "$ref" in schema:
        schema = {
            **sent_schemas()[schema["$ref"].rpartition("/")[2]],
            **{k: v for k, v in schema.items() if k != "$ref"},
        }
    return schema


def differences(theirs: dict[str, Any], ours: dict[str, Any], place: str = "$") -> Iterator[tuple[str, str, Any, Any]]:
    """Where two schemas say something else: place, what is said, by the specification and here."""
    ours = declared_here(ours)
    for said in SAID:
        one, other = theirs.get(said), ours.get(said)
        if said == "required":
            one, other = sorted(one or []), sorted(other or [])
        if one != other:
            yield place, said, one, other
    if theirs.get("additionalProperties", True) != ours.get("additionalProperties", True):
        yield place, "additionalProperties", theirs.get("additionalProperties"), ours.get("additionalProperties")
    inside, here = theirs.get("properties", {}), ours.get("properties", {})
    for name in sorted(set(inside) ^ set(here)):
        yield f"{place}.{name}", "there", name in inside, name in here
    for name in sorted(set(inside) & set(here)):
        yield from differences(inside[name], here[name], f"{place}.{name}")
    if "items" in theirs or "items" in ours:
        yield from differences(theirs.get("items", {}), ours.get("items", {}), f"{place}[]")


def test_every_difference_from_the_specification_has_a_reason() -> None:
    reasons = set()
    for place, said, theirs, ours in differences(published(), dict(CHILDREN_SCHEMA)):
        why = deliberate(place, said)
        assert why is not None, (place, said, theirs, ours)
        assert (theirs, ours) == why[:2], (place, said)
        reasons.add(why[2])
    assert reasons == {NUL, NAME, ITEM, LINE, SCORE, LENGTH}, "a reason for a difference that is no more"


def test_every_place_of_the_specification_is_compared() -> None:
    def places(schema: dict[str, Any], place: str = "$") -> Iterator[str]:
        schema = declared_here(schema)
        yield place
        for name, inner in schema.get("properties", {}).items():
            yield from places(inner, f"{place}.{name}")
        if "items" in schema:
            yield from places(schema["items"], f"{place}[]")

    assert set(places(published())) == set(places(dict(CHILDREN_SCHEMA)))
    assert len(set(places(published()))) == 90


@pytest.mark.parametrize(
    "change",
    [
        {"type": "object"},
        {"maxItems": 50},
        {"items": {"type": "object", "additionalProperties": True, "properties": {}}},
    ],
    ids=str,
)
def test_a_difference_without_a_reason_is_noticed(change: dict[str, Any]) -> None:
    found = list(differences({**published(), **change}, dict(CHILDREN_SCHEMA)))
    assert any(deliberate(place, said) is None for place, said, _, _ in found)


LIKE_THE_SPECIFICATION = [
    a_payload(),
    {"la_child_id": "1", "purge": True},
    {"la_child_id": "1", "mis_child_id": ""},
    {
        "la_child_id": "Child1234",
        "mis_child_id": "Supplier-Child_1234",
        "child_details": {
            "unique_pupil_number": "ABC0123456789",
            "former_unique_pupil_number": "DEF0123456789",
            "unique_pupil_number_unknown_reason": "UN3",
            "sex": "M",
            "ethnicity": "WBRI",
            "disabilities": ["HAND", "VIS"],
            "expected_date_of_birth": "2022-06-14",
            "uasc_end_date": "2022-06-14",
            "purge": False,
        },
        "health_and_wellbeing": {"sdq_assessments": [{"date": "2022-06-14", "score": 20}], "purge": False},
        "social_care_episodes": [
            {
                "social_care_episode_id": "ABC123456",
                "referral_source": "BB",
                "closure_reason": "RC7",
                "care_worker_details": [{"worker_id": "ABC123"}, {}],
                "child_and_family_assessments": [
                    {"child_and_family_assessment_id": "ABC123456", "factors": ["1C", "4A"], "purge": False}
                ],
                "child_in_need_plans": [{"child_in_need_plan_id": "ABC123456"}],
                "section_47_assessments": [{"section_47_assessment_id": "A_1-2", "icpc_required_flag": True}],
                "child_protection_plans": [],
                "child_looked_after_placements": [
                    {"child_looked_after_placement_id": "1", "placement_type": "K1", "change_reason": "CHILD"}
                ],
                "adoption": {},
                "care_leavers": {"activity": "F2", "accommodation": "D"},
                "purge": False,
            }
        ],
    },
]
"""Shapes that the published example, test records and clients have; codes that do not exist are no matter of shape."""


@pytest.mark.parametrize("record", LIKE_THE_SPECIFICATION, ids=lambda record: str(len(str(record))))
def test_what_the_specification_takes_is_taken(record: dict[str, Any]) -> None:
    assert read_batch(json.dumps([record]).encode()).faults == ()
